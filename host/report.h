/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a cycle came to: plain data that the DSP thread fills and the telemetry publishes. */
#pragma once
#include "dsp/fix.h"
#include "dsp/stream.h"
#include "dsp/track.h"
#include "frames/response_frame.h"
#include "host/block_pool.h"
#include "host/consent.h"

/* What became of the answer that the cycle asked for. */
enum response_verdict {
    RESPONSE_PERMITTED,
    RESPONSE_NO_PERMIT, /* genuine, but the user does not want to be located */
    RESPONSE_SILENT,    /* no burst in the window */
    RESPONSE_DAMAGED,   /* a burst whose frame does not pass its check (format, CRC) */
    RESPONSE_REFUSED,   /* wrong key, wrong cycle, forged or replayed */
    RESPONSE_LOST,      /* our own capture failed */
    RESPONSE_WITHHELD,  /* permitted, but we were told not to locate this user */
    RESPONSE_VERDICTS
};

/* Why there is no position though there was permission; FIX_DONE: there is one. */
enum fix_outcome {
    FIX_DONE,
    FIX_NOT_ASKED, /* no permission, so nothing was computed */
    FIX_CAPTURE,   /* empty-room capture is running */
    FIX_RADIO,     /* the radio faltered, or the leak was not where it should be: see faults */
    FIX_RIS,       /* a board did not acknowledge its sequence in time: see faults */
    FIX_SETTLING,  /* no background, and the adaptive one has not settled */
    FIX_REFUSED,   /* report.fix.verdict says why */
    FIX_OUTCOMES
};

enum report_path_name {
    PATH_L1,
    PATH_L2,
    PATH_L3, /* sensing: echo, over RIS1, over RIS2 */
    PATH_A1,
    PATH_A2,
    PATH_A3, /* the same ways of the user's own signal, clock offset included */
    PATH_COUNT
};

struct report_path {
    bool found;    /* a peak stood out in the gate */
    bool used;     /* by the fix */
    bool adaptive; /* high-passed instead of background-subtracted */
    bool weak;     /* the profile is dark where the user is: trusted less */
    double length_m, sigma_m, snr_db, peak_db;
    double bias_m;       /* of the profile's phase centre, */
    double walls_m;      /* what the known walls add in the mean; length_m still has both in it.
                          * NAN: no map, or nothing was computed from the lengths */
    double sigma_used_m; /* bound, site and walls together; NAN: no length was weighed */
};

enum { REPORT_PROFILE_BINS = 256, REPORT_STREAMS = 3 };

struct report_stages { /* [us], CLOCK_MONOTONIC */
    double sensing_us; /* the sensing block, while the response is on its way */
    double sync_us, response_us, fix_us;
    double total_us; /* from the return of recv with the response to the finished report */
};

/* What the zero of all lengths is. */
enum zero_state {
    ZERO_LEAK,         /* the leak of this start */
    ZERO_STORED,       /* a stored calibration, which the leak confirms */
    ZERO_CONTRADICTED, /* the leak of this start, as the stored calibration does not fit it */
    ZERO_STATES
};

/* What is known of the empty room. */
enum room_state {
    ROOM_UNKNOWN, /* no background */
    ROOM_GOOD,
    ROOM_DRIFTED, /* it creeps away from its background: a new one is taken when nobody is there */
    ROOM_CHANGED, /* by more than drift does: somebody stands there, or something was moved */
    ROOM_STATES
};

struct report_site {
    enum zero_state zero;
    double latency_s;     /* of the radio, by that zero */
    double delay_drift_m; /* of the leak since it was calibrated or found */
    enum room_state room;
    double room_drift_db;  /* of the largest change over the noise; 0: not looked at yet */
    double room_age_s;     /* of the background */
    double steering_match; /* of the user's direct signal, 0..1; 0: no fix, or one antenna */
    cplxf channel[STREAM_MAX_ANT]; /* response of each receive channel, times its leak's phase */
};

struct cycle_report {
    struct cycle_plan plan;
    double time_s; /* device time the fix is valid for */
    int user_id;
    enum response_verdict response;
    enum consent_state consent; /* of the user after this cycle: data only if it may be sent them */
    bool forgotten;             /* where the user is or was is not to be told, or kept, any more */
    int response_code;          /* enum status_code behind a refusal */
    bool answered; /* a frame was read, these bytes; what it says only with permission */
    uint8_t answer_bytes[RESPONSE_FRAME_BYTES];
    struct response answer;
    enum fix_outcome outcome;
    bool echoes;   /* count in the fix; else it is of the user's own signal alone */
    bool steering; /* paths told apart by where they come from, in one stream */
    struct report_path path[PATH_COUNT];
    double height_m, height_sigma_m;
    double turnaround_ns; /* as the user reports it */
    double response_snr_db, response_cfo_hz, response_evm_db;
    double response_start; /* device tick at which the answer began, with its fraction */
    struct fix fix;
    struct ellipse ellipse;
    struct track track;
    enum track_event track_event;
    double leak_wander_rad, leak_peak_db;
    bool background_valid, background_running;
    uint32_t faults;     /* enum cycle_fault: any bit that is not excused, and the cycle
                          * gives nothing */
    int64_t received_ns; /* when the response's last sample was there */
    struct report_site site;
    struct report_stages stages;
    float profile[REPORT_STREAMS][REPORT_PROFILE_BINS]; /* delay profiles, only with permission */
    float profile_step_m; /* path length of one bin; bin 0 is length 0 */
};

/* A fault that was not excused: the cycle gives nothing. */
static inline bool report_blocked(const struct cycle_report *r)
{
    return (r->faults & ~r->plan.excused) != 0;
}

const char *response_verdict_name(enum response_verdict v); /* "permitted" ... */
const char *fix_outcome_name(enum fix_outcome o);           /* "done" ... */
const char *report_path_name(enum report_path_name p);      /* "L1" ... */
const char *zero_state_name(enum zero_state z);             /* "leak" ... */
const char *room_state_name(enum room_state r);             /* "unknown" ... */
