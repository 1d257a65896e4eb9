/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ris.yaml: the boards and where the controller is reached. */
#pragma once
#include "base/config.h"
#include "base/sockets.h"
#include "frames/ris_report.h"
#include "ris_ctrl/element_map.h"

#define RIS_CONFIG_BOARDS 8
#define RIS_CONFIG_TILES  16

enum ris_driver {
    RIS_DRIVER_NATIVE,
    RIS_DRIVER_QEMU,
    RIS_DRIVER_SERIAL,
    RIS_DRIVER_OPENSOURCE,
    RIS_DRIVER_TILE,
};
#define RIS_DRIVER_NAMES "native|qemu|serial|opensource|tile"

/* A board that is a part of a surface. */
struct ris_config_tile {
    int driver; /* enum ris_driver */
    char port[256];
    int baud, tile;
    int column, row;   /* of the surface: the tile's lower left corner */
    int columns, rows; /* of the tile, as it counts itself */
    int rotation;      /* quarters, counter-clockwise */
};

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
    bool restore; /* the last static profile at start */
    int rotation; /* quarters, counter-clockwise */
    size_t n_dead;
    int dead_columns[RIS_SIDE_MAX];
    size_t n_states;
    double states[2 << RIS_BITS_MAX]; /* measured: amplitude and phase [rad] of each state */
    size_t n_tile;
    struct ris_config_tile tiles[RIS_CONFIG_TILES]; /* none = the board itself */
    int ack_timeout_ms;
    int retries;
};

#define RIS_CONFIG_CPUS 64

struct ris_config {
    char endpoint[256];
    char publish[256];    /* PUB of changes, "" = none */
    char store_dir[256];  /* profiles on disk, "" = none */
    char audit_file[256]; /* "" = none */
    struct sockets_cfg curve;
    bool realtime;
    size_t n_cpu;
    int cpus[RIS_CONFIG_CPUS]; /* with realtime; none = the last one we may use */
    size_t n_board;
    struct ris_config_board boards[RIS_CONFIG_BOARDS];
};

extern const struct config_table ris_config_table;

/* What the table cannot say of a struct ris_config (options_cfg.check): names, sizes, doubles.
 * ERR_ARG with place and cure. */
int ris_config_check(const void *ris_config, const char *file, struct status *err) MUST_CHECK;

/* Where tile t of the surface is; NULL: the one board that is the whole of it. */
struct element_map ris_config_map(const struct ris_config_board *b,
                                  const struct ris_config_tile *t);
