# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_demo_boards TIMEOUT 300 LABELS e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_demo_boards.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
  LIBS PkgConfig::JANSSON m)
set_tests_properties(test_demo_boards PROPERTIES SKIP_RETURN_CODE 77)

mirador_test(test_demo_text_boards TIMEOUT 300 LABELS e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_demo_text_boards.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
    ${CMAKE_SOURCE_DIR}/tests/ris_ctrl/emulated.c
  LIBS PkgConfig::JANSSON Threads::Threads m)
add_dependencies(test_demo_text_boards mirador mirador-room mirador-ris mirador-ue miradord mirador_room_uhd ris_emulator)
