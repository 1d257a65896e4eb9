# SPDX-License-Identifier: GPL-3.0-or-later
# Sanitizers bring their own malloc, so this one runs in the plain builds only.
if(NOT MIRADOR_SANITIZE)
  add_library(alloc_spy SHARED ${CMAKE_CURRENT_LIST_DIR}/alloc_spy.c)
  target_link_libraries(alloc_spy PRIVATE ${CMAKE_DL_LIBS} Threads::Threads)
  target_compile_options(alloc_spy PRIVATE -fno-builtin)
  mirador_test(test_zero_alloc SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_zero_alloc.c LABELS e2e)
  target_compile_definitions(test_zero_alloc PRIVATE ALLOC_SPY="$<TARGET_FILE:alloc_spy>")
  add_dependencies(test_zero_alloc alloc_spy)
endif()
