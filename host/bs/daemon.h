/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of miradord and its threads. main() makes the parts, starts the threads and is itself
 * the control and telemetry thread. */
#pragma once
#include "base/audit.h"
#include "base/realtime.h"
#include "base/sockets.h"
#include "base/state_dir.h"
#include "host/bs/air_link.h"
#include "host/bs/burst.h"
#include "host/bs/cycle_gate.h"
#include "host/bs/pilots.h"
#include "host/bs/pixel_news.h"
#include "host/bs/profiles.h"
#include "host/bs/roster.h"
#include "host/bs/tuning.h"
#include "host/bs/user_links.h"
#include "host/calib_worker.h"
#include "host/control.h"
#include "host/deadlines.h"
#include "host/pilot_extract.h"
#include "host/recorder.h"
#include "host/site_calib.h"
#include "host/telemetry.h"
#include <pthread.h>
#include <stdatomic.h>

struct daemon_parts {
    const struct bs_cfg *cfg;
    struct schedule schedule;
    struct roster *roster;
    struct cycle_counter counter;
    struct audit *audit;
    struct sockets *sockets;
    void *telemetry, *control;
    struct ris_client *ris;
    struct profile_set profiles[BS_RIS];
    struct radio *radio;
    struct tuning *tuning;
    struct burst *burst;
    struct pipeline *pipeline;
    struct block_pool *sensing_pool, *response_pool;
    struct pilot_profiles pilots[BS_RIS]; /* from here: only with pixels.every > 0 */
    struct block_pool *pilot_pool;
    struct pilot_extract *extract;
    struct calib_worker *calib;
    struct pixel_news *news;
    struct site_calib *site;
    struct sample_stream *stream; /* continuous capture: to the recorder; else NULL */
    struct recorder *recorder;
    char record_folder[BS_TEXT + 32];
    struct air_link *link; /* and its pools: only with link.enabled */
    struct user_links *links; /* NULL: known data only */
    struct block_pool *uplink_pool, *sounding_pool;
    struct block_queue *queue;
    struct telemetry_queue *reports;
    struct cycle_gate *gate;
    struct witness *witness; /* NULL: gated, not wanted, or not permitted */
    struct deadlines *deadlines;
};

struct daemon {
    struct daemon_parts p;
    pthread_t schedule, rx, dsp, calib, site, recorder;
    struct realtime_grant grant; /* what the radio threads were allowed */
    bool memory_locked;
    atomic_int threads_left;
    atomic_bool stop, failed;
    _Atomic int64_t paused_until_ns; /* of clock_ns(); by a command */
    atomic_uint
        every; /* periods of the schedule from cycle to cycle, by a command; 0 counts as 1 */
    _Atomic uint64_t heartbeat; /* RX counts its rounds, those in search of a lost device too */
    _Atomic uint64_t cycles_skipped, sends_failed;
    _Atomic uint64_t slots_late;  /* of data, and empty: the fix was not there in time */
    _Atomic int64_t published;    /* index of the last cycle whose report is out */
    _Atomic uint64_t trains_lost; /* of pilots: the boards were not armed in time */
    _Atomic uint64_t ris[5];      /* the client's counters, copied by its thread: arms, acks, ... */
};

/* How much longer the daemon is to pause; 0: it is to run. */
double daemon_paused_s(const struct daemon *d);

/* Periods of the schedule from one cycle to the next. */
unsigned daemon_every(const struct daemon *d);

/* daemon_parts.c. Makes everything in order; on an error *err says which and why, and what was made
 * is left for daemon_parts_free. Returns the exit code: EXIT_DONE, EXIT_FAILED or EXIT_USAGE. */
int daemon_parts_make(struct daemon_parts *p, const struct bs_cfg *cfg,
                      struct status *err) MUST_CHECK;
void daemon_parts_free(struct daemon_parts *p);

/* threads.c. Starts the threads with their scheduling; ends them. */
int daemon_threads_start(struct daemon *d, struct status *err) MUST_CHECK;
/* True when all have ended within timeout_s; a recorder that still writes has two minutes. */
bool daemon_threads_stop(struct daemon *d, double timeout_s);

void *daemon_rx(void *daemon);                                               /* thread_rx.c */
void *daemon_schedule(void *daemon);                                         /* thread_schedule.c */
void *daemon_dsp(void *daemon);                                              /* thread_dsp.c */
void *daemon_site(void *daemon);                                             /* thread_site.c */
int daemon_site_make(struct daemon_parts *p, struct status *err) MUST_CHECK; /* last of the parts */
int daemon_recorder_make(struct daemon_parts *p, struct status *err) MUST_CHECK;
void *daemon_recorder(void *daemon); /* thread_recorder.c */
void *daemon_calib(void *daemon);    /* thread_calib.c */

/* publisher.c: the control thread's loop, until a stop is requested or a thread fails. */
int daemon_serve(struct daemon *d, struct status *err) MUST_CHECK;
