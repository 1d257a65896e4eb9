/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * y(n) = sum_d h(d) x(m(n) - d) with m(n) = r n, r the ratio of the two clocks. Within a block m(n)
 * is split into an integer, a fraction (a phase ramp) and the drift (r - 1)(n - n_c), which acts
 * through the derivative: y = y0 + drift y0'. With 5 ppm the neglected second order is below -90
 * dB. */
#include "sim/air_fir.h"

#include <assert.h>
#include <fftw3.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/air_clock.h"
#include "sim/air_log.h"
#include "sim/air_response.h"

enum {
    NF = AIR_N_BIN,
    MAX_SPAN = 16, /* packets of a port that touch one block */
    MAX_SNAP = 64,
};
_Static_assert(AIR_HOP + AIR_MAX_PRE + AIR_MAX_POST == NF, "overlap-save sizes");

struct air_fir {
    struct air *air;
    unsigned radio, n_channel;
    struct air_response *response;
    fftwf_plan forward, inverse;
    float *time, *sum, *slope, *out, *out_slope; /* [2 NF] each */
    float *ramp, *turn;                          /* [2 NF] */
    float *spectrum[AIR_MAX_PORTS];              /* [2 NF], FFT of each port of the radio at hand */
    float bin_rad[NF];                           /* radian per sample of each bin */
};

/* The host program plans FFTs of its own under a lock we cannot know: let FFTW lock itself. */
static pthread_once_t planner_once = PTHREAD_ONCE_INIT;

static float *alloc_bins(void)
{
    float *p = fftwf_malloc(2 * NF * sizeof *p);
    if (p)
        memset(p, 0, 2 * NF * sizeof *p);
    return p;
}

static bool alloc_all(struct air_fir *f, const unsigned *channel)
{
    f->response = air_response_create(f->air, f->radio, f->n_channel, channel);
    float **const buf[] = {&f->time,      &f->sum,  &f->slope, &f->out,
                           &f->out_slope, &f->ramp, &f->turn};
    bool good = f->response != NULL;
    for (size_t i = 0; i < sizeof buf / sizeof buf[0]; i++)
        good = (*buf[i] = alloc_bins()) && good;
    return good;
}

struct air_fir *air_fir_create(struct air *air, unsigned radio, unsigned n_channel,
                               const unsigned *channel)
{
    struct air_fir *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    pthread_once(&planner_once, fftwf_make_planner_thread_safe);
    f->air = air;
    f->radio = radio;
    f->n_channel = n_channel;
    if (alloc_all(f, channel)) {
        fftwf_complex *t = (fftwf_complex *)f->time, *s = (fftwf_complex *)f->sum;
        f->forward = fftwf_plan_dft_1d(NF, t, s, FFTW_FORWARD, FFTW_ESTIMATE);
        f->inverse = fftwf_plan_dft_1d(NF, s, t, FFTW_BACKWARD, FFTW_ESTIMATE);
    }
    if (!f->forward || !f->inverse)
        air_fir_destroy(&f);
    else
        for (int i = 0; i < NF; i++)
            f->bin_rad[i] = (float)(2 * M_PI * (i < NF / 2 ? i : i - NF) / NF);
    return f;
}

void air_fir_destroy(struct air_fir **fir)
{
    struct air_fir *f = *fir;
    if (!f)
        return;
    if (f->forward)
        fftwf_destroy_plan(f->forward);
    if (f->inverse)
        fftwf_destroy_plan(f->inverse);
    for (int p = 0; p < AIR_MAX_PORTS; p++)
        fftwf_free(f->spectrum[p]);
    float *const buf[] = {f->time, f->sum, f->slope, f->out, f->out_slope, f->ramp, f->turn};
    for (size_t i = 0; i < sizeof buf / sizeof buf[0]; i++)
        fftwf_free(buf[i]);
    air_response_destroy(&f->response);
    free(f);
    *fir = NULL;
}

/* --- what a port sends ------------------------------------------------------------------------ */

/* Ring samples pos .. pos + n - 1 times (cr + j ci), into out. */
static void convert(const int16_t *restrict iq, float cr, float ci, float *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float re = iq[2 * i], im = iq[2 * i + 1];
        out[2 * i] = cr * re - ci * im;
        out[2 * i + 1] = cr * im + ci * re;
    }
}

/* Antenna samples [q, q + n) of a port into out (zeros where it is silent). False: all silent. */
static bool gather(const struct air_fir *f, unsigned radio, unsigned port, int64_t q, int n,
                   float *out)
{
    struct air_packet span[MAX_SPAN];
    const struct air_cfg *cfg = air_config(f->air);
    size_t n_span = air_tx_spans(f->air, radio, port, q, q + n, span, MAX_SPAN);
    bool any = false;
    for (size_t s = 0; s < n_span; s++) {
        const struct air_packet *p = &span[s];
        if (cfg->carrier_hz > 0 && fabs(p->carrier_hz - cfg->carrier_hz) > 1e3)
            continue;
        if (!any)
            memset(out, 0, (size_t)n * 2 * sizeof *out);
        any = true;
        int64_t a = p->k0 > q ? p->k0 : q, b = p->k0 + p->n < q + n ? p->k0 + p->n : q + n;
        size_t cap = cfg->tx_ring_samps, todo = (size_t)(b - a);
        size_t pos = (p->ring0 + (uint64_t)(a - p->k0)) % cap;
        size_t head = todo < cap - pos ? todo : cap - pos;
        const int16_t *ring = air_ring(f->air, radio, port);
        float cr = p->scale * cosf(p->phase_rad), ci = p->scale * sinf(p->phase_rad);
        convert(ring + 2 * pos, cr, ci, out + 2 * (a - q), head);
        convert(ring, cr, ci, out + 2 * (a - q + (int64_t)head), todo - head);
    }
    return any;
}

static double port_carrier(const struct air_fir *f, unsigned radio, unsigned port, int64_t q, int n)
{
    struct air_packet span;
    return air_tx_spans(f->air, radio, port, q, q + n, &span, 1) ? span.carrier_hz : 0;
}

/* --- filtering -------------------------------------------------------------------------------- */

static void multiply(float *restrict y, const float *restrict a, const float *restrict b, bool add)
{
    if (!add)
        memset(y, 0, 2 * NF * sizeof *y);
    for (int i = 0; i < NF; i++) {
        float ar = a[2 * i], ai = a[2 * i + 1], br = b[2 * i], bi = b[2 * i + 1];
        y[2 * i] += ar * br - ai * bi;
        y[2 * i + 1] += ar * bi + ai * br;
    }
}

/* sum *= ramp; slope = j w sum. */
static void shift(struct air_fir *f)
{
    float *restrict y = f->sum, *restrict d = f->slope;
    const float *restrict ramp = f->ramp, *restrict w = f->bin_rad;
    for (int i = 0; i < NF; i++) {
        float re = y[2 * i] * ramp[2 * i] - y[2 * i + 1] * ramp[2 * i + 1];
        float im = y[2 * i] * ramp[2 * i + 1] + y[2 * i + 1] * ramp[2 * i];
        y[2 * i] = re;
        y[2 * i + 1] = im;
        d[2 * i] = -w[i] * im;
        d[2 * i + 1] = w[i] * re;
    }
}

/* exp(j (phase0 + i rate)) for i < n: products of a coarse and a fine table. */
static void rotation(float *out, int n, double phase0, double rate)
{
    float fine[2 * 32];
    for (int i = 0; i < 32; i++) {
        fine[2 * i] = (float)cos(rate * i);
        fine[2 * i + 1] = (float)sin(rate * i);
    }
    for (int j = 0; j < n; j += 32) {
        double phase = phase0 + rate * j;
        float cr = (float)cos(phase), ci = (float)sin(phase);
        for (int i = 0; i < 32; i++) {
            out[2 * (j + i)] = cr * fine[2 * i] - ci * fine[2 * i + 1];
            out[2 * (j + i) + 1] = cr * fine[2 * i + 1] + ci * fine[2 * i];
        }
    }
}

struct path { /* one TX radio as seen in one block */
    unsigned tx_radio;
    int64_t q0;      /* antenna sample of the transmitter that meets n0 */
    double fraction; /* plus this fraction of a sample */
    double drift;    /* r - 1 */
    double carrier_hz;
    uint32_t ports; /* that send */
};

/* Phase ramp exp(j w fraction), symmetric in frequency. */
static void make_ramp(struct air_fir *f, double fraction)
{
    rotation(f->ramp, NF / 2, 0, 2 * M_PI * fraction / NF);
    rotation(f->ramp + NF, NF / 2, -M_PI * fraction, 2 * M_PI * fraction / NF);
}

/* acc[a..b) += out (+ drift * slope), turned by the carrier offset. */
static void accumulate(const struct air_fir *f, const struct path *p, float *acc, int a, int b,
                       bool turn)
{
    const float *restrict y = f->out + 2 * AIR_MAX_POST, *restrict d =
                                                             f->out_slope + 2 * AIR_MAX_POST;
    const float *restrict t = f->turn;
    float *restrict o = acc;
    float drift = (float)p->drift;
    if (drift == 0.0f && !turn) {
        for (int i = 2 * a; i < 2 * b; i++)
            o[i] += y[i];
        return;
    }
    for (int i = a; i < b; i++) {
        float x = drift * (float)(i - AIR_HOP / 2);
        float re = y[2 * i] + x * d[2 * i], im = y[2 * i + 1] + x * d[2 * i + 1];
        o[2 * i] += t[2 * i] * re - t[2 * i + 1] * im;
        o[2 * i + 1] += t[2 * i] * im + t[2 * i + 1] * re;
    }
}

/* What clocks without their reference have counted too much: samples, and samples per sample. */
struct lag {
    double tx, rx, tx_rate, rx_rate;
};

static bool drifted(const struct air_fir *f, unsigned tx_radio, int64_t n0, struct lag *lag)
{
    const struct air_drift_list *list = f->air->seg->drift;
    if (!list[tx_radio].n && !list[f->radio].n)
        return false;
    double tick = (double)air_samp_to_tick(f->air, f->radio, n0);
    lag->tx = air_fault_drift(f->air, tx_radio, tick, &lag->tx_rate);
    lag->rx = air_fault_drift(f->air, f->radio, tick, &lag->rx_rate);
    return true;
}

/* Carrier difference of the two devices [Hz] times true time, as a rotation over the block. False:
 * none. */
static bool make_turn(struct air_fir *f, const struct path *p, int64_t n0, double rx_freq)
{
    const struct air_cfg *cfg = air_config(f->air);
    double rx_ratio = air_clock_ratio(f->air, f->radio);
    double offset =
        (p->carrier_hz - rx_freq) +
        1e-6 * (p->carrier_hz * cfg->radios[p->tx_radio].ppm - rx_freq * cfg->radios[f->radio].ppm);
    struct lag lag;
    bool lost = drifted(f, p->tx_radio, n0, &lag);
    if (offset == 0.0 && p->drift == 0.0 && !lost)
        return false;
    double per_samp = offset / (cfg->rate_hz * rx_ratio); /* cycles */
    double whole = floor((double)n0 / 1048576.0) * 1048576.0;
    double cycles = fmod(per_samp * whole, 1.0) + per_samp * ((double)n0 - whole);
    if (lost) {
        cycles += (p->carrier_hz * lag.tx - rx_freq * lag.rx) / cfg->rate_hz;
        per_samp += (p->carrier_hz * lag.tx_rate - rx_freq * lag.rx_rate) / cfg->rate_hz;
    }
    rotation(f->turn, AIR_HOP, 2 * M_PI * fmod(cycles, 1.0), 2 * M_PI * per_samp);
    return true;
}

static void filter_piece(struct air_fir *f, const struct path *p, const struct fir_block *b,
                         const struct air_snap *snap, const int span[2], float *const acc[])
{
    double turned_for = -1;
    bool turn = false;
    for (unsigned ch = 0; ch < f->n_channel; ch++) {
        bool any = false;
        for (unsigned port = 0; port < AIR_MAX_PORTS; port++) {
            const float *h;
            if (!(p->ports >> port & 1) ||
                !(h = air_response_at(f->response, p->tx_radio, port, ch, snap, b->n0)))
                continue;
            multiply(f->sum, f->spectrum[port], h, any);
            any = true;
        }
        if (!any)
            continue;
        if (p->fraction != 0 || p->drift != 0)
            shift(f);
        fftwf_execute_dft(f->inverse, (fftwf_complex *)f->sum, (fftwf_complex *)f->out);
        if (p->drift != 0)
            fftwf_execute_dft(f->inverse, (fftwf_complex *)f->slope, (fftwf_complex *)f->out_slope);
        if (turned_for != b->rx_freq_hz[ch]) {
            turned_for = b->rx_freq_hz[ch];
            turn = make_turn(f, p, b->n0, turned_for);
        }
        accumulate(f, p, acc[ch], span[0], span[1], turn);
    }
}

/* Device sample of the receiver at or after a tick, relative to the block. */
static int piece_start(const struct air_fir *f, int64_t n0, int64_t tick)
{
    int64_t k = air_tick_to_samp(f->air, f->radio, tick);
    if (air_samp_to_tick(f->air, f->radio, k) < tick)
        k++;
    return k <= n0 ? 0 : k >= n0 + AIR_HOP ? AIR_HOP : (int)(k - n0);
}

static void filter(struct air_fir *f, const struct path *p, const struct fir_block *b,
                   float *const acc[])
{
    struct air_snap snap[MAX_SNAP];
    int64_t tick_a = air_samp_to_tick(f->air, f->radio, b->n0);
    int64_t tick_b = air_samp_to_tick(f->air, f->radio, b->n0 + b->n_valid);
    size_t n = air_snap_span(f->air, tick_a, tick_b, snap, MAX_SNAP);
    if (p->fraction != 0 || p->drift != 0)
        make_ramp(f, p->fraction);
    for (size_t i = 0; i < n; i++) {
        int span[2] = {piece_start(f, b->n0, snap[i].tick), b->n_valid};
        if (i + 1 < n)
            span[1] = piece_start(f, b->n0, snap[i + 1].tick);
        if (span[1] > span[0])
            filter_piece(f, p, b, &snap[i], span, acc);
    }
}

/* A room without a room process: every port reaches every channel with one real factor. */
static void add_flat(struct air_fir *f, const struct path *p, const struct fir_block *b,
                     float *const acc[])
{
    float gain = powf(10.0f, (float)air_config(f->air)->flat_gain_db / 20.0f);
    for (unsigned port = 0; port < AIR_MAX_PORTS; port++) {
        if (!(p->ports >> port & 1))
            continue;
        gather(f, p->tx_radio, port, p->q0, b->n_valid, f->out + 2 * AIR_MAX_POST);
        for (int i = 0; i < 2 * b->n_valid; i++)
            f->out[2 * AIR_MAX_POST + i] *= gain;
        for (unsigned ch = 0; ch < f->n_channel; ch++) {
            struct path mine = *p;
            mine.carrier_hz = port_carrier(f, p->tx_radio, port, p->q0, b->n_valid);
            if (fabs(mine.carrier_hz - b->rx_freq_hz[ch]) <= 1e3)
                accumulate(f, &mine, acc[ch], 0, b->n_valid,
                           make_turn(f, &mine, b->n0, b->rx_freq_hz[ch]));
        }
    }
}

/* Where the transmitter's clock stands at the middle of the block. */
static void align(const struct air_fir *f, struct path *p, int64_t n0)
{
    double tx = air_config(f->air)->radios[p->tx_radio].ppm;
    double rx = air_config(f->air)->radios[f->radio].ppm;
    bool flat = air_config(f->air)->n_sets == 0;
    p->drift = p->tx_radio == f->radio || flat ? 0.0 : 1e-6 * (tx - rx) / (1.0 + 1e-6 * rx);
    double lead = (double)(n0 + AIR_HOP / 2) * p->drift;
    struct lag lag;
    if (p->tx_radio != f->radio && !flat && drifted(f, p->tx_radio, n0, &lag)) {
        lead += lag.tx - lag.rx - lag.rx * p->drift;
        p->drift += lag.tx_rate - lag.rx_rate;
    }
    p->fraction = lead - floor(lead);
    p->q0 = n0 + (int64_t)floor(lead);
}

/* A port that sends zeros, beside others that do not. */
static bool silent(const float *x, int n)
{
    for (int i = 0; i < n; i++)
        if (x[i] != 0)
            return false;
    return true;
}

static bool hear(struct air_fir *f, struct path *p, const struct fir_block *b, bool flat)
{
    int n_in = AIR_MAX_POST + b->n_valid + AIR_MAX_PRE;
    for (unsigned port = 0; port < air_config(f->air)->radios[p->tx_radio].n_tx; port++) {
        struct air_packet probe;
        int64_t q = flat ? p->q0 : p->q0 - AIR_MAX_POST;
        int n = flat ? b->n_valid : n_in;
        if (!air_tx_spans(f->air, p->tx_radio, port, q, q + n, &probe, 1))
            continue;
        if (!flat) {
            if (!gather(f, p->tx_radio, port, q, n, f->time) || silent(f->time, 2 * n))
                continue;
            memset(f->time + 2 * n, 0, (size_t)(NF - n) * 2 * sizeof *f->time);
            if (!f->spectrum[port] && !(f->spectrum[port] = alloc_bins()))
                continue;
            fftwf_execute_dft(f->forward, (fftwf_complex *)f->time,
                              (fftwf_complex *)f->spectrum[port]);
        }
        p->ports |= 1u << port;
        p->carrier_hz = probe.carrier_hz;
    }
    return p->ports != 0;
}

bool air_fir_run(struct air_fir *f, const struct fir_block *b, float *const acc[])
{
    assert(b->n_valid > 0 && b->n_valid <= AIR_HOP);
    const struct air_cfg *cfg = air_config(f->air);
    bool flat = cfg->n_sets == 0, any = false;
    for (unsigned r = 0; r < cfg->n_radios; r++) {
        struct path p = {.tx_radio = r};
        align(f, &p, b->n0);
        if (!hear(f, &p, b, flat))
            continue;
        for (unsigned ch = 0; !any && ch < f->n_channel; ch++)
            memset(acc[ch], 0, 2 * AIR_HOP * sizeof(float));
        any = true;
        if (flat)
            add_flat(f, &p, b, acc);
        else
            filter(f, &p, b, acc);
    }
    return any;
}
