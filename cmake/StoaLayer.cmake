# The order of folders as build rules. Each folder under src/ and tools/ is one target, stoa_<folder>; its headers are
# reached as "<folder>/<file>.h" and only through the target, so that an include of a folder that is neither named under
# DEPENDS nor below one that is does not compile.

# Not where stoa is a part of another project: a newer compiler's new warning is no reason that it should not build.
set(warnings_are_errors "")
if(PROJECT_IS_TOP_LEVEL)
  set(warnings_are_errors -Werror)
endif()
add_library(stoa_flags INTERFACE)
target_compile_features(stoa_flags INTERFACE cxx_std_23)
target_compile_options(stoa_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast ${warnings_are_errors} -fno-plt)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms of g++ 12's optimiser within std::string: "restrict" for an operator+.
  target_compile_options(stoa_flags INTERFACE -Wno-restrict)
endif()
if(STOA_ARCH)
  target_compile_options(stoa_flags INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:-march=${STOA_ARCH}>)
endif()
if(STOA_SANITIZE)
  target_compile_options(stoa_flags INTERFACE -fsanitize=${STOA_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(stoa_flags INTERFACE -fsanitize=${STOA_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC takes the branches that sanitizers insert for ways to an unset variable.
    target_compile_options(stoa_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(STOA_SANITIZE MATCHES "undefined")
    # Without "null": a null pointer that is used traps as it is, and the checks are a third of the time to compile.
    target_compile_options(stoa_flags INTERFACE -fno-sanitize-recover=undefined -fno-sanitize=null)
  endif()
endif()

if(STOA_FUZZ)
  # -w: warnings are g++'s business, the compiler that the code is written for.
  target_compile_options(stoa_flags INTERFACE -fsanitize=fuzzer-no-link -w)
endif()

# The public headers: the vocabulary that every floor shares.
add_library(stoa_api INTERFACE)
target_include_directories(stoa_api INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(stoa_api INTERFACE cxx_std_23)
target_link_libraries(stoa_api INTERFACE Boost::headers Threads::Threads)
if(STOA_PAGES STREQUAL "tiny")
  target_compile_definitions(stoa_api INTERFACE STOA_TINY_PAGES=1)
endif()

# stoa_view(<variable> <folder>)
# A directory to look for includes in, where that folder is and nothing else.
function(stoa_view variable folder)
  cmake_path(GET folder FILENAME name)
  set(view "${PROJECT_BINARY_DIR}/layers/${name}")
  file(MAKE_DIRECTORY "${view}")
  if(NOT EXISTS "${view}/${name}")
    file(CREATE_LINK "${folder}" "${view}/${name}" SYMBOLIC)
  endif()
  set(${variable} "${view}" PARENT_SCOPE)
endfunction()

# stoa_layer(<folder> DEPENDS <folders...> LIBRARIES <private libraries...> SYSTEM_INCLUDES <private directories...>)
# A folder without sources is an INTERFACE target: it has headers, or nothing yet.
function(stoa_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;LIBRARIES;SYSTEM_INCLUDES")
  set(folder "${PROJECT_SOURCE_DIR}/src/${name}")
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cpp$")
  stoa_view(view "${folder}")

  list(TRANSFORM arg_DEPENDS PREPEND stoa_ OUTPUT_VARIABLE below)
  if(sources)
    add_library(stoa_${name} STATIC ${sources})
    set_target_properties(stoa_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_include_directories(stoa_${name} PUBLIC "${view}")
    target_include_directories(stoa_${name} SYSTEM PRIVATE ${arg_SYSTEM_INCLUDES})
    target_link_libraries(stoa_${name} PUBLIC stoa_api ${below} PRIVATE stoa_flags ${arg_LIBRARIES})
    set_property(GLOBAL APPEND PROPERTY STOA_LAYERS stoa_${name})
    set_property(GLOBAL APPEND PROPERTY STOA_LIBRARIES ${arg_LIBRARIES})
  else()
    add_library(stoa_${name} INTERFACE)
    target_include_directories(stoa_${name} INTERFACE "${view}")
    target_link_libraries(stoa_${name} INTERFACE stoa_api ${below})
  endif()

  if(STOA_DEVELOPER)
    file(GLOB tests CONFIGURE_DEPENDS "${folder}/*_test.cpp")
    set(concurrent_tests ${tests})
    list(FILTER concurrent_tests INCLUDE REGEX "_concurrent_test\\.cpp$")
    list(FILTER tests EXCLUDE REGEX "_concurrent_test\\.cpp$")
    if(tests)
      stoa_test(stoa_${name}_tests SOURCES ${tests} LIBRARIES stoa_${name} ${arg_LIBRARIES} AREA ${name})
    endif()
    if(concurrent_tests)
      stoa_test(stoa_${name}_concurrent_tests SOURCES ${concurrent_tests} LIBRARIES stoa_${name} ${arg_LIBRARIES}
                AREA ${name} CONCURRENT)
    endif()
  endif()
endfunction()

# The tests that run threads, and so are worth a build with ThreadSanitizer.
if(STOA_DEVELOPER)
  add_custom_target(stoa_concurrent_tests)
endif()

# stoa_test(<target> AREA <name> SOURCES <files...> LIBRARIES <libraries...> [CONCURRENT])
# A GoogleTest binary. Each of its tests is one of ctest's, called <area>:<suite>.<name> and labelled <area>, or
# <area>-concurrent: `ctest -L <area>` runs both, `ctest -L concurrent` those that run threads.
function(stoa_test target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "CONCURRENT" "AREA" "SOURCES;LIBRARIES")
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE stoa_flags ${arg_LIBRARIES} GTest::gtest_main GTest::gmock)
  if(STOA_SANITIZE)
    target_compile_options(${target} PRIVATE -O0)  # half the time to compile; what is tested is optimised
  endif()
  set(label ${arg_AREA})
  set(processors 1)
  if(arg_CONCURRENT)
    add_dependencies(stoa_concurrent_tests ${target})
    string(APPEND label "-concurrent")
    set(processors 2)  # ctest -j then runs nothing beside it that would starve its threads
  endif()
  gtest_discover_tests(${target} TEST_PREFIX "${arg_AREA}:" DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT 600 PROCESSORS ${processors} LABELS ${label})
endfunction()
