/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One surface of a scene as the designs of dsp/ris_design.h want it. Setup only. */
#pragma once
#include "dsp/ris_model.h"

#define RIS_PLACE_GRID     41  /* points a side at which coverage is judged */
#define RIS_PLACE_HEIGHT_M 1.2 /* where a terminal is carried */

struct ris_place {
    char ris[32], board[32]; /* name in the scene, and of its board */
    struct vec3 bs;          /* centre of the receive array */
    struct vec3 antenna[8];  /* of the receive array, [n_antenna] */
    size_t n_antenna;
    double carrier_hz;
    struct panel_cfg panel;
    unsigned bits;
    struct ris_states table;  /* what the states of its elements reflect */
    struct ris_region region; /* inner half of the room in x and y, RIS_PLACE_HEIGHT_M, GRID */
};

/* scene: a name of ours or a file; ris: a surface's name or its board's, whatever the case.
 * ERR_NOT_FOUND says which there are. */
int ris_place_find(const char *scene, const char *ris, struct ris_place *out,
                   struct status *err) MUST_CHECK;

/* Model of the place with n x n points in x and y (heights stay). NULL says why. */
struct ris_model *ris_place_model(const struct ris_place *place, size_t n, struct status *err);
