# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_ris_command SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ris_command.c
  LIBS ris_ctrl LABELS sanitize)
mirador_test(test_packet_link SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_packet_link.c
  LIBS ris_ctrl firmware_core Threads::Threads LABELS sanitize)
mirador_test(test_ris_service
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ris_service.c ${CMAKE_CURRENT_LIST_DIR}/bench.c
  LIBS ris_client base frames PkgConfig::ZMQ Threads::Threads LABELS sanitize)
add_dependencies(test_ris_service mirador-ris)
