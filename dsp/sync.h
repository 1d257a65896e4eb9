/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Acquisition of a burst by a receiver that shares no clock with the sender. A burst repeats with
 * period N, so the autocorrelation at lag N shows a plateau as long as the burst whatever the
 * channel; its phase is the carrier offset (unambiguous within +-fs/2N). The sequence then gives
 * the timing modulo N, and the first and the last period that match it give the burst's ends. */
#pragma once
#include "dsp/waveform.h"
#include <stdbool.h>

struct sync_burst {
    bool start_seen, end_seen; /* the window holds the burst's first, last sample */
    double start_samps;  /* first sample of the burst, of the part seen if !start_seen: index in the
                          * window with fraction, of the strongest path */
    double end_samps;    /* one past the last sample: where the pilot's prefix starts */
    double cfo_hz;       /* sender minus receiver, refined over all periods seen */
    double cfo_sigma_hz; /* its standard deviation, from the scatter of the phases */
    float plateau;       /* |autocorrelation| / energy on the plateau, 0..1 */
    float snr_db;        /* per sample, from the plateau: p / (1 - p) */
    float rms;           /* of the burst, full scale 1 */
};

struct sync;

/* Setup only. max_samps: longest window ever searched. NULL if out of range (says why in *err). */
struct sync *sync_create(const struct waveform_cfg *cfg, size_t max_samps, struct status *err);
void sync_destroy(struct sync **sync);

/* RT-safe; 2 ns a sample. x: [n] one antenna, n >= 4 N. Looks for the longest plateau of at least
 * three periods. ERR_NOT_FOUND: none above 0.3. */
int sync_search(struct sync *sync, const struct sc16 *x, size_t n,
                struct sync_burst *out) MUST_CHECK;

/* The same where the end is expected at end_samps, give or take less than half a period: surfaces
 * that light the receiver change its channel from slot to slot, and may hide the last one. */
int sync_follow(struct sync *sync, const struct sc16 *x, size_t n, double end_samps,
                struct sync_burst *out) MUST_CHECK;

/* RT-safe; N multiplications a sample: for receivers of a narrow band. A frame without a burst
 * before it: the pilot symbol that matches best, its carrier offset from prefixes (its own and that
 * of the symbol behind). No search over offsets: sender and receiver must agree to a tenth of a
 * carrier's spacing (a common reference). snr_db: of the strongest path over all else. start_samps
 * = end_samps: where the pilot's prefix starts. ERR_NOT_FOUND: no pilot whose energy matches to
 * PLATEAU_MIN (0.3), with room for its prefix. */
int sync_pilot(struct sync *sync, const struct sc16 *x, size_t n,
               struct sync_burst *out) MUST_CHECK;

/* RT-safe. Plateau alone: |autocorrelation at lag N| / energy over x [n], n > N; *cfo_hz may be
 * NULL. 0.5 ns a sample: for the search in short windows. */
float sync_plateau(const struct sync *sync, const struct sc16 *x, size_t n, double *cfo_hz);
