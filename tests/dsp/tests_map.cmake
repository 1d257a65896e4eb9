# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_first_path SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_first_path.c LIBS dsp room base m)
mirador_test(test_map_fix SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_map_fix.c ${CMAKE_CURRENT_LIST_DIR}/lab_rays.c
  LIBS dsp PkgConfig::JANSSON m TIMEOUT 300)
mirador_test(test_map_posterior SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_map_posterior.c LIBS dsp m LABELS sanitize)
mirador_test(test_plan_grid SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_plan_grid.c LIBS dsp m LABELS sanitize)
mirador_test(test_gauss_batch SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_gauss_batch.c LIBS dsp m LABELS sanitize)
mirador_test(test_map_fix_still SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_map_fix_still.c ${CMAKE_CURRENT_LIST_DIR}/lab_rays.c
  LIBS dsp PkgConfig::JANSSON m)
mirador_test(test_way_batch SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_way_batch.c ${CMAKE_CURRENT_LIST_DIR}/lab_rays.c
  LIBS dsp PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_wall_error SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_wall_error.c ${CMAKE_CURRENT_LIST_DIR}/lab_rays.c
  LIBS dsp PkgConfig::JANSSON m)
mirador_test(test_wall_light SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_wall_light.c ${CMAKE_CURRENT_LIST_DIR}/lab_rays.c
  LIBS dsp PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_wall_shift SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_wall_shift.c ${CMAKE_CURRENT_LIST_DIR}/lab_rays.c
  LIBS dsp PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_wall_direction SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_wall_direction.c ${CMAKE_CURRENT_LIST_DIR}/lab_rays.c
  LIBS dsp PkgConfig::JANSSON m LABELS sanitize)
