# SPDX-License-Identifier: Apache-2.0

# joinery_module(<name> LINKS <target>... HEADERS <header>...)
# Declares the header-only target joinery::<name>. Headers are named relative to include/; a header
# below a folder detail/ is installed with the others but is not public.
function(joinery_module name)
  cmake_parse_arguments(PARSE_ARGV 1 module "" "" "LINKS;HEADERS")
  set(target joinery_${name})
  add_library(${target} INTERFACE)
  add_library(joinery::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_link_libraries(${target} INTERFACE ${module_LINKS})
  list(TRANSFORM module_HEADERS PREPEND "${PROJECT_SOURCE_DIR}/include/" OUTPUT_VARIABLE files)
  target_sources(${target} INTERFACE
    FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${files})
  target_include_directories(${target} INTERFACE
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:include/joinery>")
  set_property(GLOBAL APPEND PROPERTY JOINERY_HEADERS ${module_HEADERS})
  set_property(GLOBAL APPEND PROPERTY JOINERY_TARGETS ${target})
endfunction()
