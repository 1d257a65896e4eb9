/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/pilots.h"
#include "base/log.h"
#include "host/bs/arming.h"
#include "host/clock.h"
#include <math.h>
#include <string.h>

enum { IDLE_SLOT = 0, ACK_GATED_MS = 5000, ACK_MS = 15 };
#define RELOAD_NS INT64_C(1000000000)

static size_t elements(const struct pilot_profiles *p)
{
    return (size_t)p->shape.columns * p->shape.rows;
}

int pilot_profiles_load(struct ris_client *client, size_t board, const struct profile_set *set,
                        struct pilot_profiles *p, struct status *err)
{
    struct ris_client_board status;
    const size_t reserved = 2 * set->n;
    if (ris_client_status(client, board, &status, err))
        return err->code;
    if (status.n_slots < reserved + 2 * p->n)
        return status_set(
            err, ERR_ARG,
            "board %zu has %u slots, but %zu for pilots and %zu for profiles are needed: "
            "lower pixels.pilots, or give the board more slots",
            board, status.n_slots, 2 * p->n, reserved);
    p->first_slot = (uint16_t)(status.n_slots - 2 * p->n);
    for (size_t i = 0; i < p->n; i++) {
        uint8_t plus[RIS_PATTERN_MAX] = {0}, minus[RIS_PATTERN_MAX] = {0};
        const uint16_t slot = (uint16_t)(p->first_slot + 2 * i);
        for (size_t m = 0; m < elements(p); m++)
            ris_pattern_set(p->shape, plus, m, p->state[i * elements(p) + m]);
        ris_pattern_flip(p->shape, plus, minus);
        if (ris_client_load(client, board, slot, p->shape, plus, NULL, err) ||
            ris_client_load(client, board, slot + 1, p->shape, minus, NULL, err))
            return err->code;
        p->hash[2 * i] = ris_profile_hash(p->shape, plus);
        p->hash[2 * i + 1] = ris_profile_hash(p->shape, minus);
    }
    return OK;
}

/* Pilots in order, or the idle profile for as long. */
static struct ris_arm sequence(const struct pilot_arming_cfg *c, size_t board, bool steps)
{
    const struct pilot_profiles *p = &c->pilots[board];
    const size_t n = 2 * p->n;
    struct ris_arm arm = {
        .delay_ns = (uint32_t)llround(c->cfg->ris.latch_delay_s * 1e9),
        .period_ns =
            (uint32_t)llround((double)c->schedule->pilot * 1e9 / (double)c->schedule->rate),
        .idle = IDLE_SLOT,
        .n_edges = 1,
        .n_steps = steps ? (uint8_t)n : 1,
        .reps = {steps ? 1 : (uint16_t)n},
        .steps = {IDLE_SLOT},
    };
    for (size_t i = 0; steps && i < n; i++)
        arm.steps[i] = (uint16_t)(p->first_slot + 2 * (i / 2) + (pilot_sign(i) < 0));
    return arm;
}

static uint64_t expected_hash(const struct pilot_arming_cfg *c, size_t board,
                              const struct ris_arm *arm)
{
    const struct pilot_profiles *p = &c->pilots[board];
    const uint64_t idle = c->profiles[board].hash[PROFILE_BASE];
    uint64_t hash[RIS_STEPS_MAX + 1];
    for (size_t k = 0; k < arm->n_steps; k++)
        hash[k] = arm->steps[k] == IDLE_SLOT ? idle : p->hash[arm->steps[k] - p->first_slot];
    hash[arm->n_steps] = idle;
    return ris_arm_hash(hash, arm->n_steps + 1u);
}

void pilot_arming_init(struct pilot_arming *a, const struct pilot_arming_cfg *cfg)
{
    *a = (struct pilot_arming){.cfg = *cfg};
    for (size_t i = 0; i < BS_RIS; i++) {
        a->hold[i] = sequence(cfg, i, false);
        a->step[i] = sequence(cfg, i, true);
        a->hash[i][false] = expected_hash(cfg, i, &a->hold[i]);
        a->hash[i][true] = expected_hash(cfg, i, &a->step[i]);
    }
}

/* Takes some trains, which are lost anyway. */
static void reload(struct pilot_arming *a, size_t board)
{
    struct status err = {0};
    const char *name = a->cfg.cfg->ris.boards[board].name;
    if (clock_ns() < a->reload_ns)
        return;
    a->reload_ns = clock_ns() + RELOAD_NS;
    unsigned usual_ms = ris_client_set_timeout(a->cfg.client, arming_reload_ms(a->cfg.cfg));
    int rc = pilot_profiles_load(a->cfg.client, board, &a->cfg.profiles[board],
                                 &a->cfg.pilots[board], &err);
    ris_client_set_timeout(a->cfg.client, usual_ms);
    if (rc)
        log_warn("%s: its pilots cannot be loaded again: %s", name, err.text);
    else
        log_info("%s: its pilots were loaded again", name);
}

bool pilot_arming_run(struct pilot_arming *a, uint64_t cycle)
{
    const struct bs_cfg *cfg = a->cfg.cfg;
    const size_t ris = pilot_train_ris(&cfg->pixels.train, cycle);
    const struct ris_arm *arms[BS_RIS];
    struct ris_client_ack ack[BS_RIS];
    bool ok = true;
    for (size_t i = 0; i < BS_RIS; i++) {
        struct ris_arm *arm = i == ris ? &a->step[i] : &a->hold[i];
        arm->tag = (uint32_t)cycle;
        arms[i] = arm;
    }
    if (ris_client_arm_begin(a->cfg.client, arms, arming_deadline_ns(cfg, ACK_MS)) == ERR_IO ||
        ris_client_arm_wait(a->cfg.client, cfg->run.gated ? ACK_GATED_MS : ACK_MS, ack) == ERR_IO)
        return false;
    for (size_t i = 0; i < BS_RIS; i++) {
        bool same = ack[i].code == OK && ack[i].hash == a->hash[i][i == ris];
        if (i == ris && (ack[i].code == ERR_STATE || (ack[i].code == OK && !same)))
            reload(a, i);
        ok = ok && same;
    }
    return ok;
}
