# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_air_rx SOURCES sim/test_air_rx.c LIBS air m LABELS sanitize)
mirador_test(test_air_clock SOURCES sim/test_air_clock.c LIBS air m LABELS sanitize)
mirador_test(test_air_log SOURCES sim/test_air_log.c LIBS air m LABELS sanitize)
