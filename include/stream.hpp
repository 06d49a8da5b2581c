// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stream/accumulator.hpp>
#include <stream/certificate.hpp>
#include <stream/checkpoint.hpp>
#include <stream/partitioned.hpp>
#include <stream/plan.hpp>
#include <stream/submission.hpp>
#include <stream/transfer.hpp>
