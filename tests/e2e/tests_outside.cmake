# SPDX-License-Identifier: GPL-3.0-or-later
set(security_rig ${CMAKE_CURRENT_LIST_DIR}/crowd.c)
set(commands_rig ${CMAKE_CURRENT_LIST_DIR}/command_rig.c)
foreach(name liveness security commands bad_input demo_ris)
  mirador_test(test_${name} TIMEOUT 600 LABELS e2e
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c ${${name}_rig}
    LIBS secure base PkgConfig::JANSSON PkgConfig::ZMQ m)
  add_dependencies(test_${name} mirador mirador-room mirador-ris mirador-ue miradord mirador_room_uhd)
endforeach()
mirador_test(test_ris_outages TIMEOUT 300 LABELS e2e
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ris_outages.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
    ${CMAKE_SOURCE_DIR}/tests/ris_ctrl/emulated.c ${CMAKE_SOURCE_DIR}/tests/ris_ctrl/bench.c
  LIBS base frames PkgConfig::ZMQ PkgConfig::JANSSON Threads::Threads m)
add_dependencies(test_ris_outages mirador mirador-room mirador-ris mirador-ue miradord mirador_room_uhd ris_emulator)
mirador_test(test_bad_days TIMEOUT 300 LABELS e2e
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_bad_days.c ${CMAKE_CURRENT_LIST_DIR}/fault_judge.c
    ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
  LIBS PkgConfig::JANSSON m)
add_dependencies(test_bad_days mirador mirador-room mirador-ris mirador-ue miradord mirador_room_uhd)

mirador_test(test_kill TIMEOUT 600 LABELS e2e
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_kill.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
  LIBS PkgConfig::ZMQ PkgConfig::JANSSON m)
add_dependencies(test_kill mirador mirador-room mirador-ris mirador-ue miradord mirador_room_uhd)

# For tests/e2e/soak; no tests.
add_executable(command_campaign ${CMAKE_CURRENT_LIST_DIR}/command_campaign.c ${CMAKE_CURRENT_LIST_DIR}/crowd.c)
target_link_libraries(command_campaign PRIVATE base PkgConfig::JANSSON PkgConfig::ZMQ m)
add_executable(fault_campaign ${CMAKE_CURRENT_LIST_DIR}/fault_campaign.c
  ${CMAKE_CURRENT_LIST_DIR}/fault_judge.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c)
target_link_libraries(fault_campaign PRIVATE PkgConfig::JANSSON PkgConfig::CMOCKA m)
target_compile_definitions(fault_campaign PRIVATE MIRADOR_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
