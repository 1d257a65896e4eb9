# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_channel SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_channel.c LIBS room base m LABELS sanitize)
mirador_test(test_levels SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_levels.c
  LIBS room base PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_boards SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_boards.c LIBS room frames base
  LABELS sanitize)
mirador_test(test_scene SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_scene.c
  LIBS room dsp frames base PkgConfig::JANSSON m LABELS sanitize)
mirador_test(test_publisher SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_publisher.c
  LIBS room air frames base m LABELS sanitize)
target_link_options(test_publisher PRIVATE -Wl,--wrap=air_events_take)
mirador_test(test_room SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_room.c
  LIBS base frames PkgConfig::ZMQ LABELS sanitize)
add_dependencies(test_room mirador-room)
mirador_test(test_pixels SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_pixels.c LIBS room base m LABELS sanitize)
mirador_test(test_room_faults SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_room_faults.c
  LIBS base PkgConfig::UHD m LABELS sanitize)
add_dependencies(test_room_faults mirador-room mirador_room_uhd)
set_property(TEST test_room_faults APPEND PROPERTY
  ENVIRONMENT "UHD_MODULE_PATH=$<TARGET_FILE_DIR:mirador_room_uhd>")
mirador_test(test_faults SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_faults.c LIBS faults air base m
  LABELS sanitize)
