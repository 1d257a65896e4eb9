# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_est SOURCES ${CMAKE_SOURCE_DIR}/tests/calib/test_est.c
  ${CMAKE_SOURCE_DIR}/tests/calib/jlfd_case.c
  LIBS calib dsp PkgConfig::JANSSON PkgConfig::OPENBLAS m LABELS sanitize)
mirador_test(test_jlfd_ensemble SOURCES ${CMAKE_SOURCE_DIR}/tests/calib/test_ensemble.c
  ${CMAKE_SOURCE_DIR}/tests/calib/jlfd_case.c
  LIBS calib dsp PkgConfig::OPENBLAS m)
mirador_test(test_pixel_health SOURCES ${CMAKE_SOURCE_DIR}/tests/calib/test_pixel_health.c
  LIBS calib dsp m TIMEOUT 300 LABELS sanitize)
mirador_test(test_steer SOURCES ${CMAKE_SOURCE_DIR}/tests/calib/test_steer.c
  LIBS calib dsp m LABELS sanitize)
mirador_test(test_link_trial SOURCES ${CMAKE_SOURCE_DIR}/tests/calib/test_link_trial.c
  LIBS calib dsp PkgConfig::JANSSON m)
mirador_test(test_surface_trial SOURCES ${CMAKE_SOURCE_DIR}/tests/calib/test_surface_trial.c
  LIBS calib dsp PkgConfig::JANSSON m)
