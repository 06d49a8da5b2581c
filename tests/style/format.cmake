# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.25)
# Every source is as clang-format 16 lays it out.
file(GLOB_RECURSE sources
  "${SOURCE}/include/*.hpp" "${SOURCE}/tests/*.[ch]pp" "${SOURCE}/examples/*.[ch]pp")
execute_process(COMMAND "${CLANG_FORMAT}" --dry-run -Werror ${sources} RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "Run: clang-format-16 -i on the files above")
endif()
