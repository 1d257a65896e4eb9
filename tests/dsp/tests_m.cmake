# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_modem SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_modem.c LIBS dsp m LABELS sanitize)
mirador_test(test_sync_drift SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sync_drift.c LIBS dsp m
  LABELS sanitize)
foreach(noun data_code data_slot precode tx_sounding)
  mirador_test(test_${noun} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${noun}.c LIBS dsp m
    LABELS sanitize)
endforeach()
mirador_test(test_path_id SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_path_id.c LIBS dsp music PkgConfig::JANSSON m)
mirador_test(test_delay_angle SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_delay_angle.c LIBS dsp PkgConfig::JANSSON m
  LABELS sanitize)
