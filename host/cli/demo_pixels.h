/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Broken pixels in `mirador demo`: what the base station finds (topic "calib") against what the
 * room broke (topic "pixels"). */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { DEMO_BOARDS = 2, DEMO_PIXELS = 4096 };

struct demo_pixel {
    bool broken, reported;
    double since_s; /* broken, or healed, at this time */
    double mask[2]; /* true part that follows the commands */
    double found_s; /* first report after it broke, < 0: none yet */
    double said[2]; /* last reported coefficient */
};

struct demo_board {
    char name[32];
    struct demo_pixel *pixel;        /* [DEMO_PIXELS] */
    size_t n_snapshot, false_alarms; /* reports of pixels that are and were (for 30 s) whole */
    double cleared_s, slowest_s;     /* longest time to clear, to find */
    double sigma;
    size_t unknown, used;
};

struct demo_pixels {
    struct demo_board board[DEMO_BOARDS];
    size_t n_board;
};

void demo_pixels_truth(struct demo_pixels *p, const json_t *truth);
/* Notes what a snapshot says; true when its list of broken pixels is another than the last. */
bool demo_pixels_report(struct demo_pixels *p, const json_t *calib);
/* "pixels": one object a board, into the summary. */
void demo_pixels_summary(const struct demo_pixels *p, json_t *summary);
void demo_pixels_clear(struct demo_pixels *p);
