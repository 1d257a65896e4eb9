# SPDX-License-Identifier: GPL-3.0-or-later
# Cross-builds the RIS board's firmware with gcc-arm-none-eabi; without that compiler it is left out.
find_program(ARM_GCC arm-none-eabi-gcc)
find_program(ARM_OBJCOPY arm-none-eabi-objcopy)
find_program(ARM_SIZE arm-none-eabi-size)

set(MIRADOR_RIS_COLUMNS 16 CACHE STRING "firmware: elements of the board, x (1..64)")
set(MIRADOR_RIS_ROWS 16 CACHE STRING "firmware: elements of the board, y (1..64)")
set(MIRADOR_RIS_BITS 1 CACHE STRING "firmware: bits of an element's state (1..3)")
set(MIRADOR_RIS_SLOTS 64 CACHE STRING "firmware: profiles the board holds")
set(MIRADOR_RIS_BAUD 921600 CACHE STRING "firmware: bits per second of the UART, up to 4000000")
set(MIRADOR_RIS_SILENCE_MS 0 CACHE STRING "firmware: outputs off after that long without a packet, 0 = never")

set(firmware_flash_max 24576)
set(firmware_sources
  frames/cobs.c frames/crc32.c frames/ris_decoder.c frames/ris_packet.c frames/ris_profile.c
  firmware/core/ris_core.c firmware/core/ris_sequencer.c firmware/core/ris_slots.c
  firmware/drivers/clock_tree.c firmware/drivers/guard.c firmware/drivers/hc595.c
  firmware/drivers/memory.c firmware/drivers/stepper.c firmware/drivers/supply.c firmware/drivers/trigger.c
  firmware/drivers/uptime.c firmware/drivers/usart.c firmware/main.c)
set(firmware_flags -mcpu=cortex-m4 -mthumb -mfloat-abi=soft -std=gnu11 -O2 -g -ffreestanding -nostdlib
  -ffunction-sections -fdata-sections -fno-tree-loop-distribute-patterns
  -Wall -Wextra -Wshadow -Wpointer-arith -Wvla -Wundef -Wstrict-prototypes -Wmissing-prototypes -Werror)

# mirador_firmware(BOARD [VARIANT NAME] [SILENCE_MS MS] [COLUMNS N] [ROWS N] [BITS N]):
# bin/firmware/ris-BOARD[-NAME].{elf,bin,map} of firmware/board/BOARD; what is not given is as configured.
function(mirador_firmware board)
  cmake_parse_arguments(F "" "VARIANT;SILENCE_MS;COLUMNS;ROWS;BITS" "" ${ARGN})
  if(NOT ARM_GCC OR NOT ARM_OBJCOPY OR NOT ARM_SIZE)
    message(STATUS "firmware for ${board} is left out: install gcc-arm-none-eabi to build it")
    return()
  endif()
  set(folder firmware/board/${board})
  set(out ${CMAKE_BINARY_DIR}/bin/firmware)
  set(id ${board})
  if(F_VARIANT)
    set(id ${board}-${F_VARIANT})
  endif()
  foreach(key SILENCE_MS COLUMNS ROWS BITS)
    if(NOT DEFINED F_${key})
      set(F_${key} ${MIRADOR_RIS_${key}})
    endif()
  endforeach()
  set(name ris-${id})
  set(defines -DBOARD_HEADER="${folder}/board.h" -DBOARD_COLUMNS=${F_COLUMNS}
    -DBOARD_ROWS=${F_ROWS} -DBOARD_BITS=${F_BITS} -DBOARD_SLOTS=${MIRADOR_RIS_SLOTS}
    -DBOARD_BAUD=${MIRADOR_RIS_BAUD} -DBOARD_SILENCE_MS=${F_SILENCE_MS})
  set(objects)
  foreach(source ${firmware_sources} ${folder}/startup.c ${folder}/pins.c)
    string(REPLACE "/" "_" object ${source})
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${id}/${object}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${ARM_GCC} ${firmware_flags} ${defines} -I${CMAKE_SOURCE_DIR} -MMD -MF ${object}.d
        -MT ${object} -c ${CMAKE_SOURCE_DIR}/${source} -o ${object}
      DEPENDS ${CMAKE_SOURCE_DIR}/${source} DEPFILE ${object}.d COMMENT "ARM ${id} ${source}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  file(MAKE_DIRECTORY ${out} ${CMAKE_CURRENT_BINARY_DIR}/${id})
  set(script ${CMAKE_SOURCE_DIR}/${folder}/link.ld)
  add_custom_command(OUTPUT ${out}/${name}.elf ${out}/${name}.bin ${out}/${name}.map
    COMMAND ${ARM_GCC} ${firmware_flags} ${objects} -T ${script} -Wl,--gc-sections,--fatal-warnings
      -Wl,-Map=${out}/${name}.map -lgcc -o ${out}/${name}.elf
    COMMAND ${ARM_OBJCOPY} -O binary ${out}/${name}.elf ${out}/${name}.bin
    COMMAND ${CMAKE_COMMAND} -DSIZE=${ARM_SIZE} -DELF=${out}/${name}.elf -DMAP=${out}/${name}.map
      -DFLASH_MAX=${firmware_flash_max} -P ${CMAKE_SOURCE_DIR}/cmake/firmware_check.cmake
    DEPENDS ${objects} ${script} ${CMAKE_SOURCE_DIR}/cmake/firmware_check.cmake
    COMMENT "ARM ${name}.elf" VERBATIM)
  add_custom_target(firmware_${id} ALL DEPENDS ${out}/${name}.elf)
endfunction()
