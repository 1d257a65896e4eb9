/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's mouth and its caution: decides with secure.h whether a burst is genuine, fresh and
 * meant for this user, writes the accepted cycle down, and answers as the user's will is: 8 coded
 * slots, pilot, response frame, one timed burst that starts the agreed delay after the start of the
 * burst it heard, in its own clock. In the cycles that carry pilots (host/pilot_train.h) a second
 * timed burst follows, without any content: the same slot again and again. */
#pragma once
#include "frames/secure.h"
#include "host/pilot_train.h"
#include "host/ue/attack.h"
#include "host/ue/last_cycle.h"
#include "host/ue/permission.h"
#include "host/ue/receiver.h"

struct responder_cfg {
    struct waveform_cfg waveform;
    double response_delay_s;
    double lead_s;        /* an answer is not queued later than this before its start */
    double turnaround_ns; /* the device's own delay, added to what the answer reports */
    uint32_t user_id;
    struct permission *permission; /* asked in every cycle that asks us */
    struct response answer;  /* mode, height_cm, sigma_code are sent as they are, with a yes */
    enum attack_kind attack; /* ATTACK_NONE, but for security exercises; */
    unsigned jam_after; /* ATTACK_JAM: in the cycle so long after one of ours alone; 0: in all */
    const struct secure_keys *seal; /* likewise: answers with another's keys; NULL: with ours */
    struct pilot_train train;
};

enum responder_verdict {
    VERDICT_ANSWERED,
    VERDICT_DECLINED, /* genuine, and answered with a no */
    VERDICT_SILENT,   /* genuine, but the user does not permit */
    VERDICT_UNSYNCED, /* no sync frame yet */
    VERDICT_REFUSED,  /* not genuine, not fresh, not for us */
    VERDICT_NO_FRAME,
    VERDICT_LATE,   /* too late to answer */
    VERDICT_FAILED, /* cycle could not be written down, or the radio refused: nothing was sent */
    VERDICTS
};

struct responder;

/* Setup only. All pointers are borrowed and outlive the responder. NULL: says why. */
struct responder *responder_create(const struct responder_cfg *cfg, struct radio *radio,
                                   const struct secure_keys *keys, struct last_cycle *last,
                                   struct status *err) MUST_CHECK;
void responder_destroy(struct responder **responder);

/* Judges one burst and answers. *cycle: the accepted cycle, else left as it is. Writes a file only
 * when the reserved cycles run low, and then after sending. */
enum responder_verdict responder_hear(struct responder *responder, const struct heard_burst *burst,
                                      uint64_t *cycle);

/* Tick at which the last answer began. */
int64_t responder_answered(const struct responder *responder);

const struct secure_user *responder_user(const struct responder *responder);
uint64_t responder_count(const struct responder *responder, enum responder_verdict verdict);
const char *responder_verdict_name(enum responder_verdict verdict); /* "answered" ... */
