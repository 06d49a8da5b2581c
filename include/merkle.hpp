// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <merkle/chunks.hpp>
#include <merkle/digest.hpp>
#include <merkle/index.hpp>
#include <merkle/options.hpp>
#include <merkle/reconciler.hpp>
#include <merkle/responder.hpp>
