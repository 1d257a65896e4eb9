/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the cycles leave in the audit log: one line per run of equal verdicts on a user's answers,
 * and one per attempt that smells of forgery. The control thread's. */
#pragma once
#include "base/audit.h"
#include "host/bs_config.h"
#include "host/report.h"

struct audited { /* a run of cycles with the same verdict */
    int id;
    enum response_verdict verdict;
    uint64_t first, n; /* n 0: none yet */
};

struct cycle_audit { /* zero at start */
    struct audited of_user[BS_USERS_MAX];
};

/* Reports in their order. */
void cycle_audit_note(struct cycle_audit *audit, struct audit *to, const struct cycle_report *r);
/* Ends the runs that are still open. */
void cycle_audit_close(const struct cycle_audit *audit, struct audit *to);
