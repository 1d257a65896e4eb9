# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_relax SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_relax.c LIBS dsp m LABELS sanitize)
mirador_test(test_map_fix SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_map_fix.c ${CMAKE_CURRENT_LIST_DIR}/lab_rays.c
  LIBS dsp PkgConfig::JANSSON m)
