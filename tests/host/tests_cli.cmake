# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(cli_parts SOURCES host/test_cli_parts.c
  LIBS cli base PkgConfig::JANSSON PkgConfig::ZMQ m LABELS sanitize)
add_dependencies(cli_parts mirador-room)
add_library(cli_rig STATIC ${CMAKE_CURRENT_LIST_DIR}/cli_rig.c)
target_link_libraries(cli_rig PUBLIC base)
target_compile_definitions(cli_rig PRIVATE MIRADOR_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
mirador_test(cli_outside SOURCES host/test_cli.c LIBS cli_rig secure LABELS sanitize)
add_dependencies(cli_outside mirador mirador-room mirador-ris mirador-ue miradord mirador_room_uhd)
mirador_test(test_doctor SOURCES host/test_doctor.c LIBS doctor base PkgConfig::ZMQ m LABELS sanitize)
mirador_test(test_match SOURCES host/test_match.c LIBS match PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_watch SOURCES host/test_watch.c LIBS cli PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_crowd SOURCES host/test_crowd.c LIBS host PkgConfig::ZMQ PkgConfig::SODIUM Threads::Threads m LABELS sanitize)
add_dependencies(test_crowd mirador)
