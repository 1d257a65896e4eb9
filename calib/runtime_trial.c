/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/runtime_trial.h"

#include <math.h>
#include <stdlib.h>

#include "dsp/array.h"
#include "dsp/fix.h"
#include "dsp/ris_design.h"
#include "dsp/rng.h"
#include "dsp/toa.h"

#define N_CARRIER  811
#define SPACING_HZ (100e6 / 1024)
#define BATCHES    7
#define BATCH_S    1e-3

/* Everything that the steps work on. */
struct desk {
    const struct surface_trial *trial;
    double (*clock_s)(void);
    size_t n_ant, n_element, n_toa; /* n_toa: antennas of the arrival */
    struct panel panel[2];
    struct anchors anchors;
    struct vec3 *antenna;    /* [n_ant] */
    cplx *from_ris, *user;   /* [n_ant x n_element], [n_element] */
    double *theta;           /* [n_element] */
    uint8_t *state;          /* [n_element] */
    cplxf *path, *steer, *h; /* [n_ant], [n_ant], [n_toa x N_CARRIER] */
    cplx *weight;            /* [n_ant] */
    struct toa_est *toa;
    struct observation obs[ROW_COUNT];
    struct vec3 start;
    double sink; /* what came out: no compiler leaves a step away */
};

static int step_toa(struct desk *d)
{
    struct toa toa;
    const struct toa_gate gate = {5, 60};
    int rc = toa_estimate(d->toa, d->h, &gate, 0, &toa);
    d->sink += toa.length_m;
    return rc;
}

static int step_identity(struct desk *d)
{
    const double lambda = SPEED_OF_LIGHT / d->trial->carrier_hz;
    for (int r = 0; r < 2; r++) {
        array_steer(d->antenna, d->n_ant, d->trial->bs_m, d->trial->ris_m[r], lambda, d->steer);
        d->sink += array_match(d->steer, d->path, d->n_ant);
    }
    return 0;
}

static int step_cramer(struct desk *d)
{
    const struct surface_trial *t = d->trial;
    const struct vec3 p[3] = {t->bs_m, t->ris_m[0], t->ris_m[1]};
    double way[3] = {d->obs[ROW_L1].length_m / 2};
    for (int k = 1; k < 3; k++)
        way[k] = d->obs[k].length_m - way[0] - vec3_dist(p[0], p[k]);
    int rc = fix_cramer(p, way, t->user_m.z, &d->start);
    d->sink += d->start.x;
    return rc;
}

static int step_wnls(struct desk *d)
{
    struct fix fix;
    int rc = fix_wnls(&d->anchors, d->obs, ~0u, d->start, &fix);
    d->sink += fix.position.x;
    return rc;
}

static int step_align(struct desk *d)
{
    const struct ris_align_cfg cfg = {.n_ant = d->n_ant,
                                      .n_element = d->n_element,
                                      .from_ris = d->from_ris,
                                      .user = d->user,
                                      .tolerance = 1e-6,
                                      .max_steps = 20};
    for (size_t m = 0; m < d->n_element; m++)
        d->theta[m] = 0;
    int rc = ris_align(&cfg, d->theta, NULL);
    d->sink += d->theta[0];
    return rc < 0 ? rc : 0;
}

static int step_quantise(struct desk *d)
{
    const struct ris_states states = ris_states_ideal(d->trial->bits ? d->trial->bits : 1);
    int rc = ris_quantise(d->user, d->n_element, d->theta, &states, d->state);
    d->sink += d->state[0];
    return rc;
}

static int step_mrt(struct desk *d)
{
    double power = 0;
    for (size_t i = 0; i < d->n_ant; i++)
        power += cplxf_norm(d->path[i]);
    for (size_t i = 0; i < d->n_ant; i++)
        d->weight[i] = conj((cplx)d->path[i]) / sqrt(power);
    d->sink += creal(d->weight[0]);
    return 0;
}

static const struct step {
    const char *name;
    int (*run)(struct desk *d);
} steps[RUNTIME_STEPS] = {
    {"toa", step_toa},   {"identity", step_identity}, {"cramer", step_cramer},
    {"wnls", step_wnls}, {"align", step_align},       {"quantise", step_quantise},
    {"mrt", step_mrt},
};

const char *runtime_step_name(enum runtime_step step)
{
    return steps[step].name;
}

static int batch(struct desk *d, const struct step *step, size_t calls, double *seconds)
{
    int rc = 0;
    double from = d->clock_s();
    for (size_t i = 0; i < calls && rc == 0; i++)
        rc = step->run(d);
    *seconds = d->clock_s() - from;
    return rc;
}

/* Batches long enough for the clock; the least mean of a batch is what the step itself takes. */
static int measure(struct desk *d, const struct step *step, double *seconds)
{
    size_t calls = 1;
    double took;
    int rc = batch(d, step, 1, &took); /* memory and caches warm */
    while (rc == 0 && took < BATCH_S) {
        calls *= 4;
        rc = batch(d, step, calls, &took);
    }
    *seconds = INFINITY;
    for (int b = 0; b < BATCHES && rc == 0; b++) {
        rc = batch(d, step, calls, &took);
        *seconds = fmin(*seconds, took / (double)calls);
    }
    return rc;
}

static int set_panels(struct desk *d)
{
    const struct surface_trial *t = d->trial;
    const double lambda = SPEED_OF_LIGHT / t->carrier_hz;
    int rc = 0;
    for (int r = 0; r < 2 && rc == 0; r++) {
        const struct panel_cfg cfg = {t->ris_m[r], panel_bisector(t->ris_m[r], t->bs_m, t->user_m),
                                      {0, 0, 1},   t->columns,
                                      t->rows,     lambda / 2};
        rc = panel_init(&d->panel[r], &cfg);
    }
    return rc;
}

static void fill(struct desk *d)
{
    const struct surface_trial *t = d->trial;
    const double lambda = SPEED_OF_LIGHT / t->carrier_hz;
    const struct antenna_line line = {t->bs_m, {-1, 1, 0}, lambda / 2, d->n_ant};
    struct rng rng = rng_seed(t->seed);
    for (size_t i = 0; i < d->n_ant; i++)
        d->antenna[i] = antenna_line_element(&line, i);
    array_steer(d->antenna, d->n_ant, t->bs_m, t->ris_m[0], lambda, d->path);
    for (size_t m = 0; m < d->n_element; m++) {
        d->user[m] = ris_hop(&d->panel[0], m, t->user_m, lambda);
        for (size_t i = 0; i < d->n_ant; i++)
            d->from_ris[i * d->n_element + m] = ris_hop(&d->panel[0], m, d->antenna[i], lambda);
    }
    d->anchors = (struct anchors){t->bs_m, t->bs_m, {t->ris_m[0], t->ris_m[1]}};
    for (int row = ROW_L1; row <= ROW_H; row++)
        d->obs[row] =
            (struct observation){fix_predict(&d->anchors, row, t->user_m, NULL), 0.25, true};
    const double turn = -2 * PI * SPACING_HZ * 30 / SPEED_OF_LIGHT; /* a path of 30 m, 20 dB */
    for (size_t j = 0; j < d->n_toa; j++)
        for (size_t k = 0; k < N_CARRIER; k++)
            d->h[j * N_CARRIER + k] = (cplxf)(cexp(I * turn * (double)k) + 0.1 * rng_cn(&rng));
}

static void desk_free(struct desk *d)
{
    free(d->antenna);
    free(d->from_ris);
    free(d->user);
    free(d->theta);
    free(d->state);
    free(d->path);
    free(d->steer);
    free(d->h);
    free(d->weight);
    toa_est_destroy(&d->toa);
}

static int desk_init(struct desk *d, const struct surface_trial *trial)
{
    const size_t m = trial->n_ant, n = trial->columns * trial->rows;
    const size_t n_toa = m < TOA_MAX_ANT ? m : TOA_MAX_ANT;
    const struct toa_cfg toa = {.n_ant = n_toa,
                                .n_carrier = N_CARRIER,
                                .spacing_hz = SPACING_HZ,
                                .n_fft = 8192,
                                .min_db = 12};
    *d = (struct desk){.trial = trial, .n_ant = m, .n_element = n, .n_toa = n_toa};
    d->antenna = malloc(m * sizeof *d->antenna);
    d->from_ris = malloc(m * n * sizeof *d->from_ris);
    d->user = malloc(n * sizeof *d->user);
    d->theta = malloc(n * sizeof *d->theta);
    d->state = malloc(n);
    d->path = malloc(m * sizeof *d->path);
    d->steer = malloc(m * sizeof *d->steer);
    d->h = malloc(n_toa * N_CARRIER * sizeof *d->h);
    d->weight = malloc(m * sizeof *d->weight);
    d->toa = toa_est_create(&toa, NULL);
    if (!d->antenna || !d->from_ris || !d->user || !d->theta || !d->state || !d->path ||
        !d->steer || !d->h || !d->weight || !d->toa)
        return ERR_NO_MEMORY;
    int rc = set_panels(d);
    if (rc == 0)
        fill(d);
    return rc;
}

int runtime_measure(const struct surface_trial *trial, double (*clock_s)(void),
                    double seconds[RUNTIME_STEPS])
{
    struct desk d;
    int rc = desk_init(&d, trial);
    d.clock_s = clock_s;
    for (int s = 0; s < RUNTIME_STEPS && rc == 0; s++)
        rc = measure(&d, &steps[s], &seconds[s]);
    if (rc == 0 && isnan(d.sink))
        rc = ERR_STATE;
    desk_free(&d);
    return rc;
}
