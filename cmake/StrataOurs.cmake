# SPDX-License-Identifier: MIT
# What strata's own tests, examples and benchmarks are compiled with. Nothing here reaches a consumer.

add_library(strata_warnings INTERFACE)
target_compile_options(strata_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
                                                 $<$<BOOL:${STRATA_WERROR}>:-Werror>)

# Everything of ours but the one unit that includes CLI11. Catch2's and Google Benchmark's headers bear it; a REQUIRE that fails leaves its frames
# by an exception of Catch2's compiled library, without running their destructors: the sections behind it are not run.
add_library(strata_ours INTERFACE)
target_link_libraries(strata_ours INTERFACE strata::strata strata_warnings Threads::Threads)
target_compile_options(strata_ours INTERFACE -fno-exceptions -fno-rtti)

include(FetchContent)
# The package of the system if there is one, else the same release by its hash.
macro(strata_dependency name version url hash)
  find_package(${name} ${version} QUIET)
  if(NOT ${name}_FOUND)
    message(STATUS "strata: ${name} ${version} is not installed; fetching it")
    FetchContent_Declare(${name} GIT_REPOSITORY ${url} GIT_TAG ${hash})
    FetchContent_MakeAvailable(${name})
  endif()
endmacro()
