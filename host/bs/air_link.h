/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The base station's side of the data link: what is sent in a cycle's downlink slot and to where,
 * and what is heard in its uplink slot. Data go only to a user whose permitting answer to this very
 * cycle was read. With several transmit channels the slot is a beam (dsp/precode.h); until their
 * responses are known a slot sounds them instead: each sends alone, and the receive array hears
 * the leak. docs/link.md.
 *
 * Threads: DSP decides, hears and estimates; the schedule thread sends, after the decision and
 * before the next cycle (cycle_gate.h keeps that order). Nothing here locks or allocates. */
#pragma once
#include "dsp/tx_sounding.h"
#include "host/bs/user_links.h"
#include "host/link_report.h"
#include "host/pipeline.h"
#include "host/report.h"

struct air_link;

/* Setup only. schedule is copied; links, borrowed, fill the slots and take what comes; NULL: known
 * data. NULL: says why in *err. */
struct air_link *air_link_create(const struct bs_cfg *cfg, const struct schedule *schedule,
                                 const struct user_links *links, struct status *err) MUST_CHECK;
void air_link_destroy(struct air_link **link);

/* Samples to record when the transmit channels are sounded, from the downlink's begin on. */
size_t air_link_sounding_samps(const struct air_link *link);

/* DSP thread, when the cycle's report is complete. Whose data wait without permission loses them:
 * the user of the cycle after a no, and everybody who is withheld by consents. heard: [n_rx x K]
 * channel of the answer, looked at if there was one. */
void air_link_decide(struct air_link *link, const struct cycle_report *report,
                     const struct pipeline *consents, const cplxf *heard);

/* Schedule thread, after the decision on this cycle: puts the slot together and queues it, if
 * pipeline_may_send still says so. What was queued; LINK_SLOT_NONE: nothing, for lack of permission
 * or of a radio. */
enum link_slot_kind air_link_send(struct air_link *link, struct radio *radio,
                                  const struct pipeline *consents, int64_t index);

/* DSP thread: the block of the uplink slot, and that of a sounding. *out: all of the cycle. */
void air_link_hear(struct air_link *link, const struct block *block, struct link_report *out);
void air_link_sounded(struct air_link *link, const struct block *block, struct link_report *out);

/* DSP thread: the transmit channels, once they are known; else NULL. */
const struct tx_sounding *air_link_channels(const struct air_link *link);
