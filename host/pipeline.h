/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One cycle's numbers: sensing block -> slots -> streams -> background -> path lengths; response
 * block
 * -> burst -> frame -> permission and height; then fix and track. All arithmetic is in dsp/; here
 * is the order, and the rule "no permission, no fix". One thread owns a pipeline. */
#pragma once
#include "calib/pixel_health.h"
#include "dsp/waveform.h"
#include "frames/secure.h"
#include "host/bs_config.h"
#include "host/profile_set.h"
#include "host/report.h"

/* Judges the answer of a cycle: what secure_open_response returns. *out is written on OK only. */
typedef int pipeline_check(void *context, const struct cycle_plan *plan,
                           const uint8_t bytes[RESPONSE_FRAME_BYTES], struct response *out);

struct pipeline_cfg {
    const struct bs_cfg *cfg;        /* read at create only */
    const struct schedule *schedule; /* likewise */
    const struct secure_keys *keys;  /* [BS_USERS_MAX], of each place; the caller's, outlive this */
    const struct profile_set *profiles[BS_RIS]; /* as many of each; read at create only */
    pipeline_check *check; /* instead of the keys, where they are not: in a replay. NULL: keys */
    void *check_context;
    bool steer_coded; /* mode steering on bursts recorded with codes: their streams make up one */
};

struct pipeline_counters { /* since create; readable from any thread */
    uint64_t cycles, fixes, refused_fixes;
    uint64_t response[RESPONSE_VERDICTS];
    uint64_t outcome[FIX_OUTCOMES];
    uint64_t background_captures, background_refused;
    uint64_t fault[CYCLE_FAULTS]; /* cycles each kind of fault touched */
};

struct pipeline;

/* Setup only. NULL: says why in *err. */
struct pipeline *pipeline_create(const struct pipeline_cfg *cfg, struct status *err);
void pipeline_destroy(struct pipeline **pipeline);

/* DSP thread, RT-safe. The sensing block of a cycle; budget 8 ms in profile lab. */
void pipeline_sensing(struct pipeline *p, const struct block *block);
/* DSP thread, RT-safe. The response block of the same cycle; budget 5 ms. Completes the cycle. */
void pipeline_response(struct pipeline *p, const struct block *block, struct cycle_report *report);
/* DSP thread, after pipeline_response of a cycle that was answered and until the next block:
 * channel of the answer behind its coded slots, when the surfaces rest as they do while data flow:
 * [n_rx x K], after the receive channels. */
const cplxf *pipeline_answer_channel(const struct pipeline *p);
/* DSP thread, RT-safe. Instead of pipeline_response when no response block will come. */
void pipeline_lost(struct pipeline *p, const struct cycle_plan *plan, struct cycle_report *report);

/* DSP thread, RT-safe, between cycles: broken pixels of a surface, which its profile's phase centre
 * accounts for from the next cycle on. */
void pipeline_pixels(struct pipeline *p, size_t ris, const struct pixel_map *map);

/* Any thread: from the next cycle on, take `cycles` cycles as the empty room (refused if anyone
 * answers or moves). 0 drops the background. */
void pipeline_background(struct pipeline *p, unsigned cycles);

struct pipeline_shown { /* by the surfaces, since a cycle of this user */
    size_t user;        /* place and */
    int id;             /* ID */
    uint8_t profile[BS_RIS];
    bool beams; /* some suit where the user is expected, and so tell it */
};

/* Schedule thread: which profiles the boards shall show in the next cycle of the user in *out. The
 * beams that suit where the tracker expects the user (ris.mode tracked), if that may be told of
 * (pipeline_tells), else the base; while the empty room is captured, each profile in turn. */
void pipeline_profiles(struct pipeline *p, struct pipeline_shown *out);
/* After an order to show `next`: beams that were there before count until every board obeyed. */
struct pipeline_shown pipeline_shown_after(const struct pipeline_shown *before,
                                           const struct pipeline_shown *next, bool obeyed);
/* Any thread: whether the surfaces show beams for somebody who may not be told of any more.
 * Then what they shall go back to: a board that shows something else tells of the user. */
bool pipeline_shows_forgotten(const struct pipeline *p, const struct pipeline_shown *shown,
                              uint8_t rest[BS_RIS]);

/* Any thread: from the next cycle on, a surface shows this profile whoever is asked; -1: as
 * ris.mode says. ERR_ARG if it has no such profile. The capture of an empty room shows each in turn
 * anyhow. */
int pipeline_hold(struct pipeline *p, size_t ris, int profile) MUST_CHECK;
int pipeline_held(const struct pipeline *p, size_t ris);

/* Any thread: how paths are told apart from the next cycle on; cfg->identity.mode at first. What a
 * cycle does follows from its plan. */
void pipeline_identify(struct pipeline *p, enum bs_identity identity);
enum bs_identity pipeline_identity(const struct pipeline *p);

/* Any thread: whether this user is located when it permits it. If not, its track is forgotten with
 * the next cycle, whoever that asks, and also if the order is lifted before that. */
void pipeline_allow(struct pipeline *p, size_t user, bool allow);
bool pipeline_allowed(const struct pipeline *p, size_t user);
/* Any thread: whether where the user of this ID, who has or had this place, is or was may be told
 * now: permitted in the last CONSENT_KEPT_S and no no since, served, not withheld. Nothing else
 * decides that; what others know they learn from reports (`forgotten`) and from here. Asked after
 * the state of consent (pipeline_user_counters) it never says yes of who has refused. */
bool pipeline_tells(const struct pipeline *p, size_t user, int id);
/* Any thread, once a second or more often: it is now_ns of clock_ns(), and whoever has not
 * permitted for CONSENT_KEPT_S is not told of any more, also while no cycle comes. */
void pipeline_pass_time(struct pipeline *p, int64_t now_ns);
/* Any thread, right before a report is told: if its user may not be told of any more, the report
 * says so (`forgotten`), and nothing of where the user is. */
void pipeline_retract(const struct pipeline *p, struct cycle_report *report);

/* Any thread: who has this place, 0 .. BS_USERS_MAX - 1, from the next cycle on; cfg->users at
 * first. Another id begins without a track. -1: nobody any more, and the track is forgotten with
 * the next cycle; one of theirs that was planned before gives nothing, under their id. */
void pipeline_user(struct pipeline *p, size_t user, int id);

/* Any thread: periods of the schedule from this user's cycle to the next, >= 1; at first as many as
 * there are users. */
void pipeline_revisit(struct pipeline *p, size_t user, unsigned periods);

/* Any thread: whether data may flow to and from this user now: permitted in its last cycle, not
 * asked again since, not withheld. */
bool pipeline_may_send(const struct pipeline *p, size_t user);

struct pipeline_user_counters { /* of whoever has the place now */
    enum consent_state consent;
    uint64_t asked, permitted, fixes; /* cycles */
};
void pipeline_user_counters(const struct pipeline *p, size_t user,
                            struct pipeline_user_counters *out); /* any thread */

/* Any thread: whether the last cycle addressed to this user was answered. */
bool pipeline_answered(const struct pipeline *p, size_t user);

void pipeline_counters(const struct pipeline *p, struct pipeline_counters *out); /* any thread */
