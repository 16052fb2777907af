# ptx_compiler(<clang++> <variable>): the point release, as ptx/COMPILER records it, for example "clang 19.1.7".
function(ptx_compiler clang variable)
  execute_process(COMMAND ${clang} --version OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCH "version ([0-9.]+)" found "${text}")
  set(${variable} "clang ${CMAKE_MATCH_1}" PARENT_SCOPE)
endfunction()
