# SPDX-License-Identifier: Apache-2.0

# joinery_dev: what our own tests and examples are compiled with; no user of the library sees it.
add_library(joinery_dev INTERFACE)
target_compile_options(joinery_dev INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  $<$<BOOL:${JOINERY_WERROR}>:-Werror>)
if(JOINERY_SANITIZE)
  set(joinery_sanitize -fsanitize=${JOINERY_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_compile_options(joinery_dev INTERFACE ${joinery_sanitize})
  target_link_options(joinery_dev INTERFACE ${joinery_sanitize})
endif()
target_compile_definitions(joinery_dev INTERFACE JOINERY_CASES_DIVISOR=${JOINERY_CASES_DIVISOR})

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(JOINERY_CCACHE ccache)
  mark_as_advanced(JOINERY_CCACHE)
  if(JOINERY_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${JOINERY_CCACHE}")
  endif()
endif()
