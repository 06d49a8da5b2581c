// SPDX-License-Identifier: Apache-2.0
#include "family.hpp"

namespace golden {

const std::vector<family>& all_families() {
    static const std::vector<family> all{wire_family(), counters_family(),  sets_family(),
                                         maps_family(), registers_family(), causal_family(),
                                         logs_family(), stream_family(),    gossip_family()};
    return all;
}

} // namespace golden
