/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/dsp/lab_surface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

const struct vec3 lab_bs = {0.5, 0.5, 2.2}, lab_centre = {4, 4, 1.2};
const struct vec3 lab_ris_at[2] = {{7, 1.5, 1.9}, {1, 6, 1.7}};

struct ris_model *lab_surface_sized(int k, unsigned side, const struct ris_region *region)
{
    struct ris_model_cfg cfg = {.bs = lab_bs, .carrier_hz = LAB_CARRIER_HZ, .region = *region};
    struct panel_cfg panel = {.position = lab_ris_at[k],
                              .normal = panel_bisector(lab_ris_at[k], lab_bs, lab_centre),
                              .up = {0, 0, 1},
                              .columns = side,
                              .rows = side,
                              .spacing_m = SPEED_OF_LIGHT / LAB_CARRIER_HZ / 2};
    struct status err;
    assert_int_equal(panel_init(&cfg.panel, &panel), OK);
    struct ris_model *model = ris_model_create(&cfg, &err);
    assert_non_null(model);
    return model;
}

struct ris_model *lab_surface(int k, const struct ris_region *region)
{
    return lab_surface_sized(k, LAB_SURFACE_SIDE, region);
}

struct ris_region lab_square(size_t n)
{
    return (struct ris_region){{2, 6}, {2, 6}, {1.2, 1.2}, n, n, 1};
}
