/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/air_response.h"

#include <fftw3.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/air_clock.h"
#include "sim/air_log.h"

enum {
    NF = AIR_N_BIN,
    STEP_BLOCKS = 3, /* Doppler phases are held for so many blocks */
};
static const double step_max_s = 1e-3; /* and not so long that a walker turns meanwhile */

struct kept { /* combined response, and what it was combined for */
    uint64_t set_id;
    int64_t step;
    float sign1, sign2;
    float *h; /* [2 NF], allocated when the link is first used */
};

struct air_response {
    struct air *air;
    unsigned radio, n_channel;
    unsigned channel[AIR_MAX_PORTS];
    struct kept *kept; /* [n_tx_total][n_channel] */
};

static size_t n_kept(const struct air_response *r)
{
    return (size_t)r->air->seg->n_tx_total * r->n_channel;
}

struct air_response *air_response_create(struct air *air, unsigned radio, unsigned n_channel,
                                         const unsigned *channel)
{
    struct air_response *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct air_response){.air = air, .radio = radio, .n_channel = n_channel};
    memcpy(r->channel, channel, n_channel * sizeof *channel);
    r->kept = calloc(n_kept(r), sizeof *r->kept);
    if (!r->kept)
        air_response_destroy(&r);
    return r;
}

void air_response_destroy(struct air_response **response)
{
    struct air_response *r = *response;
    if (!r)
        return;
    for (size_t i = 0; r->kept && i < n_kept(r); i++)
        fftwf_free(r->kept[i].h);
    free(r->kept);
    free(r);
    *response = NULL;
}

static void add_scaled(float *restrict y, const float *restrict x, float cr, float ci)
{
    if (ci == 0.0f) {
        for (int i = 0; i < 2 * NF; i++)
            y[i] += cr * x[i];
        return;
    }
    for (int i = 0; i < NF; i++) {
        float re = x[2 * i], im = x[2 * i + 1];
        y[2 * i] += cr * re - ci * im;
        y[2 * i + 1] += cr * im + ci * re;
    }
}

/* Factor of group g: sign of its surface and the Doppler phase at `tick`. */
static void group_factor(const struct air_snap *snap, int g, double phase, float *cr, float *ci)
{
    float sign = 1.0f / NF;
    if (g == 2 || g == 3 || g == 6)
        sign *= snap->sign1;
    if (g == 4 || g == 5 || g == 6)
        sign *= snap->sign2;
    *cr = sign * (float)cos(phase);
    *ci = phase == 0.0 ? 0.0f : sign * (float)sin(phase);
}

/* Seconds from a set's own time to that at which its Doppler phase is taken: the middle of the
 * step. Where samples are so slow that many snapshots come and go within a step, each stands for
 * itself. */
static double doppler_time(const struct air_response *r, int64_t step, int64_t ref)
{
    const double rate = r->air->seg->cfg.rate_hz;
    const double mid = (double)(step * AIR_HOP * STEP_BLOCKS + AIR_HOP * STEP_BLOCKS / 2);
    if (AIR_HOP * STEP_BLOCKS > step_max_s * rate)
        return 0;
    return (mid / air_clock_ratio(r->air, r->radio) - (double)ref) / rate;
}

static bool is_kept(const struct kept *l, const struct air_snap *snap, int64_t step)
{
    return l->set_id == snap->set_id && l->step == step && l->sign1 == snap->sign1 &&
           l->sign2 == snap->sign2;
}

const float *air_response_at(struct air_response *r, unsigned tx_radio, unsigned port, unsigned ch,
                             const struct air_snap *snap, int64_t n0)
{
    const struct air_seg *s = r->air->seg;
    const unsigned tx = s->tx_base[tx_radio] + port;
    const int64_t step = n0 / ((int64_t)AIR_HOP * STEP_BLOCKS);
    struct kept *l = &r->kept[tx * r->n_channel + ch];
    if (is_kept(l, snap, step))
        return l->h;
    const struct air_link *link = air_links(r->air, snap->set_id) + tx * s->n_rx_total +
                                  s->rx_base[r->radio] + r->channel[ch];
    int64_t ref;
    if (air_set_ref(r->air, snap->set_id, &ref) != OK || !link->groups)
        return NULL;
    if (!l->h && !(l->h = fftwf_malloc(2 * NF * sizeof *l->h)))
        return NULL;
    const double t = doppler_time(r, step, ref);
    memset(l->h, 0, 2 * NF * sizeof *l->h);
    for (int g = 0; g < AIR_N_GROUP; g++) {
        if (!(link->groups >> g & 1))
            continue;
        float cr, ci;
        group_factor(snap, g, link->rate_rad_s[g] * t, &cr, &ci);
        add_scaled(l->h, (const float *)link->h[g], cr, ci);
    }
    l->set_id = snap->set_id;
    l->step = step;
    l->sign1 = snap->sign1;
    l->sign2 = snap->sign2;
    return l->h;
}
