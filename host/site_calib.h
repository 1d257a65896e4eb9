/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calibrations of the site while the base station runs: the radio's delay, its receive channels,
 * the empty room. Samples come from the pipeline (pipeline_site.h), results go back to it and into
 * the store, under the conditions they hold for. docs/calibration.md has the procedures.
 *
 * Threads: one runs site_calib_run; the others ask and look. */
#pragma once
#include "host/calib_store.h"
#include "host/pipeline_site.h"
#include <stdatomic.h>

enum site_source {
    SITE_LEAK,     /* the leak from transmitter to array, whose length the geometry tells */
    SITE_CABLE,    /* cables of equal, known length in place of the antennas; then */
    SITE_ANTENNAS, /* the antennas again: how the leak looks with what the cable told */
    SITE_USER,     /* the answers of a user who stands at a known place */
    SITE_SOURCES
};

enum site_phase { SITE_IDLE, SITE_RUNNING, SITE_WAITING, SITE_DONE, SITE_FAILED, SITE_PHASES };

struct site_request {
    enum calib_kind kind;
    enum site_source from;
    unsigned cycles;      /* to average, 4..1000 */
    double cable_m;       /* electrical length, > 0; SITE_CABLE */
    struct vec3 position; /* SITE_USER, of his antenna */
    int user;             /* SITE_USER: whose answers count, -1: everybody's */
};

struct site_state {
    enum site_phase phase; /* SITE_WAITING: for the antennas */
    struct site_request request;
    unsigned done;              /* cycles so far */
    struct status err;          /* SITE_FAILED */
    struct calib_record record; /* SITE_DONE: the result, without its streams */
    double antennas_m;          /* delay by cable: what the leak says more than the cable */
};

/* Conditions of what is in use now. */
struct site_health {
    struct {
        bool stored;               /* in use, from the store or just calibrated */
        double age_s;              /* since it was measured */
        double temperature_step_c; /* since then; NaN: unknown */
        char refused[160];         /* why a stored one is not in use, or "" */
    } of[CALIB_KINDS];
    double temperature_c; /* NaN: no sensor */
    bool damaged;         /* the file; see the log */
};

struct site_calib_cfg {
    struct pipeline *pipeline;
    const char *path;                     /* of the store */
    const struct bs_cfg *bs;              /* read at create only */
    const struct calib_key *key;          /* what all kinds depend on; copied */
    double (*temperature)(void *context); /* NaN: unknown; called in site_calib_run */
    void *context;
};

struct site_calib;

/* Setup only. A damaged store is reported in the log and in health, and is no error. */
struct site_calib *site_calib_create(const struct site_calib_cfg *cfg, struct status *err);
void site_calib_destroy(struct site_calib **site);

/* Before the threads start: gives the pipeline what is stored for these conditions; the log says
 * what was used and what was refused, and why. */
void site_calib_load(struct site_calib *site);

/* Any thread, after the first cycle under another gain or frequency, in which the pipeline dropped
 * what was calibrated before: from now on the store is looked at, and written to, for these. A
 * calibration that is running fails. The empty room is captured anew. */
void site_calib_radio(struct site_calib *site, const struct radio_setting *setting);

/* One other thread, RT-safe: what a sounding of the transmit channels told (dsp/tx_sounding.h), to
 * be kept under the conditions of now. own: [n_tx]. Dropped while the last one waits. */
void site_calib_transmit(struct site_calib *site, const cplxf *own, size_t n_tx, double match);

/* Background thread, until *stop. */
void site_calib_run(struct site_calib *site, const atomic_bool *stop);

/* Any thread. ERR_BUSY: one is running. ERR_STATE: out of order. ERR_ARG: says which value. */
int site_calib_request(struct site_calib *site, const struct site_request *request,
                       struct status *err) MUST_CHECK;
void site_calib_abort(struct site_calib *site);
void site_calib_state(struct site_calib *site, struct site_state *out);
void site_calib_health(struct site_calib *site, struct site_health *out);
char *site_calib_list(struct site_calib *site); /* as calib_store_summary */

const char *site_source_name(enum site_source from); /* "leak", "cable", "antennas", "user" */
const char *site_phase_name(enum site_phase phase);  /* "idle", "running", ... */

/* Estimation, for it and the tests. What one sample says of the delay and of the channels.
 * y: [n_ant] an observation of array_calib_estimate. */
struct site_observer;
struct site_observer *site_observer_create(const struct bs_cfg *bs, struct status *err);
void site_observer_destroy(struct site_observer **observer);
/* cable: [n_ant] channels that a cable told, for SITE_ANTENNAS. ERR_NO_PEAK: nothing is seen. */
int site_observe(struct site_observer *observer, const struct site_sample *sample,
                 const struct site_request *request, const cplx *cable, double *latency_s,
                 cplxf *y) MUST_CHECK;
