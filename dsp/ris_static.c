/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The static configuration of [S1] (ris_design.h). */
#include <assert.h>
#include <stdlib.h>

#include "dsp/ris_design.h"

#define TOLERANCE 1e-9
#define STEPS     50

struct hops {
    cplx *from_ris; /* [n_ant x n] */
    cplx *user;     /* [n] */
    cplx *row;      /* [n] both hops, antennas combined by w = conj(h) */
    double *theta;  /* [n] */
};

static void fill(const struct ris_model *model, const struct vec3 *antenna, size_t n_ant,
                 struct vec3 user, struct hops *h)
{
    const struct panel *panel = ris_model_panel(model);
    const double wavelength_m = ris_model_wavelength_m(model);
    const size_t n = ris_model_elements(model);
    for (size_t m = 0; m < n; m++) {
        h->user[m] = ris_hop(panel, m, user, wavelength_m);
        for (size_t a = 0; a < n_ant; a++)
            h->from_ris[a * n + m] = ris_hop(panel, m, antenna[a], wavelength_m);
    }
}

/* What element m adds behind the beamformer that (14) ends with. */
static double combine(size_t n_ant, size_t n, struct hops *h)
{
    double power = 0;
    for (size_t m = 0; m < n; m++)
        h->row[m] = 0;
    for (size_t a = 0; a < n_ant; a++) {
        cplx sum = 0;
        const cplx *g = h->from_ris + a * n;
        for (size_t m = 0; m < n; m++)
            sum += g[m] * h->user[m] * CMPLX(cos(h->theta[m]), sin(h->theta[m]));
        for (size_t m = 0; m < n; m++)
            h->row[m] += conj(sum) * g[m] * h->user[m];
        power += cplx_norm(sum);
    }
    return power;
}

static int solve(const struct ris_model *model, size_t n_ant, const struct ris_states *states,
                 struct hops *h, uint8_t *state)
{
    const size_t n = ris_model_elements(model);
    const struct ris_align_cfg align = {.n_ant = n_ant,
                                        .n_element = n,
                                        .from_ris = h->from_ris,
                                        .user = h->user,
                                        .tolerance = TOLERANCE,
                                        .max_steps = STEPS};
    int steps = ris_align(&align, h->theta, NULL);
    if (steps < 0)
        return steps;
    if (!(combine(n_ant, n, h) > 0))
        return ERR_GEOMETRY;
    return ris_quantise(h->row, n, h->theta, states, state);
}

int ris_static_profile(const struct ris_model *model, const struct vec3 *antenna, size_t n_ant,
                       struct vec3 user, const struct ris_states *states, uint8_t *state)
{
    assert(model && antenna && n_ant > 0 && states && state);
    const size_t n = ris_model_elements(model);
    struct hops h = {.from_ris = malloc(n_ant * n * sizeof *h.from_ris),
                     .user = malloc(n * sizeof *h.user),
                     .row = malloc(n * sizeof *h.row),
                     .theta = calloc(n, sizeof *h.theta)};
    int rc = ERR_NO_MEMORY;
    if (h.from_ris && h.user && h.row && h.theta) {
        fill(model, antenna, n_ant, user, &h);
        rc = solve(model, n_ant, states, &h, state);
    }
    free(h.from_ris);
    free(h.user);
    free(h.row);
    free(h.theta);
    return rc;
}
