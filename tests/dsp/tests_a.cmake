# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_rng SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_rng.c LIBS dsp PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_toa SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_toa.c LIBS dsp PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_stream SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_stream.c LIBS dsp PkgConfig::JANSSON m LABELS sanitize)
