/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's side of the data link: in a cycle that he has answered, one slot down and one up, both
 * placed by the burst he heard. docs/link.md. */
#pragma once
#include "host/link_report.h"
#include "host/link_traffic.h"
#include "host/schedule.h"
#include "host/ue/permission.h"
#include "host/ue/receiver.h"

struct ue_link_cfg {
    struct waveform_cfg waveform;
    const struct schedule *schedule; /* outlives it */
    double lead_s;                   /* nothing is queued later than this before its start */
    unsigned mcs;                    /* of known data */
    struct data_link *data; /* fills the slots, takes what comes; borrowed; NULL: known data */
};

struct ue_link;

/* Setup only. radio is borrowed and outlives it. NULL: says why in *err. */
struct ue_link *ue_link_create(const struct ue_link_cfg *cfg, struct radio *radio,
                               struct status *err) MUST_CHECK;
void ue_link_destroy(struct ue_link **link);

/* After the answer to this burst, of this cycle, was queued for `answered` (tick of our clock):
 * records the downlink slot, blocking in the radio until it is there, queues the uplink slot, and
 * decodes what it recorded. Allocates nothing. Returns 0; what the radio said when it gave nothing.
 */
int ue_link_run(struct ue_link *link, const struct heard_burst *burst, uint64_t cycle,
                int64_t answered, struct link_rx *down) MUST_CHECK;

/* Radio thread, RT-safe, in every round, a burst heard or not: while permission is withdrawn
 * nothing waits to be sent; what did, and what the port gives, is dropped and counted
 * (dropped_consent). What waited goes too when permission was given again since the last round;
 * *withdrawals is kept for that, 0 at first. data NULL: no user data. */
void ue_link_heed(struct data_link *data, struct permission *permission, unsigned *withdrawals);

const struct link_totals *ue_link_totals(const struct ue_link *link);
