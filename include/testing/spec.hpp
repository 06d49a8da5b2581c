// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <testing/spec_causal.hpp>
#include <testing/spec_plain.hpp>
