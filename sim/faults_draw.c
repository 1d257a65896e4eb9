/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "sim/faults.h"
#include "sim/noise.h"

struct draw {
    const struct fault_draw *cfg;
    uint64_t key;         /* mixed: seed + fault must not be what counts */
    unsigned fault, next; /* which fault, which number of it */
    FILE *out;
};

static double uniform(struct draw *d, double from, double to)
{
    return from + (to - from) * hash_unit(d->key, d->fault, d->next++);
}

static int whole(struct draw *d, double from, double to)
{
    return (int)floor(uniform(d, from, to + 1));
}

static double either_sign(struct draw *d, double from, double to)
{
    double size = uniform(d, from, to);
    return uniform(d, -1, 1) < 0 ? -size : size;
}

static int draw_kind(struct draw *d)
{
    int n = __builtin_popcount(d->cfg->kinds), pick = whole(d, 0, n - 1), kind = 0;
    for (;; kind++)
        if ((d->cfg->kinds >> kind & 1) && pick-- == 0)
            return kind;
}

static void one_shot(struct draw *d, int kind)
{
    switch (kind) {
    case AIR_FAULT_OVERFLOW:
    case AIR_FAULT_SEQUENCE:
        fprintf(d->out, ", samples: %d, after_samps: %d", whole(d, 1, 20000), whole(d, 0, 100000));
        break;
    case AIR_FAULT_OVERFLOW_STOP:
        fprintf(d->out, ", after_samps: %d, silent: %s", whole(d, 0, 100000),
                uniform(d, 0, 1) < 0.5 ? "yes" : "no");
        break;
    case AIR_FAULT_SHORT_RECV:
        fprintf(d->out, ", samples: %d", whole(d, 1, 50000));
        break;
    case AIR_FAULT_UNDERFLOW:
    case AIR_FAULT_UNDERFLOW_IN_PACKET:
    case AIR_FAULT_TX_SEQUENCE:
        fprintf(d->out, ", after_samps: %d", whole(d, 1, 100000));
        break;
    case AIR_FAULT_TIME_JUMP:
        fprintf(d->out, ", jump_s: %.6f", either_sign(d, 1e-4, 0.3));
        break;
    }
}

static void window(struct draw *d, int kind)
{
    double step = d->cfg->step_s;
    if (kind == AIR_FAULT_DEVICE_GONE) {
        fprintf(d->out, ", keeps_time: yes, for_s: %.6f, boot_s: %.6f", uniform(d, 0.1, 0.2) * step,
                uniform(d, 0.05, 0.1) * step);
        return;
    }
    fprintf(d->out, ", for_s: %.6f", uniform(d, 0.1, 0.4) * step);
    if (kind == AIR_FAULT_REF_UNLOCKED)
        fprintf(d->out, ", ppm: %.3f", either_sign(d, 0.05, 2));
    if (kind < AIR_FAULT_DEAD_CHANNEL)
        return;
    fprintf(d->out, ", channel: %d", whole(d, 0, d->cfg->n_rx - 1.0));
    if (kind == AIR_FAULT_GAIN_STEP)
        fprintf(d->out, ", db: %.2f", either_sign(d, 1, 6));
    if (kind == AIR_FAULT_LO_JUMP)
        fprintf(d->out, ", deg: %d", 90 * whole(d, 1, 3));
    if (kind == AIR_FAULT_PHASE_DRIFT)
        fprintf(d->out, ", deg_per_s: %.2f", either_sign(d, 5, 60));
    if (kind == AIR_FAULT_CLIPPING)
        fprintf(d->out, ", db: %.1f", uniform(d, 10, 40));
}

int faults_draw(const struct fault_draw *cfg, FILE *out)
{
    fprintf(out, "# %u faults of seed %llu\nfaults:\n", cfg->n, (unsigned long long)cfg->seed);
    for (unsigned i = 0; i < cfg->n; i++) {
        struct draw d = {
            .cfg = cfg, .key = hash_words(cfg->seed, 0x6661756c74, 0), .fault = i, .out = out};
        int kind = draw_kind(&d);
        double at = cfg->start_s + (i + uniform(&d, 0, 0.4)) * cfg->step_s;
        fprintf(out, "  - {at_s: %.6f, radio: %s, what: %s", at, cfg->radio, air_fault_name(kind));
        if (kind < AIR_FAULT_NO_PPS || kind == AIR_FAULT_TIME_JUMP)
            one_shot(&d, kind);
        else
            window(&d, kind);
        fprintf(out, "}\n");
    }
    return ferror(out) ? ERR_IO : 0;
}
