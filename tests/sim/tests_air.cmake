# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(test_air_rx SOURCES sim/test_air_rx.c LIBS air m LABELS sanitize)
mirador_test(test_air_clock SOURCES sim/test_air_clock.c LIBS air m LABELS sanitize)
mirador_test(test_process SOURCES sim/test_process.c LIBS air LABELS sanitize)
mirador_test(test_air_log SOURCES sim/test_air_log.c LIBS air m LABELS sanitize)

# The device module, seen by the C API and by UHD's own programs.
mirador_test(test_uhd_room SOURCES sim/test_uhd_room.c LIBS PkgConfig::UHD m LABELS sanitize)
add_dependencies(test_uhd_room mirador_room_uhd)
mirador_test(test_uhd_faults SOURCES sim/test_uhd_faults.c LIBS PkgConfig::UHD m LABELS sanitize)
add_dependencies(test_uhd_faults mirador_room_uhd)
set(room_uhd_env "UHD_MODULE_PATH=$<TARGET_FILE_DIR:mirador_room_uhd>")
set_property(TEST test_uhd_room test_uhd_faults APPEND PROPERTY ENVIRONMENT "${room_uhd_env}")

function(room_uhd_program name program)
  find_program(UHD_${program} ${program} HINTS /usr/libexec/uhd/examples /usr/lib/uhd/examples)
  if(NOT UHD_${program})
    return() # package uhd-host is not installed
  endif()
  add_test(NAME ${name} COMMAND ${UHD_${program}} ${ARGN})
  set_tests_properties(${name} PROPERTIES TIMEOUT 120 ENVIRONMENT "${room_uhd_env}")
endfunction()
room_uhd_program(uhd_find_devices uhd_find_devices --args type=room)
room_uhd_program(uhd_probe uhd_usrp_probe --args type=room)
room_uhd_program(uhd_messages test_messages --args type=room --ntests 20 --test-chain)
room_uhd_program(uhd_benchmark benchmark_rate --args type=room --duration 5
  --rx_rate 25e6 --rx_channels 0,1,2,3 --tx_rate 25e6 --tx_channels 0)
set(uhd_complaints "failed" "[1-9][0-9]* failures" "Error:" "No UHD"
  "Num (dropped|overruns|sequence|underruns|late|timeouts)[^:]*: +[1-9]"
  "Num (received|transmitted) samples: +0")
foreach(name uhd_find_devices uhd_probe uhd_messages uhd_benchmark)
  if(TEST ${name})
    set_property(TEST ${name} PROPERTY FAIL_REGULAR_EXPRESSION ${uhd_complaints})
  endif()
endforeach()
