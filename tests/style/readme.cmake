# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.25)
# README.md shows examples/02_readme.cpp, which is compiled and run, to the letter.
file(READ "${SOURCE}/README.md" readme)
file(READ "${SOURCE}/examples/02_readme.cpp" example)
string(REGEX REPLACE "^// SPDX[^\n]*\n" "" example "${example}")
string(FIND "${readme}" "```cpp\n${example}```\n" place)
if(place EQUAL -1)
  message(FATAL_ERROR "The example in README.md differs from examples/02_readme.cpp")
endif()
