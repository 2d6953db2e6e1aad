# What a program that uses stoa gets: headers, libstoa.a, and a package in which find_package(stoa) finds stoa::stoa.
# The layers are already inside libstoa.a and are not installed. The program `stoa` installs itself, in tools/cli; what
# `make install` builds are these two.
option(STOA_INSTALL "Install stoa with the project that it is part of" ${PROJECT_IS_TOP_LEVEL})
if(NOT STOA_INSTALL)
  return()
endif()

include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/stoa")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/stoa" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.h")
set_target_properties(stoa_api PROPERTIES EXPORT_NAME api)
install(TARGETS stoa stoa_api EXPORT stoaTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT stoaTargets NAMESPACE stoa:: DESTINATION "${package_dir}")

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/stoaConfig.cmake.in" stoaConfig.cmake
                              INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(stoaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/stoaConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/stoaConfigVersion.cmake"
        DESTINATION "${package_dir}")
