/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The surfaces of the lab, for the tests of their response and of their design. */
#pragma once
#include "dsp/ris_design.h"

enum { LAB_SURFACE_SIDE = 16, LAB_SURFACE_ELEMENTS = LAB_SURFACE_SIDE * LAB_SURFACE_SIDE };
#define LAB_CARRIER_HZ 5.8e9

extern const struct vec3 lab_bs, lab_centre, lab_ris_at[2];

/* Surface k (0 or 1) over the region's points; the caller destroys it. Fails the test if refused.
 */
struct ris_model *lab_surface(int k, const struct ris_region *region);
/* The same with side x side elements. */
struct ris_model *lab_surface_sized(int k, unsigned side, const struct ris_region *region);
/* n x n points over the middle of the room, at the height of a user. */
struct ris_region lab_square(size_t n);
