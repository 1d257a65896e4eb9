/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is known of a surface's pixels, on disk: DIR/pixels-ID.json, ID the board's serial number
 * or, of a board that does not tell one, its name. Setup and control threads only. */
#pragma once
#include "calib/pixel_health.h"
#include "frames/status.h"

struct pixel_store_head {
    char board[32], serial[32];
    unsigned columns, rows;
    double alarm;
};

/* Path of a board's file; characters of the ID that do not belong into a file name become '_'. */
void pixel_store_path(const char *dir, const struct pixel_store_head *head, char *path,
                      size_t size);

/* Replaces the file as a whole. ERR_IO, ERR_NO_MEMORY. */
int pixel_store_write(const char *path, const struct pixel_store_head *head,
                      const struct pixel_map *map, struct status *err) MUST_CHECK;

/* ERR_NOT_FOUND: no such file. ERR_FORMAT: not one of these, or values out of range; says which. */
int pixel_store_read(const char *path, struct pixel_store_head *head, struct pixel_map *map,
                     struct status *err) MUST_CHECK;

/* The same of a record in memory; name is for the error text. ERR_FORMAT. */
int pixel_store_parse(const char *name, const char *text, size_t n, struct pixel_store_head *head,
                      struct pixel_map *map, struct status *err) MUST_CHECK;
