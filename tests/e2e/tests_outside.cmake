# SPDX-License-Identifier: GPL-3.0-or-later
foreach(name liveness security bad_input demo_ris)
  mirador_test(test_${name} TIMEOUT 300 LABELS e2e
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
    LIBS PkgConfig::JANSSON m)
  add_dependencies(test_${name} mirador mirador-room mirador-ris mirador-ue miradord mirador_room_uhd)
endforeach()
mirador_test(test_ris_outages TIMEOUT 300 LABELS e2e
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ris_outages.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
    ${CMAKE_SOURCE_DIR}/tests/ris_ctrl/emulated.c
  LIBS base PkgConfig::ZMQ PkgConfig::JANSSON m)
add_dependencies(test_ris_outages mirador mirador-room mirador-ris mirador-ue miradord mirador_room_uhd ris_emulator)
