// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <crdt.hpp>
#include <gossip.hpp>
#include <merkle.hpp>
#include <stream.hpp>
#include <wire.hpp>
