/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Receiving a data slot: channel from the pilots, header, combined points, phase by the comb,
 * bytes. */
#include "dsp/data_slot_priv.h"
#include "dsp/phasor.h"
#include <math.h>
#include <string.h>

enum { SMOOTH_SIDE = 3 };             /* carriers on each side that a channel is averaged over */
static const float noise_min = 1e-9f; /* relative to the channel's power: a cable without noise */

/* Carriers of symbol `index`; the delay that runs up since the first is taken out. */
static void read_symbol(struct data_slot *s, const struct sc16 *const *x,
                        const struct slot_window *win, size_t index, cplxf *y)
{
    const struct waveform_cfg *w = &s->cfg.wave;
    const size_t behind = index * waveform_symbol_samps(w);
    struct slot_window at = *win;
    at.first += behind;
    slot_symbol(s->est, x, &at, waveform_prefix_samps(w) / 2, y);
    if (win->skew == 0)
        return;
    const double step = -waveform_spacing_hz(w) * win->skew * (double)behind / w->rate_hz;
    phasor_ramp(-0.5 * step * (double)(w->k - 1), step, w->k, s->row);
    for (size_t a = 0; a < s->cfg.n_ant; a++)
        for (size_t k = 0; k < w->k; k++)
            y[a * w->k + k] *= s->row[k];
}

static cplxf correlation(const cplxf *a, const cplxf *b, size_t n)
{
    cplx sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * conjf(b[i]);
    return (cplxf)sum;
}

static cplxf unit(cplxf z)
{
    const float size = cabsf(z);
    return size > 0 ? z / size : 1;
}

/* raw = mean of the two pilots, the second turned back to the first; noise of an antenna's carrier
 * from their difference. */
static void average_pilots(struct data_slot *s)
{
    const size_t k_all = s->cfg.wave.k, n = s->cfg.n_ant * k_all;
    const cplxf back = conjf(unit(correlation(s->y, s->raw, n)));
    for (size_t a = 0; a < s->cfg.n_ant; a++) {
        float error = 0, power = 0;
        for (size_t i = a * k_all; i < (a + 1) * k_all; i++) {
            const cplxf second = s->y[i] * back;
            error += cplxf_norm(second - s->raw[i]);
            s->raw[i] = 0.5f * (s->raw[i] + second);
            power += cplxf_norm(s->raw[i]);
        }
        s->noise[a] = fmaxf(0.5f * error, noise_min * power) / (float)k_all;
        if (!(s->noise[a] > 0))
            s->noise[a] = 1; /* not a sample but zero: no signal either */
    }
}

/* Mean over up to 2 SMOOTH_SIDE + 1 carriers about k, fewer at the band's edges. */
static cplxf around(const cplxf *h, size_t k, size_t k_all)
{
    size_t side = k < SMOOTH_SIDE ? k : SMOOTH_SIDE;
    if (k_all - 1 - k < side)
        side = k_all - 1 - k;
    cplxf sum = 0;
    for (size_t i = k - side; i <= k + side; i++)
        sum += h[i];
    return sum / (float)(2 * side + 1);
}

/* The mean delay turns the channel from carrier to carrier: taken out, averaged, put back. */
static void smooth(struct data_slot *s)
{
    const size_t k_all = s->cfg.wave.k;
    cplxf turn = 0;
    for (size_t a = 0; a < s->cfg.n_ant; a++)
        turn += correlation(s->raw + a * k_all + 1, s->raw + a * k_all, k_all - 1);
    phasor_ramp(0, -(double)cargf(turn) / (2 * PI), k_all, s->row);
    for (size_t a = 0; a < s->cfg.n_ant; a++) {
        cplxf *h = s->raw + a * k_all;
        for (size_t k = 0; k < k_all; k++)
            h[k] *= s->row[k];
        for (size_t k = 0; k < k_all; k++)
            s->h[a * k_all + k] = around(h, k, k_all) * conjf(s->row[k]);
    }
}

/* gain_k = sum over antennas |h|^2 / noise, [S1] (8). Returns its mean, less what the estimate's
 * own noise adds. */
static float combine_gains(struct data_slot *s)
{
    const size_t k_all = s->cfg.wave.k;
    const float own = (float)s->cfg.n_ant / (float)(DATA_SLOT_PILOTS * (2 * SMOOTH_SIDE + 1));
    float sum = 0;
    for (size_t k = 0; k < k_all; k++) {
        s->gain[k] = 0;
        for (size_t a = 0; a < s->cfg.n_ant; a++)
            s->gain[k] += cplxf_norm(s->h[a * k_all + k]) / s->noise[a];
        sum += s->gain[k];
    }
    return sum / (float)k_all - own;
}

static float estimate_channel(struct data_slot *s, const struct sc16 *const *x,
                              const struct slot_window *win)
{
    read_symbol(s, x, win, 0, s->raw);
    read_symbol(s, x, win, 1, s->y);
    average_pilots(s);
    smooth(s);
    return combine_gains(s);
}

static bool read_header(struct data_slot *s, const struct sc16 *const *x,
                        const struct slot_window *win, struct data_slot_header *header)
{
    uint8_t bytes[DATA_SLOT_HEADER_BYTES];
    read_symbol(s, x, win, DATA_SLOT_PILOTS, s->y);
    return frame_modem_demodulate(s->modem, s->y, s->h, bytes, NULL) == OK &&
           data_slot_open_header(bytes, header);
}

/* MRC: row_k = sum over antennas conj(h) y / noise: gain_k times what carrier k carries. */
static void combine(struct data_slot *s)
{
    const size_t k_all = s->cfg.wave.k;
    memset(s->row, 0, k_all * sizeof *s->row);
    for (size_t a = 0; a < s->cfg.n_ant; a++) {
        const float scale = 1 / s->noise[a];
        const cplxf *h = s->h + a * k_all, *y = s->y + a * k_all;
        for (size_t k = 0; k < k_all; k++)
            s->row[k] += scale * (conjf(h[k]) * y[k]);
    }
}

static void read_data(struct data_slot *s, const struct sc16 *const *x,
                      const struct slot_window *win)
{
    cplxf *next = s->points;
    for (size_t i = 0; i < s->n_data; i++) {
        s->comb[i] = 0;
        read_symbol(s, x, win, DATA_SLOT_PILOTS + 1 + i, s->y);
        combine(s);
        for (size_t k = 0; k < s->cfg.wave.k; k++) {
            if (data_slot_in_comb(k))
                s->comb[i] += s->row[k];
            else
                *next++ = s->gain[k] > 0 ? s->row[k] / s->gain[k] : 0;
        }
    }
}

/* Phase of the comb from symbol to symbol, without jumps. */
static void unwrap(struct data_slot *s)
{
    float last = 0;
    for (size_t i = 0; i < s->n_data; i++) {
        last += cargf(s->comb[i] * (cosf(last) - I * sinf(last)));
        s->phase[i] = last;
    }
}

/* Variance of the comb's phase by noise alone: 1 / (2 sum of gains). */
static float comb_variance(const struct data_slot *s)
{
    float sum = 0;
    for (size_t k = 0; k < s->cfg.wave.k; k++)
        sum += data_slot_in_comb(k) ? s->gain[k] : 0;
    return sum > 0 ? 0.5f / sum : 1;
}

struct line {
    float at_first, step;
};

/* Least squares through phase[i]. */
static struct line fit_line(const float *phase, size_t n)
{
    const double middle = 0.5 * (double)(n - 1);
    double mean = 0, tilt = 0, spread = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)phase[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        tilt += ((double)i - middle) * (double)phase[i];
        spread += ((double)i - middle) * ((double)i - middle);
    }
    const double step = spread > 0 ? tilt / spread : 0;
    return (struct line){(float)(mean - step * middle), (float)step};
}

/* Residual carrier offset is a line; phase noise about it is taken from the comb as far as it
 * stands out of the comb's own noise (Wiener's factor). */
static void follow_phase(struct data_slot *s, struct data_slot_result *out)
{
    float power = 0;
    unwrap(s);
    const struct line line = fit_line(s->phase, s->n_data);
    for (size_t i = 0; i < s->n_data; i++) {
        const float rest = s->phase[i] - line.at_first - line.step * (float)i;
        power += rest * rest / (float)s->n_data;
    }
    const float real = fmaxf(0, power - comb_variance(s)), share = power > 0 ? real / power : 0;
    for (size_t i = 0; i < s->n_data; i++) {
        const float expected = line.at_first + line.step * (float)i;
        s->phase[i] = expected + share * (s->phase[i] - expected);
    }
    const double symbol_s = (double)waveform_symbol_samps(&s->cfg.wave) / s->cfg.wave.rate_hz;
    out->cfo_hz = (float)((double)line.step / (2 * PI * symbol_s));
    out->phase_rad = sqrtf(real);
}

static void turn_back(struct data_slot *s)
{
    for (size_t i = 0; i < s->n_data; i++) {
        const cplxf back = cosf(s->phase[i]) - I * sinf(s->phase[i]);
        for (size_t k = 0; k < s->n_carried; k++)
            s->points[i * s->n_carried + k] *= back;
    }
}

static void weigh(struct data_slot *s)
{
    float best = 0;
    for (size_t k = 0; k < s->cfg.wave.k; k++)
        best = fmaxf(best, s->gain[k]);
    float *next = s->weight;
    for (size_t i = 0; i < s->n_data; i++)
        for (size_t k = 0; k < s->cfg.wave.k; k++)
            if (!data_slot_in_comb(k))
                *next++ = best > 0 ? s->gain[k] / best : 0;
}

static size_t differing_bits(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (size_t)__builtin_popcount(a[i] ^ b[i]);
    return count;
}

static void count_errors(struct data_slot *s, int rc, const uint8_t *payload,
                         struct data_slot_result *out)
{
    const unsigned mcs = out->header.mcs;
    const uint8_t *sent = payload;
    if (out->header.known) {
        data_slot_known(s, mcs, s->expected);
        out->bit_errors = differing_bits(s->expected, payload, data_slot_bytes(s, mcs));
        sent = s->expected;
    } else if (rc != OK) {
        return;
    }
    out->raw_bits = data_code_air_bits(s->code[mcs]);
    out->raw_errors = data_code_errors(s->code[mcs], sent);
}

static float db(float ratio)
{
    return 10 * log10f(fmaxf(ratio, 1e-12f));
}

static int read_payload(struct data_slot *s, const struct sc16 *const *x,
                        const struct slot_window *win, uint8_t *payload,
                        struct data_slot_result *out)
{
    float evm;
    read_data(s, x, win);
    follow_phase(s, out);
    turn_back(s);
    weigh(s);
    int rc = data_code_decode(s->code[out->header.mcs], s->points, s->weight, payload, &evm);
    out->evm_db = db(evm);
    count_errors(s, rc, payload, out);
    return rc;
}

int data_slot_decode(struct data_slot *s, const struct sc16 *const *x,
                     const struct slot_window *win, uint8_t *payload, struct data_slot_result *out)
{
    *out = (struct data_slot_result){.snr_db = db(estimate_channel(s, x, win))};
    if (!read_header(s, x, win, &out->header))
        return ERR_NOT_FOUND;
    return read_payload(s, x, win, payload, out);
}

int data_slot_decode_as(struct data_slot *s, const struct sc16 *const *x,
                        const struct slot_window *win, const struct data_slot_header *header,
                        uint8_t *payload, struct data_slot_result *out)
{
    *out = (struct data_slot_result){.header = *header, .snr_db = db(estimate_channel(s, x, win))};
    return read_payload(s, x, win, payload, out);
}
