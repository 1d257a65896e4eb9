/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A surface made of boards: a driver in front of other drivers, for what does not map one to one.
 * Hashes and patterns are the surface's; elements in dead columns are kept at state 0. Boards
 * change one after the other; only a common trigger makes them change together. */
#pragma once
#include "ris_ctrl/board.h"
#include "ris_ctrl/element_map.h"

#define SURFACE_TILES 16

struct surface_tile {
    const struct board_driver *driver;
    struct board_cfg cfg; /* name: the surface's and its number, for messages */
    struct element_map map;
};

struct surface_cfg {
    size_t n;
    struct surface_tile tiles[SURFACE_TILES];
    bool dead[RIS_SIDE_MAX]; /* columns of the surface that do not switch */
};

/* Its struct board_cfg has `surface` set. */
extern const struct board_driver board_surface;

/* Whether all of its boards do. */
bool surface_plays_sequences(const struct surface_cfg *cfg);
