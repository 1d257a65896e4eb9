/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of the pipeline share. Not for users of pipeline.h. */
#pragma once
#include "dsp/background.h"
#include "dsp/delay_angle.h"
#include "dsp/frame_rx.h"
#include "dsp/leak_watch.h"
#include "dsp/map_fix.h"
#include "dsp/path_id.h"
#include "dsp/ris_model.h"
#include "dsp/slot.h"
#include "dsp/stream.h"
#include "dsp/sync.h"
#include "dsp/toa.h"
#include "dsp/wall_shift.h"
#include "host/clock.h"
#include "host/consent.h"
#include "host/pipeline.h"
#include "host/pipeline_site.h"
#include "host/pipeline_state.h"
#include <semaphore.h>
#include <stdatomic.h>

/* Streams that carry a path of ours, in the order of PATH_L1.. and PATH_A1... */
enum { N_STREAM = 3 };
#define PIPELINE_REST_DB 13.0 /* a path over a surface over the stream of no surface; */
#define PIPELINE_DARK_DB 28.0 /* of an answer, where no echo by that surface shows */
#define PIPELINE_QUIET_S 10.0 /* nobody may have answered for so long before a capture */

struct capture {         /* of the empty room */
    atomic_int request;  /* cycles asked for, -1: none pending; written by any thread */
    atomic_bool running; /* written by the DSP thread */
    unsigned wanted;     /* cycles of each profile */
    unsigned taken[PROFILES_MAX];
    unsigned turn;     /* of the schedule thread: the profile to show next */
    cplxf *kept;       /* [N_STREAM x n_rx x K] of this cycle, until it proves untouched */
    bool keeping;      /* they are there */
    bool captured;     /* there is one */
    double finished_s; /* device time of the last good one */
};
struct site { /* pipeline_site.c */
    atomic_bool wanted, capture_full, update_full;
    atomic_uint given, taken; /* samples */
    sem_t news;
    struct site_sample sample[SITE_SAMPLES];
    struct site_capture capture;
    struct site_update update;

    struct site_sample *keeping; /* of this cycle, until it ends without a fault */
    cplxf tap[STREAM_MAX_ANT];   /* of the leak in this cycle */
    cplxf direct[STREAM_MAX_ANT], correction[STREAM_MAX_ANT];
    bool direct_valid;
    bool zero_stored, zero_confirmed, zero_refused;

    enum room_state room, seeing;
    unsigned cycles, looks;
    double drift, try_again_s;
    double age_at_start_s; /* of a stored background, until the device's time is known */
    bool aged;
};

struct steering { /* pipeline_steering.c */
    struct delay_angle *fit;
    struct path_id_array array;
    cplx *snap; /* [K x n_rx] */
    struct delay_angle_model model;
    struct delay_angle_fit paths; /* of this cycle, if */
    bool found;
    struct path_id_path path[PATH_ID_NAMES]; /* their antennas; unless named by the fit */
};

struct sounding { /* pipeline_frame.c */
    struct frame_modem *modem;
    cplxf *symbol; /* [MODEM_SYMBOLS_MAX] of this cycle's frame */
    bool held;     /* since the radio was tuned: */
    size_t lag;    /* samples from the block's begin to the frame's pilot, by way of the leak; */
    cplxf tap[STREAM_MAX_ANT]; /* of the leak */
};

/* pipeline_round.c: what of the way out and back is the devices' delay, by so many answers. */
struct round_trip {
    double delay_m;
    unsigned n, denied; /* denied: contradictions in a row */
    uint32_t tuning;    /* of the base station's radio, when it was learned */
};

/* Of permitted_ns: where the user is or was may not be told, until they permit again. */
#define PIPELINE_FORGOTTEN INT64_MIN

struct pipeline_user {
    int id;           /* of who has the place or had it last; -1: nobody has had it yet */
    atomic_int wants; /* it from the next cycle on */
    struct secure_expectation expect;
    struct track track;
    unsigned agreed; /* answers whose echoes were where its own signal allows, since some were not;
                      * at most as many as make them its own */
    struct round_trip round;
    double agreed_s;              /* time of the last of them */
    atomic_uchar consent;         /* enum consent_state; written by the DSP thread */
    _Atomic int64_t permitted_ns; /* device time of the last cycle with permission, or
                                   * PIPELINE_FORGOTTEN */
    atomic_bool answered;         /* the last time it was asked */
    atomic_uint revisit;          /* periods of the schedule from cycle to cycle of this user */
    _Atomic uint64_t asked, permitted, fixes;
    atomic_bool withheld;         /* not to be located, whatever it permits; */
    atomic_bool revoked;          /* ordered so, and no cycle has heeded that yet */
    atomic_uchar profile[BS_RIS]; /* to show the next time it is asked */
};

struct pipeline {
    struct bs_cfg cfg;
    struct schedule schedule;
    struct waveform_cfg wave;
    const struct secure_keys *keys;
    pipeline_check *check; /* of answers; NULL: by the keys */
    void *check_context;
    struct fix_cfg fix;
    struct track_cfg track;
    struct toa_gate gate[N_STREAM];      /* L1..L3 */
    struct toa_gate coop_gate[N_STREAM]; /* A1..A3, relative to the strongest arrival */

    struct slot_est *slots;
    struct stream *streams;
    struct background *background;
    struct toa_est *toa;
    struct sync *sync;
    struct frame_rx *frame;
    struct frame_modem *modem;
    struct wall_map wall_map;           /* of the room, with the next */
    struct map_fix *map;                /* NULL: not wanted */
    struct wall_error *walls;           /* likewise; */
    struct wall_light *light[BS_RIS];   /* likewise */
    struct wall_shift shift[ROW_COUNT]; /* of the present cycle's lengths, where the user may be */
    struct ris_model *model[BS_RIS];
    size_t n_profile;        /* of each board */
    atomic_int held[BS_RIS]; /* profile to show, -1: as ris.mode says */
    cplx *gamma[BS_RIS];     /* [n_profile x elements] as a stream of coded sensing sees them, */
    cplx *commanded[BS_RIS]; /* with the broken pixels that are known, and without any */
    cplxf *factor[BS_RIS];   /* [elements] that make the former of the latter */
    uint64_t hash[BS_RIS][PROFILES_MAX];

    cplxf *h;                    /* [burst slots x n_rx x K] */
    cplxf *w;                    /* [STREAM_COUNT x n_rx x K], sensing, background removed */
    cplxf *v;                    /* [STREAM_COUNT x n_rx x K], response */
    struct toa toa_of[N_STREAM]; /* of the sensing streams */

    struct pipeline_user user[BS_USERS_MAX];
    struct capture capture;
    struct steering steering;
    struct sounding sounding;
    unsigned doubt;      /* answers until echoes count again */
    bool others;         /* were served too, at the last answer */
    bool explained;      /* the user's own signal gives no place in this cycle, the echoes do */
    atomic_int identity; /* of cycles to be planned */
    bool steer_coded;    /* of bursts with codes too */
    struct leak_watch leak;
    uint32_t tuning; /* of the radio, when all this was learned */
    struct site site;
    struct pipeline_input taken; /* by the present cycle */
    double round_m;           /* of the present cycle, the devices' delay in it; NAN: not known */
    double answered_s;        /* device time of the last genuine or damaged answer */
    _Atomic int64_t ahead_ns; /* device time at clock_ns() 0, by the present cycle */
    struct cycle_report pending; /* the sensing half, until the response is there */

    _Atomic uint64_t cycles, fixes, refused, captures, captures_refused;
    _Atomic uint64_t response[RESPONSE_VERDICTS];
    _Atomic uint64_t outcome[FIX_OUTCOMES];
    _Atomic uint64_t fault[CYCLE_FAULTS];
};

static inline void pipeline_count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* pipeline_capture.c. Begin is called before the streams are looked at, end after the response. */
void pipeline_capture_begin(struct pipeline *p, struct cycle_report *r);
void pipeline_capture_keep(struct pipeline *p);
void pipeline_capture_end(struct pipeline *p, struct cycle_report *r);
uint64_t pipeline_stream_config(const struct pipeline *p, enum stream_name h);
uint64_t pipeline_coded_config(const struct pipeline *p, enum stream_name h); /* if it were coded */

/* pipeline_profiles.c. What the board shows in the present cycle, [elements]; the choice for the
 * user's next cycle, after the track. */
const cplx *pipeline_gamma(const struct pipeline *p, size_t board);
void pipeline_choose(struct pipeline *p, const struct cycle_report *r);

/* pipeline_site.c. Before the streams are looked at; with them; after the response. */
bool pipeline_site_create(struct pipeline *p);
void pipeline_site_destroy(struct pipeline *p);
void pipeline_site_take_update(struct pipeline *p);
/* False: a stored zero was contradicted and is dropped. */
bool pipeline_site_check_leak(struct pipeline *p, const struct stream_ref *ref,
                              struct cycle_report *r);
void pipeline_site_retuned(struct pipeline *p);    /* the zero has to be found or confirmed anew */
void pipeline_site_conditions(struct pipeline *p); /* zero, channels and background are void */
void pipeline_site_leak_moved(struct pipeline *p); /* zero and background are void */
void pipeline_site_void(struct pipeline *p);       /* the background is */
void pipeline_site_keep(struct pipeline *p, const struct stream_ref *ref,
                        const struct cycle_report *r);
void pipeline_site_keep_answer(struct pipeline *p, const struct toa *direct);
void pipeline_site_match(struct pipeline *p, struct cycle_report *r);
/* The direction from which the user's own direct signal came, seen from a place u. */
struct site_direction {
    double off, sigma;    /* its sine along the array less that of u, and the deviation of that */
    struct vec3 gradient; /* of the sine at u */
};
/* False: it was not heard in this cycle, or there is one antenna. */
bool pipeline_site_direction(const struct pipeline *p, struct vec3 u, struct site_direction *out);
void pipeline_site_tell_capture(struct pipeline *p, unsigned cycles, const char *why);
void pipeline_site_end(struct pipeline *p, struct cycle_report *r);

/* pipeline_consent.c. What happened to this user's consent; without one the track goes, and the
 * beams it chose. */
void pipeline_consent(struct pipeline_user *user, enum consent_event event);
/* At the start of a cycle that asks this user: who has come, left or is withheld, asked or not. */
void pipeline_heed_orders(struct pipeline *p, size_t asked);
/* Since this cycle began, or by now. */
bool pipeline_withheld(const struct pipeline *p, size_t user);
/* The answer, as the table of consents knows it. */
void pipeline_heed_answer(struct pipeline *p, const struct cycle_report *r);
/* At the beginning of a cycle: what time it is. At its end: who is too old to be told of, and
 * whether that is its user. */
void pipeline_note_time(struct pipeline *p, const struct cycle_report *r);
void pipeline_note_told(struct pipeline *p, struct cycle_report *r);
/* Without permission, or of a touched cycle, nothing of the observation is told. */
void pipeline_forget(struct cycle_report *r);
/* The same of a cycle that gave a position before the order came: as if it had come before. */
void pipeline_withdraw(struct cycle_report *r);

/* What a search found, whether it counts or not: all but path->found. */
static inline void pipeline_note_path(struct report_path *path, const struct toa *toa)
{
    path->length_m = toa->length_m;
    path->sigma_m = toa->sigma_m;
    path->snr_db = toa->snr_db;
    path->peak_db = (double)toa->peak_db;
}

/* pipeline_map.c: p->map and p->walls. */
bool pipeline_map_create(struct pipeline *p, struct status *err);
void pipeline_map_destroy(struct pipeline *p);
/* Lets the known walls explain what they add to the paths of coded streams. */
void pipeline_map_refine(struct pipeline *p, const struct observation *height,
                         struct cycle_report *r);
/* r->fix from the one stream of a still burst, all ways of the map at once; sine of the user's
 * angle. With p->map and height only. */
int pipeline_map_still(struct pipeline *p, double sine, struct cycle_report *r) MUST_CHECK;
/* Direction of the line of receive antennas, and their places on it. */
struct vec3 pipeline_axis(const struct pipeline *p);
void pipeline_antennas(const struct pipeline *p, double element_m[TOA_MAX_ANT]);

/* pipeline.c. Whether a path found in a surface's stream and this gate stands margin_db over what
 * the stream of no surface holds there. streams: p->w or p->v, all STREAM_COUNT. */
bool pipeline_by_surface(struct pipeline *p, const cplxf *streams, const struct toa_gate *gate,
                         const struct toa *toa, double margin_db);

/* pipeline_response.c: verdict, height, cooperative paths. */
void pipeline_open_response(struct pipeline *p, const struct block *block, struct cycle_report *r);

/* pipeline_round.c. By steering: the answer has begun so many samples into its block; chi-square of
 * one of the place in r->fix, 0: nothing is known; what an answer that agrees (1) teaches, and many
 * that contradict (-1) end. */
void pipeline_round_hear(struct pipeline *p, double start_samps, double skew,
                         const struct cycle_report *r);
double pipeline_round_chi2(const struct pipeline *p, const struct cycle_report *r);
void pipeline_round_learn(struct pipeline *p, int agree, const struct cycle_report *r);

/* pipeline_frame.c: the frame of the sensing block to p->w; returns what stream_whole() does. Lag
 * and tap of the leak are those of the first block after a release. */
bool pipeline_frame_create(struct pipeline *p, struct status *err);
void pipeline_frame_destroy(struct pipeline *p);
int pipeline_frame_separate(struct pipeline *p, const struct block *block, struct stream_ref *ref);
void pipeline_frame_release(struct pipeline *p);
void pipeline_frame_state(struct pipeline *p, struct state_io *io);

/* pipeline_steering.c: paths of the one stream, before the answer; their names, with it. */
bool pipeline_steering_create(struct pipeline *p, struct status *err);
void pipeline_steer(struct pipeline *p, struct cycle_report *r);
bool pipeline_steering_agrees(const struct pipeline *p, const struct cycle_report *r);
/* Position without names, by the map. ERR_ARG: no map. */
int pipeline_steering_map(struct pipeline *p, struct cycle_report *r) MUST_CHECK;
void pipeline_steering_name(struct pipeline *p, struct cycle_report *r, const struct vec3 *hint);

/* pipeline_fix.c: from the paths of *r to position and track. */
void pipeline_locate(struct pipeline *p, struct cycle_report *r);
void pipeline_gates(struct pipeline *p);
