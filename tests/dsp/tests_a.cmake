# SPDX-License-Identifier: GPL-3.0-or-later
foreach(noun rng toa stream slot sync background chain)
  mirador_test(test_${noun} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${noun}.c
    LIBS dsp PkgConfig::JANSSON m LABELS sanitize)
endforeach()
