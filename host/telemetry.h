/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Telemetry: PUB, multipart `topic` / JSON header / raw little-endian arrays. Headers carry "v": 1
 * and units in their key names; keys are only ever added (docs/telemetry.md).
 *
 *   fix     one per position:  cycle, time_s, user, position_m, track_m, covariance_m2, chi2,
 * paths, ... cycle   one per cycle:     cycle, time_s, user, response, outcome, background,
 * stages_us paths   with permission:   path lengths and float32 delay profiles [3 x bins] ris one
 * per cycle:     what each board acknowledged health  twice a second:    counters of radio, RIS,
 * responses, fixes; stage times log     one per line of the log
 *   link    one per slot of data, host/link_report.h
 *
 * DSP and schedule thread hand plain structs over through a bounded queue; the thread that owns the
 * sockets formats and sends. */
#pragma once
#include "base/log.h"
#include "base/realtime.h"
#include "host/deadlines.h"
#include "host/link_report.h"
#include "host/link_stats.h"
#include "host/link_traffic.h"
#include "host/pipeline.h"
#include "host/recorder.h"
#include "host/ris_client.h"
#include "host/site_alarm.h"

struct telemetry_ris { /* of one cycle, by the schedule thread */
    int64_t index;
    uint64_t cycle;
    struct pipeline_shown shown;
    size_t n_board;
    struct ris_client_ack ack[BS_RIS];
    double wait_us;         /* from the first ARM sent to the last ACK */
    bool ok;                /* all acknowledged in time */
    uint32_t fault[BS_RIS]; /* FAULT_RIS_LATE, FAULT_RIS_UNKNOWN or 0; ack[].text says why */
};

struct telemetry_log { /* one line, see host/log_tap.h */
    enum log_level level;
    double unix_s;       /* time of day */
    uint64_t suppressed; /* lines left out before this one */
    char text[480];      /* terminated, cut */
};

enum telemetry_kind { TELEMETRY_CYCLE, TELEMETRY_RIS, TELEMETRY_LOG, TELEMETRY_LINK };

struct telemetry_item {
    enum telemetry_kind kind;
    union {
        struct cycle_report report;
        struct telemetry_ris ris;
        struct telemetry_log log;
        struct link_report link;
    };
};

/* Bounded queue of items, many producers, one consumer. */
struct telemetry_queue;
/* Setup only. lossless: put waits for room instead of dropping the oldest item. */
struct telemetry_queue *telemetry_queue_create(size_t n_item, bool lossless, struct status *err);
void telemetry_queue_destroy(struct telemetry_queue **queue);
/* RT-safe but for the wait of a lossless queue. Copies the item. */
void telemetry_queue_put(struct telemetry_queue *queue, const struct telemetry_item *item);
/* False, and nothing done, when the queue is half full: what is worth less than a report. RT-safe,
 * never waits. */
bool telemetry_queue_offer(struct telemetry_queue *queue, const struct telemetry_item *item);
/* False when empty. */
bool telemetry_queue_take(struct telemetry_queue *queue, struct telemetry_item *out);
int telemetry_queue_fd(const struct telemetry_queue *queue);  /* readable while items wait */
void telemetry_queue_clear_fd(struct telemetry_queue *queue); /* before taking all items */
void telemetry_queue_stop(struct telemetry_queue *queue);     /* put no longer waits */
uint64_t telemetry_queue_dropped(const struct telemetry_queue *queue);

struct radio_order { /* what became of gain and frequency */
    struct radio_setting in_force;
    bool pending;      /* an order waits for the next cycle, or for a radio that is away */
    char refused[160]; /* why the last one was not carried out, or "" */
};

struct health_orders { /* what commands changed */
    double paused_s;   /* until the next cycle; 0: it is running */
    int held[BS_RIS];  /* profile that a surface is held at, -1: none */
    struct {
        int id;
        size_t place;
        bool allowed;
        double rate_hz; /* asked for; 0: shares what is left */
        int priority;
        enum consent_state consent;
        bool forgotten; /* where the user is or was is not to be told, or kept, any more */
        uint64_t asked, permitted, fixes; /* cycles since the user joined */
    } user[BS_USERS_MAX];
    size_t n_user;
    struct radio_order radio;
    enum bs_identity identity;
    unsigned every;  /* periods of the schedule from one cycle to the next */
    double period_s; /* from one cycle to the next */
};

struct health_traffic { /* of the data link */
    struct link_port_counters port;
    bool carries; /* user data: port and state hold */
    struct health_link_user {
        int id;
        struct data_link_state state;
        struct link_beam beam;        /* of the last slot */
        struct link_figures down, up; /* over the last slots */
    } user[BS_USERS_MAX];
    size_t n; /* 0: nothing was sent yet */
};

/* Totals that `health` and the command `status` report. */
struct health {
    const char *state; /* "background", "running", "paused", "stopping" */
    double room_s;     /* device time of the last cycle */
    uint64_t last_cycle;
    struct pipeline_counters pipeline;
    struct radio_counters radio;
    struct ris_client_counters ris;
    struct report_stages stage_mean, stage_max;
    double latency_mean_ms, latency_max_ms;
    uint64_t cycles_skipped, blocks_dropped, telemetry_dropped, sends_failed;
    uint64_t trains_lost;     /* of pilots: the boards were not armed in time */
    uint64_t slots_late;      /* of data, and empty: the fix was not there in time */
    uint64_t clients_refused; /* by their keys */
    bool background_valid;
    struct site_status site;
    struct recorder_status recorder;
    struct deadline deadline[DEADLINE_STAGES];
    struct witness_summary witness; /* n_cpu 0: there is none */
    struct realtime_grant grant;    /* of the radio threads */
    bool memory_locked;
    struct health_orders orders;
    struct health_traffic traffic;
};

/* Formats one JSON header; return its length, or ERR_NO_SPACE. RT-safe, no allocation.
 * latency_ms: from the return of recv to now. */
int telemetry_format_fix(const struct cycle_report *r, double latency_ms, char *out, size_t size);
int telemetry_format_cycle(const struct cycle_report *r, double latency_ms, char *out, size_t size);
int telemetry_format_paths(const struct cycle_report *r, char *out, size_t size);
const char *telemetry_ris_fault(uint32_t fault); /* "ris_late", "ris_unknown", "" */
int telemetry_format_ris(const struct telemetry_ris *r, const struct bs_cfg *cfg, char *out,
                         size_t size);
int telemetry_format_log(const struct telemetry_log *log, char *out, size_t size);
int telemetry_format_health(const struct health *h, char *out, size_t size);
