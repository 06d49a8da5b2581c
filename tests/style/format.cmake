# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.25)
# Every source is as clang-format 16 lays it out.
file(GLOB_RECURSE sources RELATIVE "${SOURCE}"
  "${SOURCE}/include/*.hpp" "${SOURCE}/tests/*.[ch]pp" "${SOURCE}/examples/*.[ch]pp")
set(wrong "")
foreach(source IN LISTS sources)
  execute_process(COMMAND "${CLANG_FORMAT}" --dry-run -Werror "${source}"
    WORKING_DIRECTORY "${SOURCE}" RESULT_VARIABLE result ERROR_QUIET)
  if(NOT result EQUAL 0)
    string(APPEND wrong " ${source}")
  endif()
endforeach()
if(wrong)
  message(FATAL_ERROR "Laid out differently; run: clang-format-16 -i${wrong}")
endif()
