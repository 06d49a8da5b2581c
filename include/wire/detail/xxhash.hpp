// SPDX-License-Identifier: Apache-2.0
#pragma once

// The only inclusion of xxHash, by <wire/hash.hpp> alone. The functions are inlined so that users
// need no library; define JOINERY_LINK_XXHASH to link libxxhash instead, in every file or in none.

#if defined(JOINERY_LINK_XXHASH)
#include <xxhash.h>
#else
#pragma push_macro("XXH_INLINE_ALL")
#undef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#include <xxhash.h>
#pragma pop_macro("XXH_INLINE_ALL")
#endif
