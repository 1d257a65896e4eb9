/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/air_rx.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/air_clock.h"
#include "sim/air_fault.h"
#include "sim/air_fir.h"
#include "sim/air_front.h"
#include "sim/noise.h"

#define BOLTZMANN_T0 (1.380649e-23 * 290.0)
#define FULL_SCALE   32767.0f

struct effect { /* of the fault script on a channel, valid for [from, effect.until) */
    int64_t from;
    struct air_effect is;
};

struct air_rx {
    struct air *air;
    unsigned radio, n_channel;
    unsigned channel[AIR_MAX_PORTS];
    struct air_front *front;
    struct air_fir *fir;
    struct phase_noise oscillator;
    int64_t k_end, block;         /* block: the one held in done; -1 none */
    float *acc[AIR_MAX_PORTS];    /* [2 AIR_HOP] sqrt(W) */
    int16_t *done[AIR_MAX_PORTS]; /* [2 AIR_HOP] */
    float noise[2 * AIR_HOP], phase[AIR_HOP];
    float osc[2 * AIR_HOP]; /* exp(j phase noise) of the block */
    struct effect effect[AIR_MAX_PORTS];
};

struct air_rx *air_rx_create(const struct air_rx_cfg *cfg, struct status *err)
{
    assert(cfg->n_channel >= 1 && cfg->n_channel <= AIR_MAX_PORTS);
    struct air_rx *rx = aligned_alloc(64, (sizeof *rx + 63) / 64 * 64);
    bool good = rx != NULL;
    if (good) {
        memset(rx, 0, sizeof *rx);
        rx->air = cfg->air;
        rx->radio = cfg->radio;
        rx->n_channel = cfg->n_channel;
        rx->front = cfg->front;
        rx->block = -1;
        memcpy(rx->channel, cfg->channel, cfg->n_channel * sizeof *cfg->channel);
        rx->fir = air_fir_create(cfg->air, cfg->radio, cfg->n_channel, cfg->channel);
        good = rx->fir != NULL;
    }
    for (unsigned c = 0; good && c < cfg->n_channel; c++) {
        rx->acc[c] = aligned_alloc(64, 2 * AIR_HOP * sizeof(float));
        rx->done[c] = aligned_alloc(64, 2 * AIR_HOP * sizeof(int16_t));
        good = rx->acc[c] && rx->done[c];
    }
    if (!good) {
        *err = (struct status){.code = ERR_NO_MEMORY};
        snprintf(err->text, sizeof err->text, "no memory for a receive stream");
        air_rx_destroy(&rx);
        return NULL;
    }
    const struct air_cfg *air = air_config(cfg->air);
    const struct air_radio_cfg *radio = &air->radios[cfg->radio];
    phase_noise_init(&rx->oscillator, hash_words(air->seed, 0x70686e, cfg->radio), air->rate_hz,
                     radio->phase_noise_dbc_hz, radio->phase_noise_hz);
    return rx;
}

void air_rx_destroy(struct air_rx **rx)
{
    if (!*rx)
        return;
    air_fir_destroy(&(*rx)->fir);
    for (unsigned c = 0; c < AIR_MAX_PORTS; c++) {
        free((*rx)->acc[c]);
        free((*rx)->done[c]);
    }
    free(*rx);
    *rx = NULL;
}

void air_rx_start(struct air_rx *rx, int64_t k_start, int64_t k_end)
{
    assert(k_start >= 0 && k_end > k_start);
    rx->k_end = k_end;
    rx->block = -1;
    memset(rx->effect, 0, sizeof rx->effect);
}

static int64_t block_end(const struct air_rx *rx, int64_t block)
{
    int64_t end = (block + 1) * AIR_HOP;
    return end < rx->k_end ? end : rx->k_end;
}

int64_t air_rx_ready_tick(const struct air_rx *rx, int64_t k)
{
    return air_samp_to_tick(rx->air, rx->radio, block_end(rx, (k - 1) / AIR_HOP));
}

/* exp(j phi) to fourth order, which is exact for the milliradians of a usable oscillator. */
static void oscillator(struct air_rx *rx, int64_t n0, int n)
{
    phase_noise_run(&rx->oscillator, n0, rx->phase, (size_t)n);
    for (int i = 0; i < n; i++) {
        float p = rx->phase[i], q = p * p;
        rx->osc[2 * i] = 1.0f - q * (0.5f - q * (1.0f / 24));
        rx->osc[2 * i + 1] = p * (1.0f - q * (1.0f / 6 - q * (1.0f / 120)));
    }
}

/* acc[a..b) *= osc * (cr + j ci) */
static void mix_down(float *restrict acc, const float *restrict osc, float cr, float ci, int a,
                     int b)
{
    for (int i = a; i < b; i++) {
        float or = cr * osc[2 * i] - ci * osc[2 * i + 1];
        float oi = cr * osc[2 * i + 1] + ci * osc[2 * i];
        float re = acc[2 * i], im = acc[2 * i + 1];
        acc[2 * i] = re * or -im * oi;
        acc[2 * i + 1] = re * oi + im * or ;
    }
}

static inline float clip(float x, float limit)
{
    x = x < limit ? x : limit;
    return x > -limit ? x : -limit;
}

static void digitise(const float *restrict signal, const float *restrict noise, float sigma,
                     float limit, int16_t *restrict out, int a, int b)
{
    for (int i = 2 * a; i < 2 * b; i++)
        out[i] = (int16_t)(int32_t)rintf(clip(signal[i] + sigma * noise[i], limit));
}

static void digitise_noise(const float *restrict noise, float sigma, float limit,
                           int16_t *restrict out, int a, int b)
{
    for (int i = 2 * a; i < 2 * b; i++)
        out[i] = (int16_t)(int32_t)rintf(clip(sigma * noise[i], limit));
}

/* A direct-conversion receiver's mixer: unequal gains, phases not 90 degrees apart, an offset. */
static void spoil(const struct air_radio_cfg *radio, float turn, float *restrict acc, int a, int b)
{
    float g = powf(10.0f, (float)radio->iq_gain_db / 40),
          p = (float)(radio->iq_phase_deg * M_PI / 180);
    float qi = sinf(p) / g, qq = cosf(p) / g;
    float di = FULL_SCALE * (float)radio->dc_offset * cosf(turn);
    float dq = FULL_SCALE * (float)radio->dc_offset * sinf(turn);
    for (int i = a; i < b; i++) {
        float re = acc[2 * i], im = acc[2 * i + 1];
        acc[2 * i] = g * re + di;
        acc[2 * i + 1] = qq * im + qi * re + dq;
    }
}

static const struct air_effect *effect_at(struct air_rx *rx, unsigned c, int64_t k)
{
    struct effect *e = &rx->effect[c];
    if (k < e->from || k >= e->is.until) {
        e->is = air_fault_effect(rx->air, rx->radio, rx->channel[c], k);
        e->from = k;
    }
    return &e->is;
}

/* The channel's own gain error in dB, fixed for the life of the device. */
static double gain_error_db(const struct air_rx *rx, unsigned port)
{
    const struct air_cfg *cfg = air_config(rx->air);
    uint64_t who = ((uint64_t)rx->radio << 32) | port;
    return cfg->radios[rx->radio].gain_spread_db *
           (2.0 * hash_unit(cfg->seed ^ 0x6761696e, who, 0) - 1.0);
}

/* Thermal and converter noise per complex sample in counts. */
static double noise_counts(const struct air_cfg *cfg, const struct air_radio_cfg *radio,
                           double counts)
{
    double thermal = BOLTZMANN_T0 * cfg->rate_hz * pow(10.0, radio->noise_figure_db / 10.0);
    double adc = 0;
    if (radio->adc_bits > 0)
        adc = FULL_SCALE * FULL_SCALE * pow(10.0, -(6.02 * radio->adc_bits + 1.76) / 10.0);
    return sqrt(thermal * counts * counts + adc);
}

static void finish_channel(struct air_rx *rx, unsigned c, int64_t n0, int n, bool signal)
{
    const struct air_cfg *cfg = air_config(rx->air);
    unsigned port = rx->channel[c];
    uint64_t who = ((uint64_t)rx->radio << 32) | port;
    noise_gauss(hash_words(cfg->seed, 0x6e6f697365, who), n0, rx->noise, (size_t)n);
    const struct air_radio_cfg *radio = &cfg->radios[rx->radio];
    bool plain = radio->iq_gain_db == 0 && radio->iq_phase_deg == 0 && radio->dc_offset == 0;
    for (int a = 0, b; a < n; a = b) {
        int64_t until;
        struct front_setting set = air_front_at(rx->front, port, n0 + a, &until);
        const struct air_effect *e = effect_at(rx, c, n0 + a);
        until = e->until < until ? e->until : until;
        b = until - n0 < n ? (int)(until - n0) : n;
        bool on = signal && !e->dead &&
                  (cfg->carrier_hz <= 0 || fabs(set.freq_hz - cfg->carrier_hz) <= 1e3);
        double gain_db = set.gain_db + gain_error_db(rx, port) + e->gain_db;
        double counts = e->dead ? 0 : FULL_SCALE * pow(10.0, (gain_db + 30.0) / 20.0);
        float sigma = (float)noise_counts(cfg, radio, counts); /* counts are per sqrt(W) */
        float limit = (float)(e->limit * FULL_SCALE);
        if (on) {
            double middle = (double)(n0 - rx->effect[c].from) + 0.5 * (a + b);
            double phase = set.phase_rad + e->phase_rad + e->rad_per_samp * middle;
            mix_down(rx->acc[c], rx->osc, (float)(counts * cos(phase)),
                     (float)(counts * sin(phase)), a, b);
        }
        if (!on && !plain)
            memset(rx->acc[c] + 2 * a, 0, (size_t)(b - a) * 2 * sizeof(float));
        if (!plain)
            spoil(radio, (float)(2 * M_PI * hash_unit(cfg->seed ^ 0x6463, who, 0)), rx->acc[c], a,
                  b);
        if (on || !plain)
            digitise(rx->acc[c], rx->noise, sigma, limit, rx->done[c], a, b);
        else
            digitise_noise(rx->noise, sigma, limit, rx->done[c], a, b);
    }
}

static void compute(struct air_rx *rx, int64_t block)
{
    double freq[AIR_MAX_PORTS];
    int64_t n0 = block * AIR_HOP, until;
    int n = (int)(block_end(rx, block) - n0);
    for (unsigned c = 0; c < rx->n_channel; c++)
        freq[c] = air_front_at(rx->front, rx->channel[c], n0, &until).freq_hz;
    struct fir_block b = {.n0 = n0, .n_valid = n, .rx_freq_hz = freq};
    bool signal = air_fir_run(rx->fir, &b, rx->acc);
    if (signal)
        oscillator(rx, n0, n);
    for (unsigned c = 0; c < rx->n_channel; c++)
        finish_channel(rx, c, n0, n, signal);
    rx->block = block;
}

void air_rx_read(struct air_rx *rx, int64_t k, size_t n, int16_t *const out[])
{
    assert(k >= 0 && k + (int64_t)n <= rx->k_end);
    for (size_t done = 0; done < n;) {
        int64_t at = k + (int64_t)done, block = at / AIR_HOP;
        if (block != rx->block)
            compute(rx, block);
        size_t left = (size_t)(block_end(rx, block) - at);
        size_t run = left < n - done ? left : n - done;
        for (unsigned c = 0; c < rx->n_channel; c++)
            memcpy(out[c] + 2 * done, rx->done[c] + 2 * (at - block * AIR_HOP),
                   run * 2 * sizeof(int16_t));
        done += run;
    }
}
