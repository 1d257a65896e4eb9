/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the log says about trouble with surfaces, radio and site, each once. The control thread's.
 */
#pragma once
#include "host/bs_config.h"
#include "host/radio.h"
#include "host/site_alarm.h"
#include "host/telemetry.h"

struct watched_board {
    uint32_t fault;
    uint64_t cycles; /* in a row with a fault */
};

enum { TROUBLE_UNSEEN = 25 }; /* answers in a row without a path over a surface until it is said */

struct trouble_watch { /* what was last said; zero at start */
    struct watched_board board[BS_RIS];
    uint64_t unseen[BS_RIS]; /* answers in a row without a path over the surface */
    uint64_t radio_faults;
};

/* Says when a board leaves the cycle, or for another reason than before, and when it is back. */
void trouble_watch_ris(struct trouble_watch *trouble, const struct bs_cfg *cfg,
                       const struct telemetry_ris *r);
/* Of coded bursts: says when a surface seems out of sight, since no path over it stands out while
 * the echo does, and when it is seen again. Returns a bit for each surface that is out of sight. */
unsigned trouble_watch_sight(struct trouble_watch *trouble, const struct bs_cfg *cfg,
                             const struct cycle_report *r);
/* At most one line per look at the counters. */
void trouble_watch_radio(struct trouble_watch *trouble, const struct radio *radio);
/* Each alarm of the site's calibrations when it comes up; sets status->alarms to those that hold
 * now. */
void trouble_watch_site(struct site_status *status, const struct bs_cfg *cfg);
