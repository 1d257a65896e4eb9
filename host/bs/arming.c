/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/arming.h"
#include "base/log.h"
#include "host/clock.h"
#include <stdio.h>

enum { ACK_GATED_MS = 5000, LOST_CYCLES = 2, RELOAD_ANSWER_MS = 150 };
#define RELOAD_NS INT64_C(1000000000)

void arming_init(struct arming *a, const struct arming_cfg *cfg)
{
    *a = (struct arming){.cfg = *cfg};
    for (size_t i = 0; i < BS_RIS; i++)
        a->arms[i] = &a->arm[i];
}

int64_t arming_deadline_ns(const struct bs_cfg *cfg, unsigned patience_ms)
{
    if (cfg->run.gated)
        return 0;
    return clock_unix_ns() + patience_ms * INT64_C(1000000);
}

/* Short cycles leave less than ack_ms between an answer and the next burst. */
static unsigned patience(const struct bs_cfg *cfg, int64_t by_ns)
{
    const int64_t left_ms = (by_ns - clock_ns()) / 1000000;
    if (cfg->run.gated)
        return ACK_GATED_MS;
    return left_ms < 1                 ? 1
           : left_ms < cfg->ris.ack_ms ? (unsigned)left_ms
                                       : (unsigned)cfg->ris.ack_ms;
}

/* What a board that holds our profiles acknowledges. */
static uint64_t expected_hash(const struct profile_set *set, size_t profile,
                              const struct ris_arm *arm)
{
    uint64_t hash[RIS_STEPS_MAX + 1];
    for (size_t k = 0; k < arm->n_steps; k++)
        hash[k] = arm->steps[k] == arm->idle ? set->hash[profile] : set->hash_flipped[profile];
    hash[arm->n_steps] = set->hash[profile];
    return ris_arm_hash(hash, arm->n_steps + 1u);
}

static uint32_t judge(const struct arming *a, size_t i, size_t profile, struct ris_client_ack *ack)
{
    const char *name = a->cfg.cfg->ris.boards[i].name;
    if (ack->code == ERR_TIMEOUT)
        return ack->silent ? FAULT_RIS_UNKNOWN : FAULT_RIS_LATE;
    if (ack->code != OK)
        return FAULT_RIS_UNKNOWN;
    if (ack->hash == expected_hash(&a->cfg.profiles[i], profile, &a->arm[i]))
        return 0;
    ack->code = ERR_STATE;
    snprintf(ack->text, sizeof ack->text,
             "board %s: holds other profiles than ours; they are loaded again", name);
    return FAULT_RIS_UNKNOWN;
}

unsigned arming_reload_ms(const struct bs_cfg *cfg)
{
    return cfg->run.gated ? ACK_GATED_MS : RELOAD_ANSWER_MS;
}

/* A controller that was started anew, or a slot that somebody else has filled. This is the schedule
 * thread: each profile takes some milliseconds, the first without an answer ends it, and the cycles
 * meanwhile are lost anyway. */
static void reload(struct arming *a, size_t i, int code)
{
    struct status err = {0};
    const char *name = a->cfg.cfg->ris.boards[i].name;
    a->lost[i] = code == ERR_STATE ? a->lost[i] + 1 : 0;
    if (a->lost[i] < LOST_CYCLES || clock_ns() < a->reload_ns[i])
        return;
    a->reload_ns[i] = clock_ns() + RELOAD_NS;
    unsigned usual_ms = ris_client_set_timeout(a->cfg.client, arming_reload_ms(a->cfg.cfg));
    int rc = profiles_load(a->cfg.client, i, &a->cfg.profiles[i], &err);
    ris_client_set_timeout(a->cfg.client, usual_ms);
    if (rc)
        log_warn("%s: its profiles cannot be loaded again: %s", name, err.text);
    else
        log_info("%s: its profiles were loaded again", name);
}

/* One step to each edge, which shows what the board shows anyhow. */
static void hold_still(struct ris_arm *arm)
{
    arm->n_steps = 1;
    arm->steps[0] = arm->idle;
    arm->reps[0] = arm->reps[1] = 1;
}

int arming_rest(struct arming *a, const uint8_t profile[BS_RIS], struct status *err)
{
    const unsigned usual_ms = ris_client_set_timeout(a->cfg.client, arming_reload_ms(a->cfg.cfg));
    int rc = OK;
    for (size_t i = 0; i < BS_RIS; i++)
        if (profile_show(a->cfg.client, i, profile[i], err))
            rc = err->code;
    ris_client_set_timeout(a->cfg.client, usual_ms);
    return rc;
}

static void ask(struct arming *a, const struct cycle_plan *plan, unsigned patience_ms,
                struct telemetry_ris *out)
{
    const struct bs_cfg *cfg = a->cfg.cfg;
    for (size_t i = 0; i < BS_RIS; i++) {
        a->arm[i] = profile_sequence(cfg, a->cfg.schedule, i, plan->profile[i]);
        if (plan->still)
            hold_still(&a->arm[i]);
        a->arm[i].tag = (uint32_t)plan->cycle;
    }
    int rc = ris_client_arm_begin(a->cfg.client, a->arms, arming_deadline_ns(cfg, patience_ms));
    if (rc != ERR_IO)
        rc = ris_client_arm_wait(a->cfg.client, patience_ms, out->ack);
    for (size_t i = 0; rc == ERR_IO && i < BS_RIS; i++) {
        out->ack[i] = (struct ris_client_ack){.code = ERR_IO};
        snprintf(out->ack[i].text, sizeof out->ack[i].text,
                 "the RIS controller is gone; start mirador-ris");
    }
}

void arming_run(struct arming *a, struct cycle_plan *plan, int64_t by_ns, struct telemetry_ris *out)
{
    const int64_t began_ns = clock_ns();
    *out = (struct telemetry_ris){.index = plan->index, .cycle = plan->cycle, .n_board = BS_RIS};
    ask(a, plan, patience(a->cfg.cfg, by_ns), out);
    out->wait_us = (double)(clock_ns() - began_ns) * 1e-3;
    out->ok = true;
    for (size_t i = 0; i < BS_RIS; i++) {
        out->fault[i] = judge(a, i, plan->profile[i], &out->ack[i]);
        out->ok = out->ok && out->fault[i] == 0;
        plan->faults |= out->fault[i];
    }
    for (size_t i = 0; i < BS_RIS; i++)
        reload(a, i, out->ack[i].code);
}
