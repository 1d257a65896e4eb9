/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/pilot_extract.h"
#include "base/log.h"
#include "dsp/fft.h"
#include "dsp/slot.h"
#include "dsp/toa.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EARLY_SAMPS = 48, SWEEPS = 30 };

#define MIN_PEAK_DB 12.0

/* Taps of one pilot at one antenna. */
enum tap { TAP_FIRST, TAP_SURFACE, TAP_EMPTY, TAPS };

struct pilot_extract {
    struct bs_cfg cfg;
    struct schedule schedule;
    struct waveform_cfg wave;
    struct anchors anchors;
    struct vec3 antenna[RADIO_CHANNELS_MAX];
    size_t n_ant, n_pilot;
    struct slot_est *slots;
    struct toa_est *toa;
    float *window; /* [K] Hamming, sum 1 */
    cplxf *h;      /* [n_pilot x n_ant x K] */
    cplxf *mean;   /* [n_ant x K] */
    cplxf *phasor; /* [TAPS x K] */
    cplx y[PIXEL_PROFILES_MAX][RADIO_CHANNELS_MAX];
    cplx empty[PIXEL_PROFILES_MAX][RADIO_CHANNELS_MAX];
};

static bool make(struct pilot_extract *e, struct status *err)
{
    const size_t k = e->wave.k;
    const struct toa_cfg toa = {
        .n_ant = e->n_ant,
        .n_carrier = k,
        .spacing_hz = waveform_spacing_hz(&e->wave),
        .n_fft = 8 * e->wave.n,
        .min_db = MIN_PEAK_DB,
        .window = TOA_HAMMING,
    };
    e->slots = slot_est_create(&e->wave, e->n_ant, err);
    e->toa = e->slots ? toa_est_create(&toa, err) : NULL;
    if (!e->toa)
        return false;
    e->window = fft_alloc(k * sizeof *e->window);
    e->h = fft_alloc(e->n_pilot * e->n_ant * k * sizeof *e->h);
    e->mean = fft_alloc(e->n_ant * k * sizeof *e->mean);
    e->phasor = fft_alloc(TAPS * k * sizeof *e->phasor);
    if (!e->window || !e->h || !e->mean || !e->phasor) {
        status_set(err, ERR_NO_MEMORY, "pilots: out of memory");
        return false;
    }
    double sum = 0;
    for (size_t i = 0; i < k; i++)
        sum += 0.54 - 0.46 * cos(2 * PI * ((double)i + 0.5) / (double)k);
    for (size_t i = 0; i < k; i++)
        e->window[i] = (float)((0.54 - 0.46 * cos(2 * PI * ((double)i + 0.5) / (double)k)) / sum);
    return true;
}

struct pilot_extract *pilot_extract_create(const struct bs_cfg *cfg, const struct schedule *s,
                                           struct status *err)
{
    struct pilot_extract *e = calloc(1, sizeof *e);
    if (!e) {
        status_set(err, ERR_NO_MEMORY, "pilots: out of memory");
        return NULL;
    }
    e->cfg = *cfg;
    e->schedule = *s;
    e->wave = pilot_train_waveform(&cfg->pixels.train, bs_config_waveform(cfg));
    e->anchors = bs_config_anchors(cfg);
    e->n_ant = cfg->radio.n_rx;
    e->n_pilot = (size_t)cfg->pixels.train.n;
    for (size_t a = 0; a < e->n_ant; a++)
        e->antenna[a] = bs_config_antenna(cfg, a);
    if (!make(e, err))
        pilot_extract_destroy(&e);
    return e;
}

void pilot_extract_destroy(struct pilot_extract **extract)
{
    struct pilot_extract *e = *extract;
    if (!e)
        return;
    slot_est_destroy(&e->slots);
    toa_est_destroy(&e->toa);
    fft_free(e->window);
    fft_free(e->h);
    fft_free(e->mean);
    fft_free(e->phasor);
    free(e);
    *extract = NULL;
}

/* Responses of all pilots. The user counts samples by its own clock from answer to train. */
static int estimate(struct pilot_extract *e, const struct block *block,
                    const struct cycle_report *r)
{
    const double skew = r->response_cfo_hz / e->cfg.radio.carrier_hz;
    const double wait = (double)(e->schedule.pilots - e->schedule.response) / (1 + skew);
    const double start = r->response_start + wait - (double)block->info.tick;
    const struct slot_window window = {
        .first = (size_t)fmax(llround(start) - EARLY_SAMPS, 0),
        .n_slots = e->n_pilot,
        .cfo_hz = r->response_cfo_hz,
        .skew = skew,
    };
    if (start < EARLY_SAMPS ||
        window.first + e->n_pilot * waveform_slot_samps(&e->wave) > block->n_samp)
        return ERR_NO_PEAK;
    slot_estimate(e->slots, (const struct sc16 *const *)block->samp, &window, e->h);
    return OK;
}

/* Delay of the strongest arrival of the whole train, as a length from the window's start [m]. */
static int first_arrival(struct pilot_extract *e, double *length_m)
{
    const size_t stride = e->n_ant * e->wave.k;
    const double sample_m = SPEED_OF_LIGHT / e->wave.rate_hz;
    const struct toa_gate gate = {0, 2 * EARLY_SAMPS * sample_m};
    struct toa toa;
    memset(e->mean, 0, stride * sizeof *e->mean);
    for (size_t t = 0; t < e->n_pilot; t++)
        for (size_t i = 0; i < stride; i++)
            e->mean[i] += e->h[t * stride + i];
    int rc = toa_estimate(e->toa, e->mean, &gate, 0, &toa);
    *length_m = toa.length_m;
    return rc;
}

static void aim(struct pilot_extract *e, enum tap tap, double length_m)
{
    const double step = 2 * PI * waveform_spacing_hz(&e->wave) * length_m / SPEED_OF_LIGHT;
    const double middle = ((double)e->wave.k - 1) / 2;
    for (size_t i = 0; i < e->wave.k; i++) {
        double phase = step * ((double)i - middle);
        e->phasor[tap * e->wave.k + i] =
            e->window[i] * CMPLXF((float)cos(phase), (float)sin(phase));
    }
}

static cplx tap_of(const cplxf *h, const cplxf *phasor, size_t n)
{
    const float *a = (const float *)h, *b = (const float *)phasor;
    float re[8] = {0}, im[8] = {0};
    size_t k = 0;
    for (; k + 8 <= n; k += 8)
        for (size_t i = 0; i < 8; i++) {
            const float *p = a + 2 * (k + i), *q = b + 2 * (k + i);
            re[i] += p[0] * q[0] - p[1] * q[1];
            im[i] += p[0] * q[1] + p[1] * q[0];
        }
    for (; k < n; k++) {
        re[0] += a[2 * k] * b[2 * k] - a[2 * k + 1] * b[2 * k + 1];
        im[0] += a[2 * k] * b[2 * k + 1] + a[2 * k + 1] * b[2 * k];
    }
    double x = 0, y = 0;
    for (size_t i = 0; i < 8; i++) {
        x += re[i];
        y += im[i];
    }
    return CMPLX(x, y);
}

/* Half differences of all profiles at one antenna, relative to the first arrival. */
static void difference(struct pilot_extract *e, size_t a)
{
    const size_t k = e->wave.k;
    for (size_t i = 0; i < e->n_pilot / 2; i++) {
        e->y[i][a] = e->empty[i][a] = 0;
        for (size_t t = 2 * i; t < 2 * i + 2; t++) {
            const cplxf *h = e->h + (t * e->n_ant + a) * k;
            cplx first = tap_of(h, e->phasor + TAP_FIRST * k, k);
            cplx half = pilot_sign(t) * 0.5 / first;
            e->y[i][a] += half * tap_of(h, e->phasor + TAP_SURFACE * k, k);
            e->empty[i][a] += half * tap_of(h, e->phasor + TAP_EMPTY * k, k);
        }
    }
}

/* Principal vector of the antennas: power iteration on the sum of their outer products. */
static void principal(const struct pilot_extract *e, cplx v[RADIO_CHANNELS_MAX])
{
    for (size_t a = 0; a < e->n_ant; a++)
        v[a] = 1;
    for (int s = 0; s < SWEEPS; s++) {
        cplx next[RADIO_CHANNELS_MAX] = {0};
        double power = 0;
        for (size_t i = 0; i < e->n_pilot / 2; i++) {
            cplx sum = 0;
            for (size_t a = 0; a < e->n_ant; a++)
                sum += conj(v[a]) * e->y[i][a];
            for (size_t a = 0; a < e->n_ant; a++)
                next[a] += conj(sum) * e->y[i][a];
        }
        for (size_t a = 0; a < e->n_ant; a++)
            power += cplx_norm(next[a]);
        for (size_t a = 0; a < e->n_ant && power > 0; a++)
            v[a] = next[a] / sqrt(power);
    }
}

static void combine(const struct pilot_extract *e, struct pixel_pilots *out)
{
    cplx v[RADIO_CHANNELS_MAX];
    principal(e, v);
    out->n = e->n_pilot / 2;
    out->noise_var = 0;
    for (size_t i = 0; i < out->n; i++) {
        cplx empty = 0;
        out->y[i] = 0;
        for (size_t a = 0; a < e->n_ant; a++) {
            out->y[i] += conj(v[a]) * e->y[i][a];
            empty += conj(v[a]) * e->empty[i][a];
        }
        out->noise_var += cplx_norm(empty) / (double)out->n;
    }
}

int pilot_extract_run(struct pilot_extract *e, const struct block *block,
                      const struct cycle_report *r, struct pixel_pilots *out)
{
    double first_m;
    const uint64_t cycle = block->plan.cycle;
    const size_t ris = pilot_train_ris(&e->cfg.pixels.train, cycle);
    const double period_m = e->wave.n * SPEED_OF_LIGHT / e->wave.rate_hz;
    if (r->plan.index != block->plan.index || r->faults || block->plan.faults ||
        r->outcome != FIX_DONE || block->info.faults)
        return ERR_STATE;
    if (estimate(e, block, r) || first_arrival(e, &first_m))
        return ERR_NO_PEAK;
    *out = (struct pixel_pilots){.cycle = cycle,
                                 .index = block->plan.index,
                                 .time_s = r->time_s,
                                 .ris = ris,
                                 .position = r->fix.position};
    memcpy(out->cov, r->fix.cov, sizeof out->cov);
    const struct vec3 u = r->fix.position, at = e->anchors.ris[ris];
    aim(e, TAP_FIRST, first_m);
    aim(e, TAP_EMPTY, first_m + period_m / 2);
    for (size_t a = 0; a < e->n_ant; a++) {
        aim(e, TAP_SURFACE,
            first_m + vec3_dist(u, at) + vec3_dist(at, e->antenna[a]) -
                vec3_dist(u, e->antenna[a]));
        difference(e, a);
    }
    combine(e, out);
    return OK;
}
