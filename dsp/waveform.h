/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sensing waveform and the OFDM symbols behind it.
 * A period of N samples carries x_n = exp(-j pi u n (n+1) / K) on the K carriers (k-(K-1)/2) fs/N,
 * k = 0..K-1, DC included. A slot is one period as cyclic prefix and `periods` periods; as the
 * prefix is a whole period a burst of slots is one long periodic signal. A symbol is N/8 samples of
 * prefix and N samples. Data symbols are spread: carrier k carries x_k s[k mod n]; without the
 * factor x_k the repetition would turn the symbol into a pulse train 19 dB over its mean power. */
#pragma once
#include "dsp/cplx.h"
#include "frames/status.h"
#include <stddef.h>

struct waveform_cfg {
    size_t n;              /* N, samples of a period: multiple of 16, 32..8192 */
    size_t k;              /* K, carriers: odd, 3..N-1 */
    unsigned root;         /* u, 1..K-1, coprime to K */
    size_t periods;        /* averaged per slot, 1..64 */
    size_t slots_per_code; /* slots of one code word: 8 */
    size_t code_reps;      /* repetitions of the code words in a sensing burst, 0..64; 0: the burst
                            * is the frame alone */
    double rate_hz;        /* fs > 0 */
    double rms;            /* amplitude of slot and pilot, full scale 1: (0, 0.5] */
};

/* Profile lab: 100 MS/s, N 1024, K 811, u 310, 8 periods, 8 x 8 slots, rms 0.25. */
struct waveform_cfg waveform_lab(void);

static inline size_t waveform_slot_samps(const struct waveform_cfg *c)
{
    return (1 + c->periods) * c->n;
}

static inline size_t waveform_burst_slots(const struct waveform_cfg *c)
{
    return c->slots_per_code * c->code_reps;
}

static inline size_t waveform_prefix_samps(const struct waveform_cfg *c)
{
    return c->n / 8;
}

static inline size_t waveform_symbol_samps(const struct waveform_cfg *c)
{
    return c->n + c->n / 8;
}

static inline double waveform_spacing_hz(const struct waveform_cfg *c)
{
    return c->rate_hz / (double)c->n;
}

/* Setup only. OK, or ERR_ARG with the offending value in *err (may be NULL). */
int waveform_check(const struct waveform_cfg *cfg, struct status *err) MUST_CHECK;

/* x [K], unit modulus, phase exact to float rounding. Setup only (slow). */
void waveform_sequence(const struct waveform_cfg *cfg, cplxf *x);

/* The FFT bin (0..N-1) that holds carrier k. */
static inline size_t waveform_bin(const struct waveform_cfg *c, size_t k)
{
    return (k + c->n - (c->k - 1) / 2) % c->n;
}

struct waveform;

/* Setup only. NULL if cfg is out of range (says why in *err, may be NULL). */
struct waveform *waveform_create(const struct waveform_cfg *cfg, struct status *err);
void waveform_destroy(struct waveform **wf);

/* RT-safe. One period [N] of rms amplitude cfg.rms; slots are this period repeated. */
const cplxf *waveform_period(const struct waveform *wf);

/* RT-safe. n_slots slots [n_slots x waveform_slot_samps]. */
void waveform_slots(const struct waveform *wf, size_t n_slots, struct sc16 *out);

/* RT-safe. One symbol [waveform_symbol_samps] from the n symbols s (mean power 1), spread over all
 * carriers; s = {1}, n = 1 is the pilot. Returns the number of clipped samples (0 for every frame
 * of ours at the default amplitude). */
size_t waveform_symbol(struct waveform *wf, const cplxf *s, size_t n, struct sc16 *out);

/* RT-safe. Float to sc16, full scale 1 -> 32767, rounding, saturating. Returns clipped samples. */
size_t waveform_to_sc16(const cplxf *in, size_t n, struct sc16 *out);
