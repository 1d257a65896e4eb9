# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_ue
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ue.c ${CMAKE_CURRENT_LIST_DIR}/ue_rig.c ${CMAKE_CURRENT_LIST_DIR}/fake_base.c
  LIBS ue PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_attack SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_attack.c LIBS ue LABELS sanitize)
mirador_test(test_ue_control SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ue_control.c LIBS ue PkgConfig::ZMQ PkgConfig::JANSSON LABELS sanitize)
