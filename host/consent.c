/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/consent.h"
#include <assert.h>

#define N CONSENT_NONE
#define W CONSENT_WAITING
#define A CONSENT_ASKED
#define P CONSENT_PERMITTED
#define L CONSENT_LOCATED
#define R CONSENT_REFUSED
#define S CONSENT_SILENT
#define D CONSENT_DOUBTED
#define U CONSENT_UNHEARD
#define H CONSENT_WITHHELD

/* clang-format off */
static const unsigned char next[CONSENT_STATES][CONSENT_EVENTS] = {
    /*                      JOIN LEAVE ASK PERMIT REFUSE SILENCE BAD LOST WITHHOLD FIX */
    [CONSENT_NONE]      = { W,   N,    N,  N,     N,     N,      N,  N,   N,       N },
    [CONSENT_WAITING]   = { W,   N,    A,  W,     R,     W,      W,  W,   H,       W },
    [CONSENT_ASKED]     = { W,   N,    A,  P,     R,     S,      D,  U,   H,       A },
    [CONSENT_PERMITTED] = { W,   N,    A,  P,     R,     S,      D,  U,   H,       L },
    [CONSENT_LOCATED]   = { W,   N,    A,  L,     R,     S,      D,  U,   H,       L },
    [CONSENT_REFUSED]   = { W,   N,    A,  R,     R,     R,      R,  R,   H,       R },
    [CONSENT_SILENT]    = { W,   N,    A,  S,     R,     S,      S,  S,   H,       S },
    [CONSENT_DOUBTED]   = { W,   N,    A,  D,     R,     D,      D,  D,   H,       D },
    [CONSENT_UNHEARD]   = { W,   N,    A,  U,     R,     U,      U,  U,   H,       U },
    [CONSENT_WITHHELD]  = { W,   N,    A,  H,     H,     H,      H,  H,   H,       H },
};
/* clang-format on */

enum consent_state consent_next(enum consent_state state, enum consent_event event)
{
    assert((unsigned)state < CONSENT_STATES && (unsigned)event < CONSENT_EVENTS);
    return (enum consent_state)next[state][event];
}

bool consent_may_locate(enum consent_state state)
{
    return state == CONSENT_PERMITTED || state == CONSENT_LOCATED;
}

bool consent_may_send(enum consent_state state)
{
    return state == CONSENT_PERMITTED || state == CONSENT_LOCATED;
}

bool consent_forgets(enum consent_state state)
{
    return state == CONSENT_NONE || state == CONSENT_WAITING || state == CONSENT_REFUSED ||
           state == CONSENT_WITHHELD;
}

const char *consent_state_name(enum consent_state state)
{
    static const char *const names[CONSENT_STATES] = {
        "none",    "waiting", "asked",   "permitted", "located",
        "refused", "silent",  "doubted", "unheard",   "withheld",
    };
    return (unsigned)state < CONSENT_STATES ? names[state] : "unknown";
}
