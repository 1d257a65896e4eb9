/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Arms the surfaces for each cycle and says what came of it: which board was late, which is silent,
 * refuses or holds something else. A board that answers but has lost our profiles gets them again.
 * Belongs to the schedule thread. */
#pragma once
#include "host/bs/profiles.h"
#include "host/telemetry.h"

struct arming_cfg {
    const struct bs_cfg *cfg;
    const struct schedule *schedule;
    struct ris_client *client;
    const struct profile_set *profiles; /* [BS_RIS] */
};

struct arming {
    struct arming_cfg cfg;
    struct ris_arm arm[BS_RIS];
    const struct ris_arm *arms[BS_RIS];
    unsigned lost[BS_RIS]; /* cycles in a row in which the board answered, but had lost profiles */
    int64_t reload_ns[BS_RIS]; /* earliest time of the next attempt to load them again */
};

/* Pointers in cfg outlive it. */
void arming_init(struct arming *a, const struct arming_cfg *cfg);

/* Arms all boards for the plan's cycle and profiles, and waits: at most cfg->ris.ack_ms and until
 * by_ns (clock_ns), in gated time until they answer. Fills *out, and FAULT_RIS_LATE and
 * FAULT_RIS_UNKNOWN of plan->faults. */
void arming_run(struct arming *a, struct cycle_plan *plan, int64_t by_ns,
                struct telemetry_ris *out);

/* Between two cycles: the boards show these profiles for good. Waits as long as for profiles that
 * are loaded again. */
int arming_rest(struct arming *a, const uint8_t profile[BS_RIS], struct status *err) MUST_CHECK;

/* Unix time after which the controller refuses an ARM instead of doing it late: a sequence armed
 * behind its edge would play on the next one. 0: any time. */
int64_t arming_deadline_ns(const struct bs_cfg *cfg, unsigned patience_ms);

/* How long the schedule thread waits for each answer while profiles are loaded again. */
unsigned arming_reload_ms(const struct bs_cfg *cfg);
