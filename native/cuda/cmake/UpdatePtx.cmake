# cmake -DCLANG=<clang++> -DKERNELS=<name,name...> -DMADE=<folder> -DCOMMITTED=<folder> -DCOMPILER=<file> -P UpdatePtx.cmake
# Takes over new PTX, drops that of kernels that are gone, and records the compiler.
cmake_minimum_required(VERSION 3.22)
include(${CMAKE_CURRENT_LIST_DIR}/PtxCompiler.cmake)

string(REPLACE "," ";" KERNELS "${KERNELS}")
list(TRANSFORM KERNELS APPEND ".ptx" OUTPUT_VARIABLE all)
file(GLOB old RELATIVE ${COMMITTED} ${COMMITTED}/*.ptx)
foreach(name IN LISTS old)
  if(NOT name IN_LIST all)
    file(REMOVE ${COMMITTED}/${name})
  endif()
endforeach()
foreach(name IN LISTS all)
  file(COPY_FILE ${MADE}/${name} ${COMMITTED}/${name} ONLY_IF_DIFFERENT)
endforeach()
ptx_compiler(${CLANG} version)
file(WRITE ${COMPILER} "${version}\n")
