# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(cli_parts SOURCES host/test_cli_parts.c
  LIBS cli base PkgConfig::JANSSON PkgConfig::ZMQ m LABELS sanitize)
add_dependencies(cli_parts mirador-room)
mirador_test(cli_outside SOURCES host/test_cli.c LIBS secure base LABELS sanitize)
add_dependencies(cli_outside mirador mirador-room mirador-ris mirador-ue miradord mirador_room_uhd)
mirador_test(test_doctor SOURCES host/test_doctor.c LIBS doctor base PkgConfig::ZMQ m LABELS sanitize)
mirador_test(test_watch SOURCES host/test_watch.c LIBS cli PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_crowd SOURCES host/test_crowd.c LIBS host PkgConfig::ZMQ PkgConfig::SODIUM Threads::Threads m LABELS sanitize)
add_dependencies(test_crowd mirador)
