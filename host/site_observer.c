/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From one cycle to what it says of the radio. With tap_j the leak's tap as received, l_j its
 * length, c_j the channel and g_j the correction in force, the streams hold g_j H_j / (tap_j
 * e^(j k l_j)): the leak there is g_j c_j e^(-j k l_j) / tap_j, so that 1 / g_j wanted is what it
 * has over e^(-j k l_j), before g_j. */
#include "base/log.h"
#include "dsp/fft.h"
#include "dsp/first_path.h"
#include "host/site_calib.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define MIN_DB 12.0

struct site_observer {
    size_t n_ant, n_carrier;
    double spacing_hz, carrier_hz, chip_m;
    double leak_m[STREAM_MAX_ANT];
    struct vec3 antenna[STREAM_MAX_ANT];
    struct toa_est *toa;
    struct first_path_est *first;
    cplxf *h; /* [n_ant x K] */
};

struct site_observer *site_observer_create(const struct bs_cfg *bs, struct status *err)
{
    const struct waveform_cfg wave = bs_config_waveform(bs);
    const struct anchors anchors = bs_config_anchors(bs);
    struct site_observer *o = calloc(1, sizeof *o);
    if (!o) {
        status_set(err, ERR_NO_MEMORY, "site calibration: out of memory");
        return NULL;
    }
    o->n_ant = bs->radio.n_rx;
    o->n_carrier = wave.k;
    o->spacing_hz = waveform_spacing_hz(&wave);
    o->carrier_hz = bs->radio.carrier_hz;
    o->chip_m = SPEED_OF_LIGHT / ((double)wave.k * o->spacing_hz);
    for (size_t a = 0; a < o->n_ant; a++) {
        o->antenna[a] = bs_config_antenna(bs, a);
        o->leak_m[a] = vec3_dist(anchors.tx, o->antenna[a]);
    }
    const struct toa_cfg toa = {.n_ant = o->n_ant,
                                .n_carrier = o->n_carrier,
                                .spacing_hz = o->spacing_hz,
                                .n_fft = 4 * fft_size(o->n_carrier),
                                .min_db = MIN_DB,
                                .window = TOA_HAMMING};
    const struct first_path_cfg first = {o->n_ant, o->n_carrier, o->spacing_hz};
    o->toa = toa_est_create(&toa, err);
    o->first = o->toa ? first_path_create(&first, err) : NULL;
    o->h = fft_alloc(o->n_ant * o->n_carrier * sizeof(cplxf));
    if (!o->first || !o->h)
        site_observer_destroy(&o);
    return o;
}

void site_observer_destroy(struct site_observer **observer)
{
    if (!*observer)
        return;
    toa_est_destroy(&(*observer)->toa);
    first_path_destroy(&(*observer)->first);
    fft_free((*observer)->h);
    free(*observer);
    *observer = NULL;
}

/* h = in, every antenna advanced by a length of its own (NULL: none), carrier phase included. */
static void advance(struct site_observer *o, const cplxf *in, const double *length_m)
{
    for (size_t a = 0; a < o->n_ant; a++) {
        double tau = length_m ? length_m[a] / SPEED_OF_LIGHT : 0;
        cplx step = cexp(I * 2 * PI * o->spacing_hz * tau);
        cplx turn = cexp(I * 2 * PI * tau *
                         (o->carrier_hz - o->spacing_hz * 0.5 * (double)(o->n_carrier - 1)));
        for (size_t k = 0; k < o->n_carrier; k++, turn *= step)
            o->h[a * o->n_carrier + k] = (cplxf)((cplx)in[a * o->n_carrier + k] * turn);
    }
}

/* First path of o->h near a length. Of the own burst what looks like noise is clutter, and counts
 * as paths; a user's answer is weak enough for noise. */
static int find(struct site_observer *o, double near_m, bool noisy, struct first_path *path)
{
    const struct toa_gate gate = {near_m - o->chip_m, near_m + o->chip_m};
    struct toa seen;
    if (toa_estimate(o->toa, o->h, &gate, 0, &seen))
        return ERR_NO_PEAK;
    if (!noisy)
        seen.noise_var = 0;
    return first_path_estimate(o->first, o->h, &seen, path);
}

/* tap_a e^(j k l_a): the channel as the leak shows it. */
static cplx shown_by_leak(const struct site_observer *o, const struct site_sample *s, size_t a)
{
    return (cplx)s->tap[a] * cexp(I * 2 * PI * o->carrier_hz / SPEED_OF_LIGHT * o->leak_m[a]);
}

static int observe_own(struct site_observer *o, const struct site_sample *s,
                       const struct site_request *r, struct first_path *path, double *latency_s)
{
    bool cable = r->from == SITE_CABLE;
    double more_m = cable ? r->cable_m : 0;
    advance(o, s->own, cable ? NULL : o->leak_m);
    int rc = find(o, cable ? o->leak_m[0] : 0, false, path);
    *latency_s = s->zero.latency_s + (path->length_m - more_m) / SPEED_OF_LIGHT;
    return rc;
}

static int observe_user(struct site_observer *o, const struct site_sample *s,
                        const struct site_request *r, struct first_path *path)
{
    double length_m[STREAM_MAX_ANT];
    if (!s->answered)
        return ERR_NO_PEAK;
    for (size_t a = 0; a < o->n_ant; a++)
        length_m[a] = vec3_dist(r->position, o->antenna[a]) - vec3_dist(r->position, o->antenna[0]);
    advance(o, s->answer, length_m);
    return find(o, 0, true, path);
}

int site_observe(struct site_observer *o, const struct site_sample *s, const struct site_request *r,
                 const cplx *cable, double *latency_s, cplxf *y)
{
    struct first_path path;
    *latency_s = s->zero.latency_s;
    int rc = r->from == SITE_USER ? observe_user(o, s, r, &path)
                                  : observe_own(o, s, r, &path, latency_s);
    if (rc)
        return rc;
    for (size_t a = 0; a < o->n_ant; a++) {
        cplx leak = shown_by_leak(o, s, a), seen = (cplx)path.amp[a], held = (cplx)s->correction[a];
        cplx value = r->from == SITE_LEAK    ? seen / held
                     : r->from == SITE_CABLE ? seen / held * leak
                     : r->from == SITE_USER  ? seen / leak
                                             : cable[a] / leak;
        y[a] = (cplxf)value;
    }
    return OK;
}
