# cmake -DIMAGES=<list of .ptx> -DOUT=<.cpp> -P EmbedPtx.cmake
# The files as one table of strings (driver/images.hpp). PTX is plain text and the driver reads it as a string.
cmake_minimum_required(VERSION 3.22)

set(table "")
foreach(image IN LISTS IMAGES)
  get_filename_component(name "${image}" NAME_WE)
  file(READ "${image}" text)
  string(APPEND table "    {\"${name}\", R\"ptx(${text})ptx\"},\n")
endforeach()
list(LENGTH IMAGES count)
file(WRITE "${OUT}" "// Made by EmbedPtx.cmake.\n#include \"driver/images.hpp\"\n\nnamespace dmoe::cuda {\n\n"
  "const PtxImage kImages[] = {\n${table}};\nconst int kImageCount = ${count};\n\n}  // namespace dmoe::cuda\n")
