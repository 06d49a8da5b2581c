// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace cluster {

// What a user can understand and mend; a program ends with it, status 2 and one line.
class failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// A failure of the system call that has just set errno.
inline failure system_failure(const std::string& what) {
    return failure(what + ": " + std::strerror(errno));
}

} // namespace cluster
