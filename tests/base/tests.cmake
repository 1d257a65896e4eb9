# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(base_config SOURCES base/test_config.c LIBS base LABELS sanitize)
