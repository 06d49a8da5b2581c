// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stream/accumulator.hpp>
#include <stream/archive.hpp>
#include <stream/byte_image.hpp>
#include <stream/certificate.hpp>
#include <stream/checkpoint.hpp>
#include <stream/frontier.hpp>
#include <stream/offset_filter.hpp>
#include <stream/partitioned.hpp>
#include <stream/plan.hpp>
#include <stream/source_keyed.hpp>
#include <stream/statistics.hpp>
#include <stream/store.hpp>
#include <stream/submission.hpp>
#include <stream/transfer.hpp>
#include <stream/verdict.hpp>
#include <stream/windowed.hpp>
