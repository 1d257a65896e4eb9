/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Code separation. The two RISs flip their profile's sign from slot to slot by the palindromic
 * codes below; W_h = mean over slots of code_h H holds only what came by that way ([S1] III-D with
 * our code plan). Zero first moment: Doppler and linear drift leak at most -52 dB at 60 Hz.
 *
 * Own burst: every slot is normalised by the leak's tap, which removes the phase noise common to
 * all channels, the LO phase and gain of each channel, and the radio's unknown TX-RX latency. Then
 * the leak has amplitude 1 and delay |TX-RX_j|, so that all delays are path lengths from
 * transmitter to receiver, and antenna phases are those of a calibrated array, up to what clutter
 * adds to the leak's tap: a correction per antenna (stream_correct) takes that off.
 * The tap is taken by a window that is deaf to echoes 0.8 to 16 chips (c / (K spacing)) later: what
 * moves in the room does not leak into the reference.
 *
 * Response (no leak): the strongest tap of the static stream is the reference; delays count from it
 * and antenna phases are left as received. */
#pragma once
#include "dsp/cplx.h"
#include "dsp/state_io.h"
#include "frames/status.h"
#include <stdbool.h>
#include <stddef.h>

#define STREAM_MAX_ANT   8
#define STREAM_MAX_SLOTS 512
#define STREAM_CODE_LEN  8

enum stream_name { STREAM_STATIC, STREAM_RIS1, STREAM_RIS2, STREAM_CROSS, STREAM_COUNT };

/* +1 or -1; slot counts from the start of the burst. */
int stream_code(enum stream_name h, size_t slot);

struct stream_cfg {
    size_t n_ant;                  /* 1..STREAM_MAX_ANT */
    size_t n_carrier;              /* K, 3..8191 */
    double spacing_hz;             /* fs / N */
    double carrier_hz;             /* f_c, for the leak's phase from antenna to antenna */
    double leak_m[STREAM_MAX_ANT]; /* |TX-RX_j| >= 0 */
};

/* What the reference tap showed in one burst. */
struct stream_ref {
    double delay_s;            /* leak: the radio's latency D (the leak arrives at D + |TX-RX_j|/c);
                                * response: arrival of the reference tap */
    double seen_s;             /* the same as a single arrival shows it, clutter included */
    cplxf tap[STREAM_MAX_ANT]; /* mean over slots, per antenna: gain and LO phase of the channel */
    float wander_rad;          /* rms of the phase from slot to slot that was removed */
    float peak_db;             /* reference tap over the median of the delay profile */
};

/* RT-safe. Separation alone: w[h][i] = mean over slots s of code_h(s) gain[s] h[s][i]. h: [n_slots
 * x len], gain: [n_slots] or NULL for ones, w: [STREAM_COUNT x len]; n_slots a multiple of 8. */
void stream_mix(const cplxf *h, size_t n_slots, size_t len, const cplxf *gain, cplxf *w);

struct stream;

/* Setup only. NULL if cfg is out of range (says why in *err, may be NULL). */
struct stream *stream_create(const struct stream_cfg *cfg, struct status *err);
void stream_destroy(struct stream **st);

/* The zero of all delays: the radio's latency, and where the leak was seen when it was found. */
struct stream_lock {
    double latency_s, seen_s;
};

/* Forget the leak's delay: the next burst finds it again. For a radio that was tuned or restarted.
 */
void stream_reset(struct stream *st);
/* RT-safe. Hold this zero, which a calibration measured, instead of finding one. */
void stream_lock(struct stream *st, const struct stream_lock *lock);
/* RT-safe. False: no zero is held yet. */
bool stream_locked(const struct stream *st, struct stream_lock *lock);

/* RT-safe. From the next burst on multiply antenna j of all streams of the own burst with
 * correction[j] (NULL: all ones). The leak's tap follows LO phases and gains by itself, so a
 * correction outlives retuning. A background taken before is void. */
void stream_correct(struct stream *st, const cplxf *correction);

/* RT-safe. The zero that is held and the correction. */
void stream_state(struct stream *st, struct state_io *io);

/* RT-safe; lab: budget 1 ms, but 100 ms in the burst in which the delay is searched. h: [n_slots x
 * n_ant x K], n_slots a multiple of 8. w: [STREAM_COUNT x n_ant x K]. The leak's delay is found in
 * the first burst (the strongest arrival of the mean over slots, told from the clutter behind it:
 * first_path.h) and held, so that a background stays valid. ERR_NO_PEAK: nothing stands 20 dB out
 * of the profile, so there is no leak to refer to. ERR_STATE: the leak is no longer where it was
 * (moved by more than 0.25 / (K spacing)): stream_reset, and the background is void. */
int stream_separate(struct stream *st, const cplxf *h, size_t n_slots, cplxf *w,
                    struct stream_ref *ref) MUST_CHECK;

/* RT-safe. The same of one response [n_ant x K] while the surfaces stand still: only w's static
 * stream, the others are 0. It is divided by `tap` [n_ant], the ref->tap of an earlier burst, or by
 * its own where that is NULL: in a band so narrow that echoes lie in the leak's own chip a tap of
 * each burst would divide them out. Phases and gains must be steady meanwhile. */
int stream_whole(struct stream *st, const cplxf *h, const cplxf *tap, cplxf *w,
                 struct stream_ref *ref) MUST_CHECK;

/* RT-safe. The same for a received response (carrier and clock offset already removed by
 * slot_estimate). ERR_NO_PEAK: no arrival stands 12 dB out. */
int stream_separate_response(struct stream *st, const cplxf *h, size_t n_slots, cplxf *w,
                             struct stream_ref *ref) MUST_CHECK;
