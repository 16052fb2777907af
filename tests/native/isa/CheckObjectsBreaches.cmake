# Shows that CheckObjects.cmake sees what it looks for: assembles objects that breach their level, and wants each one named.
#   cmake -DCXX=<compiler for x86-64> -DFOLDER=<scratch folder> -P CheckObjectsBreaches.cmake
cmake_minimum_required(VERSION 3.22)

file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER})
set(missed "")

# The object <name>.cpp.o made of `code`; CheckObjects.cmake must answer with `complaint`, or, when that is empty, with none.
function(expect name code complaint)
  file(WRITE ${FOLDER}/${name}/code.s "${code}\n")
  execute_process(COMMAND ${CXX} -c ${FOLDER}/${name}/code.s -o ${FOLDER}/${name}/${name}.cpp.o COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} -DOBJECTS=${FOLDER}/${name} -P ${CMAKE_CURRENT_LIST_DIR}/CheckObjects.cmake
    RESULT_VARIABLE code_of_check OUTPUT_QUIET ERROR_VARIABLE said)
  string(FIND "${said}" "${name}.cpp.o: ${complaint}" found)
  if(complaint STREQUAL "" AND code_of_check)
    list(APPEND missed "${name}: ${said}")
  elseif(NOT complaint STREQUAL "" AND (NOT code_of_check OR found EQUAL -1))
    list(APPEND missed "${name} was not refused with \"${complaint}\" but: ${said}")
  endif()
  set(missed "${missed}" PARENT_SCOPE)
endfunction()

set(none "is not in isa/")
expect(fine_avx2 "vfmadd231ps %ymm1, %ymm2, %ymm3; lock xaddl %eax, (%rdi)" "")
expect(mask_avx2 "kmovw %eax, %k1" "kmovw ${none}avx2.txt")
expect(wide_avx2 "vaddps %zmm1, %zmm2, %zmm3" "vaddps(evex) ${none}avx2.txt")
expect(register_avx2 "vaddps %ymm1, %ymm2, %ymm16" "vaddps(evex) ${none}avx2.txt")
expect(vnni_avx2 "{vex} vpdpbusd %ymm1, %ymm2, %ymm3" "vpdpbusd ${none}avx2.txt")
expect(fine_avx512 "vpternlogd $1, %zmm1, %zmm2, %zmm3{%k1}" "")
expect(vnni_avx512 "vpdpbusd %zmm1, %zmm2, %zmm3" "vpdpbusd ${none}avx512.txt")
expect(vbmi_avx512 "vpermb %zmm1, %zmm2, %zmm3" "vpermb ${none}avx512.txt")
expect(fine_avx512vnni "vpdpbusd %zmm1, %zmm2, %zmm3" "")
expect(bf16_avx512vnni "vdpbf16ps %zmm1, %zmm2, %zmm3" "vdpbf16ps ${none}avx512vnni.txt")
expect(fine_avx512bf16 "vdpbf16ps %zmm1, %zmm2, %zmm3; vpdpbusd %zmm1, %zmm2, %zmm3" "")
expect(weak_avx512 ".weak shared\nshared: ret" "weak symbol W shared")
# The message about objects of a level, which these folders lack, does not matter here.
foreach(code IN ITEMS "vaddps %xmm1, %xmm2, %xmm3=vaddps(vex)" "pshufb %xmm1, %xmm2=pshufb" "roundss $1, %xmm1, %xmm2=roundss"
    "mulxq %rax, %rbx, %rcx=mulx(vex)" "popcntl %eax, %eax=popcnt" "vmovups %fs:0, %xmm1=vmovups(vex)")
  string(REPLACE "=" ";" code "${code}")
  list(GET code 1 complaint)
  list(GET code 0 code)
  expect(some_scalar "${code}" "${complaint} ${none}scalar.txt")
endforeach()

if(missed)
  list(JOIN missed "\n  " text)
  message(FATAL_ERROR "CheckObjects.cmake misses:\n  ${text}")
endif()
