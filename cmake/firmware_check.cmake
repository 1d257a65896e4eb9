# SPDX-License-Identifier: GPL-3.0-or-later
# After linking: prints the size, holds it against the budget, and looks for dynamic memory in the map.
# Needs SIZE, ELF, MAP, FLASH_MAX.
execute_process(COMMAND ${SIZE} ${ELF} OUTPUT_VARIABLE table RESULT_VARIABLE result)
if(NOT result EQUAL 0 OR NOT table MATCHES "\n *([0-9]+)[ \t]+([0-9]+)[ \t]+([0-9]+)")
  message(FATAL_ERROR "cannot read the size of ${ELF}")
endif()
math(EXPR flash "${CMAKE_MATCH_1} + ${CMAKE_MATCH_2}")
math(EXPR ram "${CMAKE_MATCH_2} + ${CMAKE_MATCH_3}")
get_filename_component(name ${ELF} NAME)
message(STATUS "${name}: ${flash} of ${FLASH_MAX} bytes of flash, ${ram} bytes of RAM with the stack")
set(broken "")
if(flash GREATER FLASH_MAX)
  set(broken "${name} takes ${flash} bytes of flash, the budget is ${FLASH_MAX}")
endif()
file(STRINGS ${MAP} heap REGEX "malloc|calloc|realloc|_sbrk|\\.heap|libc\\.a|libnosys|libg\\.a")
if(heap)
  set(broken "${name} has dynamic memory or a C library: ${heap}")
endif()
if(broken)
  file(REMOVE ${ELF}) # so that the next build does not take it for good
  message(FATAL_ERROR "${broken}")
endif()
