# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_demo TIMEOUT 900 LABELS e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_demo.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
  LIBS PkgConfig::JANSSON m)
mirador_test(test_demo_short TIMEOUT 600 LABELS sanitize e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_demo_short.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
  LIBS PkgConfig::JANSSON m)
mirador_test(test_demo_link TIMEOUT 600 LABELS e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_demo_link.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
  LIBS PkgConfig::JANSSON m)
mirador_test(test_demo_bystanders TIMEOUT 600 LABELS e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_demo_bystanders.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
  LIBS cli PkgConfig::ZMQ PkgConfig::JANSSON Threads::Threads m)
mirador_test(test_notify TIMEOUT 300 LABELS e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_notify.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
  LIBS PkgConfig::JANSSON m)
mirador_test(test_demo_pixels TIMEOUT 900 LABELS e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_demo_pixels.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
  LIBS PkgConfig::JANSSON m)
mirador_test(test_site_calib TIMEOUT 600 LABELS e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_site_calib.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
  LIBS PkgConfig::JANSSON m)
mirador_test(test_demo_presets TIMEOUT 600 LABELS e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_demo_presets.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c
  LIBS PkgConfig::JANSSON m)
add_test(NAME presets COMMAND ${CMAKE_SOURCE_DIR}/tests/e2e/test_presets.sh
  $<TARGET_FILE_DIR:miradord> ${CMAKE_SOURCE_DIR}/config)
set_tests_properties(presets PROPERTIES TIMEOUT 120 LABELS e2e)
set(record_sources ${CMAKE_SOURCE_DIR}/tests/e2e/record_place.c ${CMAKE_SOURCE_DIR}/tests/e2e/demo_run.c)
mirador_test(test_recording TIMEOUT 600 LABELS e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_recording.c ${record_sources}
  LIBS PkgConfig::HDF5 PkgConfig::JANSSON m)
mirador_test(test_recording_disk TIMEOUT 300 LABELS e2e
  SOURCES ${CMAKE_SOURCE_DIR}/tests/e2e/test_recording_disk.c ${record_sources}
  LIBS PkgConfig::JANSSON m)
if(NOT MIRADOR_SANITIZE) # a sanitizer's runtime has to be loaded first
  add_library(slow_disk SHARED ${CMAKE_SOURCE_DIR}/tests/e2e/slow_disk.c)
  target_compile_definitions(test_recording_disk PRIVATE SLOW_DISK="$<TARGET_FILE:slow_disk>")
  add_dependencies(test_recording_disk slow_disk)
endif()
