// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gossip/config.hpp>
#include <gossip/engine.hpp>
#include <gossip/event.hpp>
#include <gossip/membership.hpp>
#include <gossip/membership_config.hpp>
#include <gossip/peer.hpp>
#include <gossip/placement.hpp>
#include <gossip/prometheus.hpp>
#include <gossip/random.hpp>
#include <gossip/seal.hpp>
#include <gossip/statistics.hpp>
