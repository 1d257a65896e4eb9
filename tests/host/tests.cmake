# SPDX-License-Identifier: GPL-3.0-or-later
foreach(name schedule block_pool bs_config control telemetry)
  mirador_test(test_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c
    LIBS host PkgConfig::JANSSON m LABELS sanitize)
endforeach()
