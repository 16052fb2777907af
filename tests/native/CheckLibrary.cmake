# Checks the built library from the outside:
#   cmake -DLIBRARY=<libdynamicmoe.so> -DHEADER=<dynamicmoe.h> -DOBJECTS=<folder of the object files>
#     [-DNEWEST_GLIBC=<version>] -P CheckLibrary.cmake
# 1. it exports exactly the functions that the header declares with DMOE_API
# 2. it imports no GLIBC symbol above NEWEST_GLIBC, when that is given: 2.34 for what is packed, so that one build runs on
#    every distribution that .NET 10 supports. A build for this machine only may need what its C library has.
# 3. it needs the C library only; libstdc++ and libgcc are inside
# 4. object files of an instruction-set level define no weak symbol: the linker could take that copy of an inline
#    function for the whole library, which then fails on a processor below the level
cmake_minimum_required(VERSION 3.22)

set(allowed_libraries "^(libc|libm|libpthread|libdl|ld-linux-x86-64)\\.so")
set(problems "")

file(READ "${HEADER}" header)
string(REGEX MATCHALL "DMOE_API[^;(]*[ *]dmoe_[a-z0-9_]+\\(" declarations "${header}")
foreach(declaration IN LISTS declarations)
  string(REGEX REPLACE "^.*[ *](dmoe_[a-z0-9_]+)\\($" "\\1" name "${declaration}")
  list(APPEND declared "${name}")
endforeach()
list(SORT declared)

function(run_tool result)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output RESULT_VARIABLE code)
  if(code)
    message(FATAL_ERROR "${ARGN}: exit code ${code}")
  endif()
  string(REPLACE "\n" ";" lines "${output}")
  set(${result} "${lines}" PARENT_SCOPE)
endfunction()

run_tool(symbols nm -D --defined-only "${LIBRARY}")
foreach(line IN LISTS symbols)
  if(line MATCHES " [A-Za-z] ([^ @]+)")
    list(APPEND exported "${CMAKE_MATCH_1}")
  endif()
endforeach()
list(SORT exported)

foreach(name IN LISTS declared)
  if(NOT name IN_LIST exported)
    list(APPEND problems "declared but not exported: ${name}")
  endif()
endforeach()
foreach(name IN LISTS exported)
  if(NOT name IN_LIST declared)
    list(APPEND problems "exported but not declared: ${name}")
  endif()
endforeach()

if(NEWEST_GLIBC)
  run_tool(imports nm -D --undefined-only "${LIBRARY}")
  foreach(line IN LISTS imports)
    if(line MATCHES "([^ ]+)@GLIBC_([0-9.]+)" AND CMAKE_MATCH_2 VERSION_GREATER NEWEST_GLIBC)
      list(APPEND problems "needs GLIBC ${CMAKE_MATCH_2}: ${CMAKE_MATCH_1}")
    endif()
  endforeach()
endif()

run_tool(dynamic readelf -d "${LIBRARY}")
foreach(line IN LISTS dynamic)
  if(line MATCHES "\\(NEEDED\\).*\\[(.*)\\]")
    set(needed "${CMAKE_MATCH_1}")
    if(NOT needed MATCHES "${allowed_libraries}")
      list(APPEND problems "needs ${needed}")
    endif()
  endif()
endforeach()

file(GLOB_RECURSE kernel_objects "${OBJECTS}/*_avx*.cpp.o")
if(NOT kernel_objects)
  list(APPEND problems "no kernel objects below ${OBJECTS}")
endif()
foreach(object IN LISTS kernel_objects)
  run_tool(symbols nm -C --defined-only "${object}")
  foreach(line IN LISTS symbols)
    if(line MATCHES " [VWu] (.+)")
      cmake_path(GET object FILENAME file)
      list(APPEND problems "weak in ${file}: ${CMAKE_MATCH_1}")
    endif()
  endforeach()
endforeach()

if(problems)
  list(JOIN problems "\n  " text)
  message(FATAL_ERROR "${LIBRARY}:\n  ${text}")
endif()
list(LENGTH exported count)
set(glibc "any GLIBC")
if(NEWEST_GLIBC)
  set(glibc "GLIBC <= ${NEWEST_GLIBC}")
endif()
message(STATUS "${LIBRARY}: ${count} exported functions, ${glibc}, no C++ runtime needed")
