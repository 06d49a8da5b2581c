# SPDX-License-Identifier: Apache-2.0
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(joinery_package "${CMAKE_INSTALL_DATADIR}/cmake/joinery")
get_property(joinery_targets GLOBAL PROPERTY JOINERY_TARGETS)
install(TARGETS ${joinery_targets} EXPORT joinery-targets
  FILE_SET HEADERS DESTINATION include/joinery)
install(EXPORT joinery-targets NAMESPACE joinery:: DESTINATION "${joinery_package}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/joinery-config.cmake.in"
  "${PROJECT_BINARY_DIR}/joinery-config.cmake" INSTALL_DESTINATION "${joinery_package}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/joinery-config-version.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  "${PROJECT_BINARY_DIR}/joinery-config.cmake"
  "${PROJECT_BINARY_DIR}/joinery-config-version.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/FindxxHash.cmake"
  DESTINATION "${joinery_package}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/joinery")
