/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the elements of a surface are on the boards behind it: boards hang rotated, several of them
 * form one surface, and some columns are dead. RT-safe. */
#pragma once
#include "frames/ris_profile.h"

struct element_map {
    struct ris_shape surface; /* as clients see it */
    struct ris_shape board;   /* as the board counts its own elements */
    uint8_t column, row;      /* of the surface, where the board's lower left corner is */
    uint8_t quarters;         /* the board hangs turned by that many quarters, counter-clockwise */
};

/* Every element of the board falls on the surface. */
bool element_map_valid(const struct element_map *m);

/* Surface element under element `at` of the board. */
size_t element_map_index(const struct element_map *m, size_t at);

/* The board's pattern out of the surface's, and the other way round (other elements of `surface`
 * stay as they are). */
void element_map_split(const struct element_map *m, const uint8_t *surface, uint8_t *board);
void element_map_merge(const struct element_map *m, const uint8_t *board, uint8_t *surface);
