/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The scenes of tests/data/jlfd.json as scenarios. */
#pragma once
#include "calib/scenario.h"
#include "tests/dsp/golden.h"

/* Scene A..D with a case's mask, gain and power (obj: an entry of "bounds" or "estimators"). */
static inline struct scenario golden_scene(const json_t *doc, const json_t *obj)
{
    const json_t *s = json_object_get(json_object_get(doc, "scenes"),
                                      json_string_value(json_object_get(obj, "scene")));
    struct scenario sc = scenario_default();
    sc.columns = (size_t)golden_number(s, "Nx");
    sc.rows = (size_t)golden_number(s, "Ny");
    sc.n_pilots = (size_t)golden_number(s, "T");
    sc.profile_seed = (uint64_t)golden_number(s, "seed_w");
    for (size_t i = 0; i < 3; i++) {
        (&sc.user_m.x)[i] = golden_item(s, "p_ue_m", i);
        (&sc.bs_m.x)[i] = golden_item(s, "p_bs_m", i);
    }
    sc.gain = CMPLX(golden_item(obj, "beta", 0), golden_item(obj, "beta", 1));
    sc.power = golden_number(obj, "P");
    sc.n_fail = (size_t)golden_number(obj, "nfail");
    sc.mask_seed = (uint64_t)golden_number(obj, "mask_seed");
    if (vec3_norm(sc.user_m) < 1) /* scene C stands inside the default box */
        sc.range_m[0] = 0.1;
    return sc;
}
