# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.25)
# Configures, builds and runs the project CONSUMER in BUILD; with REFUSED, configuring must fail.
file(REMOVE_RECURSE "${BUILD}")
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CONSUMER}" -B "${BUILD}" -G "${GENERATOR}"
  "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${PREFIX}" "-DJOINERY_SOURCE=${SOURCE}"
  ${ARGUMENTS} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(REFUSED)
  if(result EQUAL 0)
    message(FATAL_ERROR "A version that does not exist was accepted:\n${output}")
  endif()
  if(NOT output MATCHES "compatible with requested version")
    message(FATAL_ERROR "Refused for another reason than its version:\n${output}")
  endif()
  return()
endif()
if(NOT result EQUAL 0)
  message(FATAL_ERROR "The consumer does not configure:\n${output}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD}" COMMAND_ERROR_IS_FATAL ANY)
foreach(program consumer_crdt consumer_everything)
  execute_process(COMMAND "${BUILD}/${program}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
