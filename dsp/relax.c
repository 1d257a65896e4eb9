/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/relax.h"
#include "dsp/fft.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEPS_PER_PATH = 12, SWEEPS_AT_END = 40 };
static const double still_m = 1e-4; /* sweeps end when nothing moves further */

struct relax {
    struct relax_cfg cfg;
    struct toa_est *toa;
    cplxf *rest; /* [n_ant x K] h minus the paths found */
};

struct relax *relax_create(const struct relax_cfg *cfg, struct status *err)
{
    assert(cfg);
    struct toa_cfg toa = {.n_ant = cfg->n_ant,
                          .n_carrier = cfg->n_carrier,
                          .spacing_hz = cfg->spacing_hz,
                          .n_fft = 4 * fft_size(cfg->n_carrier),
                          .min_db = cfg->min_db,
                          .window = TOA_HAMMING};
    struct toa_est *est = toa_est_create(&toa, err);
    if (!est)
        return NULL;
    struct relax *relax = calloc(1, sizeof *relax);
    cplxf *rest = fft_alloc(cfg->n_ant * cfg->n_carrier * sizeof(cplxf));
    if (!relax || !rest) {
        toa_est_destroy(&est);
        fft_free(rest);
        free(relax);
        if (err)
            *err = (struct status){ERR_NO_MEMORY, "relax: out of memory"};
        return NULL;
    }
    *relax = (struct relax){.cfg = *cfg, .toa = est, .rest = rest};
    return relax;
}

void relax_destroy(struct relax **relax)
{
    if (!relax || !*relax)
        return;
    toa_est_destroy(&(*relax)->toa);
    fft_free((*relax)->rest);
    free(*relax);
    *relax = NULL;
}

/* rest += sign a_j exp(-j 2 pi f_k L / c), by recurrence in double. */
static void put_path(struct relax *relax, const struct relax_path *path, double sign)
{
    size_t K = relax->cfg.n_carrier;
    double turn = -2 * PI * relax->cfg.spacing_hz * path->length_m / SPEED_OF_LIGHT;
    cplx step = cexp(I * turn), phasor = sign * cexp(-0.5 * I * turn * (double)(K - 1));
    for (size_t k = 0; k < K; k++, phasor *= step)
        for (size_t j = 0; j < relax->cfg.n_ant; j++)
            relax->rest[j * K + k] += (cplxf)phasor * path->amp[j];
}

/* Strongest path of the rest, inside the gate. */
static bool estimate(struct relax *relax, const struct toa_gate *gate, struct relax_path *path)
{
    struct toa toa;
    if (toa_estimate(relax->toa, relax->rest, gate, 0, &toa))
        return false;
    path->length_m = toa.length_m;
    path->power = 0;
    memcpy(path->amp, toa.amp, sizeof path->amp);
    for (size_t j = 0; j < relax->cfg.n_ant; j++)
        path->power += (double)cplxf_norm(toa.amp[j]);
    return true;
}

/* Every path once more, from what the others leave. Returns the largest step [m]. */
static double sweep(struct relax *relax, const struct toa_gate *gate, struct relax_path *paths,
                    size_t n)
{
    double moved = 0;
    for (size_t i = 0; i < n; i++) {
        struct relax_path before = paths[i];
        put_path(relax, &before, 1);
        if (estimate(relax, gate, &paths[i]))
            moved = fmax(moved, fabs(paths[i].length_m - before.length_m));
        else
            paths[i] = before;
        put_path(relax, &paths[i], -1);
    }
    return moved;
}

static void settle(struct relax *relax, const struct toa_gate *gate, struct relax_path *paths,
                   size_t n, int sweeps)
{
    while (sweeps-- > 0 && sweep(relax, gate, paths, n) > still_m)
        ;
}

size_t relax_run(struct relax *relax, const cplxf *h, const struct toa_gate *gate, size_t n_paths,
                 struct relax_path *paths)
{
    assert(relax && h && gate && paths && n_paths <= RELAX_MAX_PATHS);
    size_t n = 0;
    memcpy(relax->rest, h, relax->cfg.n_ant * relax->cfg.n_carrier * sizeof *h);
    while (n < n_paths && estimate(relax, gate, &paths[n])) {
        put_path(relax, &paths[n++], -1);
        settle(relax, gate, paths, n, SWEEPS_PER_PATH);
    }
    settle(relax, gate, paths, n, SWEEPS_AT_END); /* neighbours within a chip part slowly */
    return n;
}
