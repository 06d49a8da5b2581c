// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <crdt/causal_context.hpp>
#include <crdt/dot.hpp>
#include <crdt/entries.hpp>
#include <crdt/error.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/g_set.hpp>
#include <crdt/hybrid_clock.hpp>
#include <crdt/lattice.hpp>
#include <crdt/lww_register.hpp>
#include <crdt/max_register.hpp>
#include <crdt/or_set.hpp>
#include <crdt/replica_id.hpp>
#include <crdt/struct.hpp>
#include <crdt/version_vector.hpp>
