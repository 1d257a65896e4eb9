# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_ris_command SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ris_command.c
  LIBS ris_ctrl LABELS sanitize)
mirador_test(test_board_text SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_board_text.c
  LIBS ris_ctrl LABELS sanitize)
mirador_test(test_packet_link SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_packet_link.c
  LIBS ris_ctrl firmware_core Threads::Threads LABELS sanitize)
mirador_test(test_keeper SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_keeper.c
  LIBS ris_ctrl base Threads::Threads LABELS sanitize)
mirador_test(test_ris_service
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ris_service.c ${CMAKE_CURRENT_LIST_DIR}/bench.c
  LIBS ris_client base frames PkgConfig::ZMQ Threads::Threads LABELS sanitize)
add_dependencies(test_ris_service mirador-ris)

add_executable(ris_emulator ${CMAKE_CURRENT_LIST_DIR}/emulator.c
  ${CMAKE_CURRENT_LIST_DIR}/emulator_boards.c)
target_link_libraries(ris_emulator PRIVATE ris_ctrl firmware_core base frames)
set_target_properties(ris_emulator PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
# Takes half a minute: 1000 profiles at the speed of each real board, 115200 baud among them.
mirador_test(test_ris_drivers
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ris_drivers.c ${CMAKE_CURRENT_LIST_DIR}/emulated.c
  LIBS ris_ctrl base frames LABELS sanitize)
add_dependencies(test_ris_drivers ris_emulator)
foreach(name test_ris_faults test_ris_late test_ris_desk)
  mirador_test(${name}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}.c ${CMAKE_CURRENT_LIST_DIR}/lab.c ${CMAKE_CURRENT_LIST_DIR}/own_time.c
      ${CMAKE_CURRENT_LIST_DIR}/bench.c ${CMAKE_CURRENT_LIST_DIR}/emulated.c
    LIBS base frames PkgConfig::ZMQ PkgConfig::JANSSON Threads::Threads LABELS sanitize)
  add_dependencies(${name} mirador-ris ris_emulator)
endforeach()
