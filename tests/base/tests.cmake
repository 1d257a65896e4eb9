# SPDX-License-Identifier: GPL-3.0-or-later
mirador_test(base_config SOURCES base/test_config.c LIBS base LABELS sanitize)
mirador_test(base_config_yaml SOURCES base/test_config_yaml.c LIBS base LABELS sanitize)
mirador_test(base_config_preset SOURCES base/test_config_preset.c LIBS base LABELS sanitize)
mirador_test(base_options SOURCES base/test_options.c LIBS base Threads::Threads LABELS sanitize)
mirador_test(base_state_dir SOURCES base/test_state_dir.c LIBS base LABELS sanitize)
mirador_test(base_sockets SOURCES base/test_sockets.c
  LIBS base PkgConfig::ZMQ PkgConfig::SODIUM LABELS sanitize)
# The sanitizers turn mlockall into nothing, which this test would take for a lock that was granted.
mirador_test(base_realtime SOURCES base/test_realtime.c LIBS base Threads::Threads)
mirador_test(base_log SOURCES base/test_log.c LIBS base LABELS sanitize)
