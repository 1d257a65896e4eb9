/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Consent of one user, as the base station knows it: the six steps of [S1] III-E as a machine.
 * Nothing but the table below decides who is located and who gets data. Pure, RT-safe.
 *
 *   1  the base station asks: a sensing frame that only this user can read       ASK
 *   2  the user checks it (host/ue/responder.h); a frame that is not genuine, not fresh or not for
 *      them gets no answer
 *   3  the user answers with permission, in the same cycle                       PERMIT
 *   4  only then the observation of that cycle becomes a position                FIX
 *   5  only then data are beamed to the user, until the next ASK
 *   6  every cycle asks anew; a no, silence, a bad answer or a lost one ends sensing and data
 *
 *   state     | JOIN    LEAVE ASK   PERMIT    REFUSE  SILENCE BAD     LOST    WITHHOLD FIX
 *   ----------+------------------------------------------------------------------------------
 *   none      | waiting none  none  none      none    none    none    none    none     none
 *   waiting   | waiting none  asked waiting   refused waiting waiting waiting withheld waiting
 *   asked     | waiting none  asked permitted refused silent  doubted unheard withheld asked
 *   permitted | waiting none  asked permitted refused silent  doubted unheard withheld located
 *   located   | waiting none  asked located   refused silent  doubted unheard withheld located
 *   refused   | waiting none  asked refused   refused refused refused refused withheld refused
 *   silent    | waiting none  asked silent    refused silent  silent  silent  withheld silent
 *   doubted   | waiting none  asked doubted   refused doubted doubted doubted withheld doubted
 *   unheard   | waiting none  asked unheard   refused unheard unheard unheard withheld unheard
 *   withheld  | waiting none  asked withheld  withheld ... (all others)       withheld withheld
 *
 * An answer counts only while it is asked for; a no counts whenever it comes. */
#pragma once
#include <stdbool.h>

enum consent_state {
    CONSENT_NONE,      /* nobody is served at this place */
    CONSENT_WAITING,   /* served, not asked yet */
    CONSENT_ASKED,     /* the frame is on the air, the answer is awaited */
    CONSENT_PERMITTED, /* genuine permission of this cycle */
    CONSENT_LOCATED,   /* and a position of this cycle */
    CONSENT_REFUSED,   /* a genuine no */
    CONSENT_SILENT,    /* no answer */
    CONSENT_DOUBTED,   /* an answer that is damaged, forged, replayed or another's */
    CONSENT_UNHEARD,   /* our own capture failed: nothing is known, so nothing is permitted */
    CONSENT_WITHHELD,  /* we were told not to locate this user, whatever it permits */
    CONSENT_STATES
};

enum consent_event {
    CONSENT_JOIN, /* somebody, or somebody else, is served from now on */
    CONSENT_LEAVE,
    CONSENT_ASK,    /* a cycle that addresses the user begins */
    CONSENT_PERMIT, /* its answer: genuine, with permission */
    CONSENT_REFUSE, /* genuine, without */
    CONSENT_SILENCE,
    CONSENT_BAD,
    CONSENT_LOST,
    CONSENT_WITHHOLD, /* permitted, but an order forbids it; or the order itself */
    CONSENT_FIX,
    CONSENT_EVENTS
};

/* After so long a user who does not permit, and whose no nobody heard or asked for, is forgotten in
 * what is told as if it had been heard (pipeline_pass_time). */
#define CONSENT_KEPT_S 10.0

enum consent_state consent_next(enum consent_state state, enum consent_event event);

/* Steps 4 and 5: whether a position may be computed, and data may flow, in this state. */
bool consent_may_locate(enum consent_state state);
bool consent_may_send(enum consent_state state);
/* What was known of the user's way is to be forgotten. */
bool consent_forgets(enum consent_state state);

const char *consent_state_name(enum consent_state state); /* "waiting" ... */
