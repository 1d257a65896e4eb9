# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_sweep SOURCES host/test_sweep.c LIBS sweep m LABELS sanitize)
mirador_test(test_sweep_cli SOURCES host/test_sweep_cli.c LIBS cli_rig PkgConfig::JANSSON LABELS e2e)
add_dependencies(test_sweep_cli mirador)
