# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_view_parts SOURCES ${CMAKE_SOURCE_DIR}/tests/view/test_view_parts.c
  LIBS view base PkgConfig::ZMQ PkgConfig::JANSSON LABELS sanitize)
mirador_test(test_view_bridge SOURCES ${CMAKE_SOURCE_DIR}/tests/view/test_view_bridge.c ${CMAKE_SOURCE_DIR}/tests/view/browser.c
    ${CMAKE_SOURCE_DIR}/tests/view/view_bench.c
  LIBS base PkgConfig::ZMQ PkgConfig::JANSSON LABELS sanitize)
add_dependencies(test_view_bridge mirador-view)

# The page in a browser. Without node, chromium or playwright-core the test says what is missing and is skipped.
add_test(NAME test_view_page COMMAND ${CMAKE_SOURCE_DIR}/tests/view/page ${CMAKE_BINARY_DIR})
set_tests_properties(test_view_page PROPERTIES LABELS e2e TIMEOUT 600 SKIP_RETURN_CODE 77)
