# SPDX-License-Identifier: GPL-3.0-or-later
enable_testing()

# mirador_test(NAME SOURCES... LIBS ...): one cmocka program under ctest. Tests read tests/data through
# TEST_DATA_DIR and find our programs through MIRADOR_BIN_DIR. What a test adds to its ENVIRONMENT it appends.
function(mirador_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE ${T_LIBS} PkgConfig::CMOCKA)
  target_compile_definitions(${name} PRIVATE
    TEST_DATA_DIR="${CMAKE_SOURCE_DIR}/tests/data" MIRADOR_BIN_DIR="${CMAKE_BINARY_DIR}/bin"
    MIRADOR_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}"
    ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")
endfunction()

# mirador_fuzz(NAME SOURCES... LIBS ...): a libFuzzer program in build-fuzz/fuzz/ under the fuzz preset; under
# every other one a quick test smoke_NAME of the same target over its seeds and ROUNDS random inputs (20000).
function(mirador_fuzz name)
  cmake_parse_arguments(T "" "ROUNDS" "SOURCES;LIBS" ${ARGN})
  if(MIRADOR_FUZZ)
    add_executable(${name} ${T_SOURCES})
    target_link_libraries(${name} PRIVATE ${T_LIBS})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  else()
    add_executable(smoke_${name} ${T_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/smoke.c)
    target_link_libraries(smoke_${name} PRIVATE ${T_LIBS})
    set_target_properties(smoke_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME smoke_${name}
      COMMAND smoke_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name} ${T_ROUNDS})
    set_tests_properties(smoke_${name} PROPERTIES TIMEOUT 120 LABELS sanitize)
  endif()
endfunction()
