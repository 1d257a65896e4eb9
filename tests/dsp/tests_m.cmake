# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_modem SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_modem.c LIBS dsp m LABELS sanitize)
