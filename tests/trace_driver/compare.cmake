# SPDX-License-Identifier: Apache-2.0
# Fails unless DRIVER, given TRACE on standard input, answers exactly what ANSWERS holds.
execute_process(COMMAND "${DRIVER}" INPUT_FILE "${TRACE}"
  OUTPUT_VARIABLE given ERROR_VARIABLE errors RESULT_VARIABLE result)
file(READ "${ANSWERS}" expected)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the driver ended with ${result}\n${errors}")
endif()
if(expected STREQUAL "" OR NOT given STREQUAL expected)
  message(FATAL_ERROR "expected\n${expected}\ngiven\n${given}\n${errors}")
endif()
