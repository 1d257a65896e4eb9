# SPDX-License-Identifier: GPL-3.0-or-later
add_test(NAME house_includes COMMAND ${CMAKE_SOURCE_DIR}/tests/house/check_includes ${CMAKE_SOURCE_DIR})
add_test(NAME house_heap COMMAND ${CMAKE_SOURCE_DIR}/tests/house/check_heap ${CMAKE_BINARY_DIR})
add_test(NAME house_checker COMMAND ${CMAKE_SOURCE_DIR}/tests/house/test_check_includes)
add_test(NAME house_units COMMAND ${CMAKE_SOURCE_DIR}/tests/house/test_units ${CMAKE_BINARY_DIR})
set_tests_properties(house_units PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME install COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_install.sh
  ${CMAKE_BINARY_DIR} ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_LIBDIR} ${CMAKE_SOURCE_DIR}/packaging/etc)
set_tests_properties(install PROPERTIES TIMEOUT 300 LABELS e2e)
