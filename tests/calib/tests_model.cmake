# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_near_field SOURCES calib/test_near_field.c LIBS calib m LABELS sanitize)
mirador_test(test_bounds SOURCES calib/test_bounds.c LIBS calib PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_dataset SOURCES calib/test_dataset.c LIBS calib PkgConfig::HDF5 m LABELS sanitize)
mirador_test(test_calib_cli SOURCES calib/test_calib_cli.c LIBS cli_rig calib PkgConfig::JANSSON m LABELS sanitize)
add_dependencies(test_calib_cli mirador)
mirador_test(test_array_calib SOURCES calib/test_array.c LIBS calib dsp m LABELS sanitize)
