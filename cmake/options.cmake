# SPDX-License-Identifier: GPL-3.0-or-later
# Compiler settings that hold for every target of ours.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(MIRADOR_MARCH native CACHE STRING "value for -march=; empty: the compiler's own, for every machine")
option(MIRADOR_SOURCE_DATA "read presets and the live page beside the sources, where those are" ON)
option(MIRADOR_FUZZ "build the libFuzzer targets (clang)" OFF)
set(MIRADOR_SANITIZE "" CACHE STRING "value for -fsanitize=")

add_compile_options(-Wall -Wextra -Wshadow -Wpointer-arith -Wvla -Wundef -Wformat=2 -Werror
  -fno-math-errno -fno-trapping-math
  "$<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes;-Wmissing-prototypes;-Wold-style-definition>")
add_compile_definitions(_GNU_SOURCE)

# Asserts guard against misuse by programmers and stay on in release builds.
foreach(lang C CXX)
  set(CMAKE_${lang}_FLAGS_RELEASE "-O3 -g")
  set(CMAKE_${lang}_FLAGS_RELWITHDEBINFO "-O1 -g -fno-omit-frame-pointer")
endforeach()

if(MIRADOR_MARCH)
  add_compile_options(-march=${MIRADOR_MARCH})
endif()
if(MIRADOR_SANITIZE)
  add_compile_options(-fsanitize=${MIRADOR_SANITIZE} -fno-sanitize-recover=all)
  string(REPLACE "fuzzer-no-link," "" link_sanitize "${MIRADOR_SANITIZE}")
  add_link_options(-fsanitize=${link_sanitize})
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
