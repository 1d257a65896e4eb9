# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_ris_core SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ris_core.c
  LIBS firmware_core LABELS sanitize)
