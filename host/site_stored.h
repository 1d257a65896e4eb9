/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside of the site's calibration (site_calib.h): what its two files share. site_calib.c runs
 * requests and makes results, site_stored.c keeps results and takes them out again. */
#pragma once
#include "host/site_calib.h"
#include <pthread.h>

enum { SITE_CYCLES_MAX = 1000 };

_Static_assert((int)SITE_STREAMS <= (int)CALIB_STREAMS, "a record holds a whole background");

struct site_calib {
    struct pipeline *pipeline;
    struct site_observer *observer;
    size_t n_ant, n_carrier;
    double background_max_age_s;
    char board[BS_RIS][CALIB_KEY_NAME];
    struct calib_key key;
    double (*temperature)(void *context);
    void *context;
    struct calib_store *store; /* the background thread's, once it runs */

    pthread_mutex_t lock; /* of what follows, and held for moments only: the publisher asks too */
    char *summary;        /* of the store */
    bool storing;         /* the store is being written, without the lock */
    bool reload;          /* the conditions are others than those of what is in use */
    unsigned generation;  /* of the request */
    struct site_state state;
    struct site_health health;
    double measured_unix_s[CALIB_KINDS], measured_c[CALIB_KINDS];

    struct {
        atomic_bool full; /* the DSP thread fills, the background thread empties */
        cplxf own[STREAM_MAX_ANT];
        size_t n;
        double match;
    } transmit;

    /* of the running calibration, the background thread's */
    cplxf y[SITE_CYCLES_MAX * STREAM_MAX_ANT];
    double latency_s[SITE_CYCLES_MAX], seen_s;
    double heard_s, temperature_due_s;
    bool cable_known[CALIB_KINDS];
    double cable_latency_s, cable_spread_m;
    cplx cable[STREAM_MAX_ANT];
};

/* All with the lock held. */

/* The common conditions, and for a background the profiles that its n streams were taken with. */
struct calib_key site_stored_key(const struct site_calib *s, const struct site_stream *stream,
                                 size_t n);
/* From now on r is what the base station uses of its kind. */
void site_stored_in_use(struct site_calib *s, const struct calib_record *r);
/* Writes the file, for which the lock is let go. */
int site_stored_put(struct site_calib *s, const struct calib_record *r,
                    struct status *err) MUST_CHECK;
/* Gives the running pipeline what is stored for conditions that are new. */
void site_stored_reload(struct site_calib *s);
