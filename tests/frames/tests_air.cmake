# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_air_frames SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_air_frames.c LIBS frames
  LABELS sanitize)
mirador_test(test_secure SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_secure.c
  LIBS secure PkgConfig::JANSSON LABELS sanitize)
mirador_test(test_link_frame SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_link_frame.c
  LIBS secure PkgConfig::SODIUM LABELS sanitize)
