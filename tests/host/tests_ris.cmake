# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_flat_json SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_flat_json.c
  LIBS ris_client LABELS sanitize)
