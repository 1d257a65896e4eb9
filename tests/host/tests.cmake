# SPDX-License-Identifier: GPL-3.0-or-later
foreach(name schedule consent block_pool bs_config cycle_fault deadlines control telemetry pipeline pilots)
  mirador_test(test_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c
    LIBS host PkgConfig::JANSSON m TIMEOUT 300 LABELS sanitize)
endforeach()
target_link_options(test_pipeline PRIVATE 
  LINKER:--wrap=pipeline_locate,--wrap=fix_solve,--wrap=track_update) # what comes within a cycle
foreach(name radio radio_faults)
  mirador_test(test_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c LIBS host m LABELS sanitize)
  add_dependencies(test_${name} mirador_room_uhd)
  set_property(TEST test_${name} APPEND PROPERTY ENVIRONMENT "UHD_MODULE_PATH=${CMAKE_BINARY_DIR}/modules")
endforeach()
mirador_test(test_roster SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_roster.c LIBS roster m LABELS sanitize)
mirador_test(test_link_board SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_link_board.c LIBS link_board PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_air_link SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_air_link.c LIBS air_link m LABELS sanitize)
mirador_test(test_pixel_news SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_pixel_news.c LIBS pixel_news PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_site_observer SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_site_observer.c LIBS host m LABELS sanitize)
mirador_test(test_calib_store SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_calib_store.c LIBS host m LABELS sanitize)
add_library(recorder_rig STATIC ${CMAKE_CURRENT_LIST_DIR}/recorder_rig.c)
target_link_libraries(recorder_rig PUBLIC host)
mirador_test(test_recorder SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_recorder.c LIBS recorder_rig m TIMEOUT 300 LABELS sanitize)
mirador_test(test_recording_stream SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_recording_stream.c ${CMAKE_CURRENT_LIST_DIR}/sigmf_rules.c
  LIBS recorder_rig PkgConfig::JANSSON m TIMEOUT 300 LABELS sanitize)
mirador_test(test_recording_files SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_recording_files.c ${CMAKE_CURRENT_LIST_DIR}/sigmf_rules.c
  LIBS recorder_rig PkgConfig::JANSSON m TIMEOUT 300 LABELS sanitize)
mirador_test(test_recording_journal SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_recording_journal.c LIBS host PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_data_link SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_data_link.c LIBS data_link dsp Threads::Threads m LABELS sanitize)
mirador_test(test_link_stats SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_link_stats.c LIBS link_config m LABELS sanitize)
mirador_test(test_link_port SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_link_port.c LIBS data_link m LABELS sanitize)
