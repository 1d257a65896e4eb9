# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_cobs SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cobs.c LIBS frames LABELS sanitize)
mirador_test(test_ris_packet SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ris_packet.c LIBS frames
  LABELS sanitize)
mirador_test(test_ris_report SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ris_report.c LIBS frames
  LABELS sanitize)
