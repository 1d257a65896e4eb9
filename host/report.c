/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/report.h"

const char *response_verdict_name(enum response_verdict v)
{
    static const char *const names[RESPONSE_VERDICTS] = {
        "permitted", "no_permit", "silent", "damaged", "refused", "lost", "withheld",
    };
    return v < RESPONSE_VERDICTS ? names[v] : "unknown";
}

const char *fix_outcome_name(enum fix_outcome o)
{
    static const char *const names[FIX_OUTCOMES] = {
        "done", "not_asked", "capture", "radio", "ris", "settling", "refused",
    };
    return o < FIX_OUTCOMES ? names[o] : "unknown";
}

const char *report_path_name(enum report_path_name p)
{
    static const char *const names[PATH_COUNT] = {"L1", "L2", "L3", "A1", "A2", "A3"};
    return p < PATH_COUNT ? names[p] : "unknown";
}

const char *zero_state_name(enum zero_state z)
{
    static const char *const names[ZERO_STATES] = {"leak", "stored", "contradicted"};
    return z < ZERO_STATES ? names[z] : "unknown";
}

const char *room_state_name(enum room_state r)
{
    static const char *const names[ROOM_STATES] = {"unknown", "good", "drifted", "changed"};
    return r < ROOM_STATES ? names[r] : "unknown";
}
