// SPDX-License-Identifier: Apache-2.0
#pragma once

// Canonical, bounded bytes and digests. <wire/json.hpp> is separate: include it to look at values.

#include <wire/codec.hpp>
#include <wire/error.hpp>
#include <wire/fields.hpp>
#include <wire/hash.hpp>
#include <wire/limits.hpp>
#include <wire/reader.hpp>
#include <wire/schema.hpp>
#include <wire/writer.hpp>
