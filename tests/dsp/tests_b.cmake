# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_geometry SOURCES dsp/test_geometry.c LIBS dsp m LABELS sanitize)
mirador_test(test_fix SOURCES dsp/test_fix.c LIBS dsp PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_track SOURCES dsp/test_track.c LIBS dsp PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_ris SOURCES dsp/test_ris.c dsp/lab_surface.c LIBS dsp PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_ris_states SOURCES dsp/test_ris_states.c dsp/lab_surface.c LIBS dsp m LABELS sanitize)
mirador_test(test_leak_watch SOURCES dsp/test_leak_watch.c LIBS dsp m LABELS sanitize)
