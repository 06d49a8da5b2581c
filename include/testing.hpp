// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <testing/codec_laws.hpp>
#include <testing/entry_laws.hpp>
#include <testing/exhaustive.hpp>
#include <testing/lattice_laws.hpp>
#include <testing/laws.hpp>
#include <testing/model.hpp>
#include <testing/nemesis.hpp>
#include <testing/network.hpp>
#include <testing/random_history.hpp>
#include <testing/spec.hpp>
#include <testing/spec_causal.hpp>
#include <testing/spec_plain.hpp>
#include <testing/store_suite.hpp>
#include <testing/visibility.hpp>
