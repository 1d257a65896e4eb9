# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_channel SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_channel.c LIBS room base m LABELS sanitize)
mirador_test(test_levels SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_levels.c
  LIBS room base PkgConfig::JANSSON m LABELS sanitize)
