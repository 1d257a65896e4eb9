# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_flat_json SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_flat_json.c
  LIBS ris_client LABELS sanitize)
mirador_test(cli_ris SOURCES host/test_cli_ris.c ris_ctrl/bench.c
  LIBS base frames PkgConfig::JANSSON PkgConfig::ZMQ Threads::Threads m)
add_dependencies(cli_ris mirador mirador-room mirador-ris)
