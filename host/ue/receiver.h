/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's ear: finds the base station's burst without a common clock and follows it. Cold, it
 * looks into short windows, nearer to each other than a burst is long; a plateau in one of them
 * places a single long capture in the next cycle, which holds the burst's end for certain. From
 * then on only the burst's tail and its frames are captured, where the last cycle says they come.
 * Every sample that is not captured costs nothing, on the air or in the simulated room. Where the
 * frames come without a burst (code_reps 0) one capture of a whole cycle takes the search's place.
 */
#pragma once
#include "dsp/modem.h"
#include "dsp/waveform.h"
#include "frames/sensing_frame.h"
#include "frames/sync_frame.h"
#include "host/radio.h"

struct receiver_cfg {
    struct waveform_cfg waveform;
    enum modem_scheme scheme; /* of the sensing frame */
    double carrier_hz;
    double period_s;     /* nominal cycle period */
    double lead_s;       /* a capture is requested at least this much ahead */
    unsigned lost_after; /* cycles without a burst until the search starts again, >= 1 */
};

/* A burst and what came behind it. Times are ticks of the user's own clock. */
struct heard_burst {
    int64_t tick;       /* whole part and ... */
    double start_samps; /* ... offset of the burst's first sample, as received */
    uint64_t n_cycle;   /* nominal periods since the burst before; 0 for the first */
    double cfo_hz;      /* base station minus user */
    double skew;        /* the same relative to the carrier: of the sample clocks too */
    float snr_db, evm_db;
    bool frame_seen; /* the 40-bit frame could be demodulated */
    uint8_t sensing[SENSING_FRAME_BYTES];
    bool sync_seen; /* something was sent in the sync frame's symbol */
    uint8_t sync[SYNC_FRAME_BYTES];
};

enum receiver_state { RECEIVER_SEARCH, RECEIVER_LOCATE, RECEIVER_TRACK };

struct receiver_counters {
    uint64_t windows; /* looked into while searching */
    uint64_t bursts;  /* found */
    uint64_t missed;  /* not found where one was due */
    uint64_t lost;    /* times the search had to start again */
    uint64_t damaged; /* captures with gaps, thrown away */
    uint64_t late;    /* captures that could not be requested in time */
};

struct receiver;

/* Setup only. radio is borrowed and outlives the receiver. NULL: says why in *err. */
struct receiver *receiver_create(const struct receiver_cfg *cfg, struct radio *radio,
                                 struct status *err) MUST_CHECK;
void receiver_destroy(struct receiver **receiver);

/* Captures one window and looks at it; blocks in the radio until it is there, never anywhere else.
 * Allocates nothing. Returns 0 and the burst, ERR_NOT_FOUND (nothing this time: call again),
 * ERR_TIMEOUT (the radio gave no samples) or ERR_RADIO. */
int receiver_step(struct receiver *receiver, struct heard_burst *burst) MUST_CHECK;

/* Begins to search anew: the radio was away, or its time has jumped. */
void receiver_restart(struct receiver *receiver);

enum receiver_state receiver_state(const struct receiver *receiver);
const char *receiver_state_name(enum receiver_state state); /* "search", "locate", "track" */
struct receiver_counters receiver_counters(const struct receiver *receiver);
