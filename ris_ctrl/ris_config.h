/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ris.yaml: the boards and where the controller is reached. */
#pragma once
#include "base/config.h"
#include "base/sockets.h"
#include "frames/ris_report.h"

#define RIS_CONFIG_BOARDS 8

enum ris_driver {
    RIS_DRIVER_NATIVE,
    RIS_DRIVER_QEMU,
    RIS_DRIVER_SERIAL,
    RIS_DRIVER_OPENSOURCE,
    RIS_DRIVER_TILE,
};
#define RIS_DRIVER_NAMES "native|qemu|serial|opensource|tile"

struct ris_config_board {
    char name[RIS_NAME_MAX + 1];
    int driver; /* enum ris_driver */
    int columns, rows, bits;
    double spacing_m;
    int slots;
    int trigger; /* enum ris_trigger */
    char room[256];
    char port[256];
    int baud;
    int tile;
    bool verify;
    int ack_timeout_ms;
    int retries;
};

struct ris_config {
    char endpoint[256];
    struct sockets_cfg curve;
    size_t n_board;
    struct ris_config_board boards[RIS_CONFIG_BOARDS];
};

extern const struct config_table ris_config_table;

/* What the table cannot say of a struct ris_config (options_cfg.check): names, sizes, doubles.
 * ERR_ARG with place and cure. */
int ris_config_check(const void *ris_config, const char *file, struct status *err) MUST_CHECK;
