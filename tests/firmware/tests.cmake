# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_ris_core SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ris_core.c
  LIBS firmware_core LABELS sanitize)

mirador_test(test_hc595 SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_hc595.c
  LIBS firmware_drivers LABELS sanitize)

mirador_test(test_supply SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_supply.c
  LIBS firmware_drivers LABELS sanitize)

mirador_test(test_guard SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_guard.c
  LIBS firmware_drivers LABELS sanitize)

# The ARM program in QEMU; says why it is skipped where the compiler or QEMU is missing.
mirador_test(test_firmware_qemu
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_firmware_qemu.c ${CMAKE_CURRENT_LIST_DIR}/arm_board.c
  LIBS ris_ctrl base frames)
set_tests_properties(test_firmware_qemu PROPERTIES SKIP_RETURN_CODE 77)
if(TARGET firmware_netduinoplus2)
  add_dependencies(test_firmware_qemu firmware_netduinoplus2 firmware_netduinoplus2-silence
    firmware_netduinoplus2-64x64x2)
endif()
