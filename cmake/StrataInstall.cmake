# SPDX-License-Identifier: MIT
# Installs the headers and a package for find_package(strata). The same package is read by CMake 3.16, so the file set is not exported into it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(STRATA_PACKAGE_DIR ${CMAKE_INSTALL_DATADIR}/cmake/strata)
install(DIRECTORY include/strata DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.hpp)
configure_package_config_file(cmake/strataConfig.cmake.in ${PROJECT_BINARY_DIR}/strataConfig.cmake INSTALL_DESTINATION ${STRATA_PACKAGE_DIR}
                              PATH_VARS CMAKE_INSTALL_INCLUDEDIR NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/strataConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/strataConfig.cmake ${PROJECT_BINARY_DIR}/strataConfigVersion.cmake cmake/StrataLinkCheck.cmake
        DESTINATION ${STRATA_PACKAGE_DIR})
