/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scene lab for tests of the receiver's last stages: streams as an ideal code separation would
 * leave them, straight from rays (every hop direct and by six walls, element-wise RIS at the
 * carrier). */
#pragma once
#include "dsp/fix.h"
#include "dsp/map_fix.h"
#include "dsp/rng.h"
#include "dsp/wall_error.h"
#include "dsp/wall_light.h"

enum { LAB_ANT = 4, LAB_K = 811, LAB_STREAMS = 3 };
#define LAB_SPACING_HZ (100e6 / 1024)

struct lab_rays {
    size_t n_ant; /* receive antennas, 1..TOA_MAX_ANT; LAB_ANT */
    struct anchors anchors;
    struct room_box room;
    struct vec3 boresight;
    double wall; /* amplitude factor of a reflection */
    struct panel panel[2];
    double sign[2][256];          /* wide 1-bit profiles */
    double noise_db[LAB_STREAMS]; /* per carrier, under the stream's mean power */
};

/* profiles: path of a JSON file with lab_bits (index column * 16 + row, '1' = -1). */
void lab_rays_init(struct lab_rays *lab, const char *profiles);
/* The map of the room, with all walls' factor, and of what the surfaces see. */
struct wall_map lab_rays_map(const struct lab_rays *lab, double factor);
/* What the map-aided fix knows, walls with that factor. */
struct map_fix_cfg lab_rays_map_fix(const struct lab_rays *lab, double factor);
/* What the known walls do to lengths, and how surface k lights them; of LAB_K carriers. */
struct wall_error_cfg lab_rays_wall_error(const struct wall_map *walls);
struct wall_light_cfg lab_rays_wall_light(const struct lab_rays *lab, const struct wall_map *walls,
                                          size_t k);
/* What a base station knows of surface k. Null: out of memory. */
struct ris_model *lab_rays_ris(const struct lab_rays *lab, int k);
/* What surface k's profile does to that place. */
struct ris_view lab_rays_view(const struct lab_rays *lab, int k, const struct ris_model *model,
                              struct vec3 u);
/* h: [LAB_STREAMS x n_ant x LAB_K] */
void lab_rays_streams(const struct lab_rays *lab, struct vec3 user, struct rng *rng, cplxf *h);
/* The same of the user's own signal: direct, by RIS1, by RIS2, of clock offset 0. */
void lab_rays_answer(const struct lab_rays *lab, struct vec3 user, struct rng *rng, cplxf *h);
