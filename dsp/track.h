/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One user's tracker: iterated extended Kalman filter on (position, velocity), constant velocity,
 * white acceleration. It takes the same rows as the fix (L-space), any of which may be missing, and
 * starts from a fix. RT-safe. docs/signal-model.md, section "Tracking". */
#pragma once
#include "dsp/fix.h"
#include "dsp/state_io.h"

struct track_cfg {
    struct anchors anchors;
    double accel_q[3]; /* per axis; q^2 is the PSD of the acceleration [m^2/s^3] (0.5, 0.5, 0.05) */
    double velocity_var[3]; /* at the start [m^2/s^2]; 1.5^2, 1.5^2, 0.3^2 */
    double
        false_alarm; /* of the NIS gate: 0.001 gives 18.47 with the four rows L1..L3, h; the gate is
                        the chi^2 quantile of as many degrees of freedom as rows were innovated */
    int max_rejections; /* consecutive; then the next good fix starts afresh (3) */
    int iterations;     /* of the measurement update (3) */
    double max_gap_s;   /* longer without an accepted update: start afresh (2) */
};

enum track_event {
    TRACK_NONE,    /* no track, and no fix to start one */
    TRACK_STARTED, /* first fix, or afresh after a gap */
    TRACK_UPDATED,
    TRACK_COASTED,  /* no usable row: prediction only */
    TRACK_REJECTED, /* NIS over the gate: prediction only */
    TRACK_RESTARTED /* too many rejections: re-initialised from this fix */
};

struct track {
    bool alive;
    double time_s;     /* of the state */
    double accepted_s; /* of the last accepted update */
    double x[6];       /* p [m], v [m/s] */
    double P[6][6];
    double nis;     /* of the last update; 0 after a start */
    int nis_rows;   /* degrees of freedom of nis */
    int rejections; /* consecutive */
    unsigned used;  /* rows of the last accepted update, ROW_BIT mask */
};

/* Defaults for everything but anchors. */
void track_cfg_defaults(struct track_cfg *cfg);

void track_reset(struct track *track);

/* Advances to time_s and takes in the observations, or, if the fix is map-aided, its position,
 * which knows more than the lengths. mask chooses rows (normally fix->used, so that a path the fix
 * refused stays out; ROW_ALL takes every valid one). fix may be NULL or refused: then only a living
 * track is updated. time_s must not go backwards (ERR_ARG). Returns an enum track_event >= 0. */
#define ROW_ALL ((1u << ROW_COUNT) - 1)
int track_update(const struct track_cfg *cfg, struct track *track, double time_s,
                 const struct observation obs[ROW_COUNT], unsigned mask,
                 const struct fix *fix) MUST_CHECK;

/* Where the user is expected at time_s (the hint of fix_solve). False if there is no track. */
bool track_predict(const struct track *track, double time_s, struct vec3 *position);

/* A track as bytes and back. */
void track_state(struct track *track, struct state_io *io);
