/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Topic `ue` of the user terminal's telemetry: one JSON object per burst heard, and one per lost
 * second of search (docs/air-frames.md). Keys are only ever added. */
#pragma once
#include "host/ue/receiver.h"
#include "host/ue/responder.h"
#include "host/ue/ue_link.h"

struct ue_report {
    const struct heard_burst *burst; /* NULL: none this time */
    enum responder_verdict verdict;  /* of the burst */
    uint64_t cycle;                  /* last accepted */
    double time_s;                   /* device time of the burst's start, or now */
    const struct receiver *receiver;
    const struct responder *responder;
    struct radio_counters radio;
    const struct link_heard_report *link; /* of this cycle; NULL: no data link, or no answer */
};

/* Length of the text, or ERR_NO_SPACE. Allocates nothing. */
int ue_report_format(const struct ue_report *report, char *out, size_t size);
