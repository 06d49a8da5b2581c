// SPDX-License-Identifier: Apache-2.0
// First, since no other header has it: the names that it leaves must not disturb the rest.
#include <gossip/prometheus.hpp>

#include "all_headers.hpp"

int second();

int main() { return second(); }
