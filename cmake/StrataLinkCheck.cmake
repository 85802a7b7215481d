# SPDX-License-Identifier: MIT
# STRATA_LINK_CHECK makes the linker refuse units whose instruction set or checks differ (core/abi.hpp). Not under link-time optimisation: there
# clang calls equal symbols duplicates. Whether it is on is the consumer's property, read when the consumer is compiled, or a flag of the whole build.
function(strata_link_check target)
  if("${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_RELEASE} ${CMAKE_CXX_FLAGS_RELWITHDEBINFO}" MATCHES "-flto")
    return()
  endif()
  set(config $<UPPER_CASE:$<CONFIG>>)
  set(lto $<BOOL:$<TARGET_PROPERTY:INTERPROCEDURAL_OPTIMIZATION>>)
  set(lto_of_config $<BOOL:$<TARGET_PROPERTY:INTERPROCEDURAL_OPTIMIZATION_${config}>>)
  target_compile_definitions(${target} INTERFACE $<$<NOT:$<OR:${lto},${lto_of_config}>>:STRATA_LINK_CHECK>)
endfunction()
