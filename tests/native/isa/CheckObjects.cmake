# Looks into the object files for what could stop the library on a processor below a level:
#   cmake -DOBJECTS=<folder of the object files> [-DOBJDUMP=<objdump>] [-DNM=<nm>] -P CheckObjects.cmake
# 1. x86-64: an object <name>_<level>.cpp.o holds only mnemonics of <level>.txt and of the lists of the levels below,
#    and every other object those of scalar.txt; scalar code is not VEX or EVEX encoded, AVX2 code is not EVEX encoded,
#    which rules out zmm, masks and the registers from 16 on. AArch64 has no lists: NEON is its baseline, and the tests
#    run on an emulated processor that has nothing else.
# 2. objects of a level define no weak symbol: the linker could take that copy of an inline function for the whole library
cmake_minimum_required(VERSION 3.22)

set(lists ${CMAKE_CURRENT_LIST_DIR})
set(levels scalar avx2 avx512 avx512vnni avx512bf16)
set(encodings_scalar "legacy")
set(encodings_avx2 "legacy vex")
if(NOT OBJDUMP)
  set(OBJDUMP objdump)
endif()
if(NOT NM)
  set(NM nm)
endif()
set(problems "")
set(checked 0)

# Appends a line to `problems` for each mnemonic of the object that the level does not allow.
function(check_mnemonics object level)
  set(allowed "")
  foreach(below IN LISTS levels)
    list(APPEND allowed -f ${lists}/${below}.txt)
    if(below STREQUAL level)
      break()
    endif()
  endforeach()
  set(encodings "legacy vex evex")
  if(DEFINED encodings_${level})
    set(encodings "${encodings_${level}}")
  endif()
  execute_process(
    COMMAND ${OBJDUMP} -d -w ${object}
    COMMAND awk -v encodings=${encodings} -f ${lists}/mnemonics.awk
    COMMAND grep -vxE ${allowed}
    OUTPUT_VARIABLE breaches ERROR_VARIABLE errors RESULTS_VARIABLE codes OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT codes MATCHES "^0;0;[01]$")  # grep ends with 1 when nothing is left
    message(FATAL_ERROR "${object}: exit codes ${codes}: ${errors}")
  endif()
  cmake_path(GET object FILENAME file)
  string(REPLACE "\n" ";" breaches "${breaches}")
  foreach(mnemonic IN LISTS breaches)
    list(APPEND problems "${file}: ${mnemonic} is not in isa/${level}.txt or below")
  endforeach()
  set(problems "${problems}" PARENT_SCOPE)
endfunction()

function(check_symbols object)
  execute_process(COMMAND ${NM} -C --defined-only ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  cmake_path(GET object FILENAME file)
  string(REGEX MATCHALL " [VWu] [^\n]+" weak "${symbols}")
  foreach(symbol IN LISTS weak)
    list(APPEND problems "${file}: weak symbol${symbol}")
  endforeach()
  set(problems "${problems}" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE objects "${OBJECTS}/*.cpp.o")
foreach(object IN LISTS objects)
  set(level scalar)
  if(object MATCHES "_(avx2|avx512|avx512vnni|avx512bf16|neon)\\.cpp\\.o$")
    set(level ${CMAKE_MATCH_1})
    check_symbols(${object})
    math(EXPR checked "${checked} + 1")
  endif()
  execute_process(COMMAND ${OBJDUMP} -f ${object} OUTPUT_VARIABLE header COMMAND_ERROR_IS_FATAL ANY)
  if(header MATCHES "x86-64")
    check_mnemonics(${object} ${level})
  endif()
endforeach()
if(checked EQUAL 0)
  list(APPEND problems "no objects of a level below ${OBJECTS}")
endif()

if(problems)
  list(JOIN problems "\n  " text)
  message(FATAL_ERROR "${OBJECTS}:\n  ${text}")
endif()
message(STATUS "${OBJECTS}: ${checked} objects of a level hold its instructions only and define no weak symbol")
