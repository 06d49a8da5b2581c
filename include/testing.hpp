// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <testing/codec_laws.hpp>
#include <testing/entry_laws.hpp>
#include <testing/lattice_laws.hpp>
#include <testing/laws.hpp>
#include <testing/model.hpp>
#include <testing/network.hpp>
#include <testing/random_history.hpp>
