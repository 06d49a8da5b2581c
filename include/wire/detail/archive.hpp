// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cereal/cereal.hpp>

namespace joinery::wire {
class writer;
class reader;
} // namespace joinery::wire

// cereal's enums and save_minimal types do not compile unless the two archives are paired.
CEREAL_SETUP_ARCHIVE_TRAITS(joinery::wire::reader, joinery::wire::writer)
