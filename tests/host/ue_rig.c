/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/ue_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/state_dir.h"
#include "tests/frames/seed_keys.h"

static char folder[256];

int ue_rig_make_folder(void **state)
{
    (void)state;
    struct status err = {0};
    return secure_init() ? -1 : state_dir_create("mirador-test", folder, sizeof folder, &err);
}

int ue_rig_remove_folder(void **state)
{
    (void)state;
    struct status err = {0};
    return state_dir_remove(folder, &err);
}

const char *ue_rig_folder(void)
{
    return folder;
}

/* A narrow waveform keeps the test quick; the carrier is so high that the offset of the sample
 * clocks, which the fake does not model, rounds to nothing. */
static struct waveform_cfg small_waveform(void)
{
    struct waveform_cfg w = waveform_lab();
    w.n = 256;
    w.k = 199;
    w.root = 76;
    w.code_reps = 4;
    w.rate_hz = 25e6;
    return w;
}

void ue_rig_answer(struct ue_rig *rig, bool permit)
{
    struct status err = {0};
    const struct responder_cfg cfg = {
        .waveform = rig->cfg.waveform,
        .response_delay_s = 0.02,
        .lead_s = rig->cfg.lead_s,
        .user_id = UE_RIG_USER,
        .permission = &rig->permission,
        .answer = {.mode = 2, .height_cm = 133, .sigma_code = 1},
    };
    assert_int_equal(last_cycle_open(&rig->last, folder, UE_RIG_USER, &err), OK);
    assert_int_equal(permission_open(&rig->permission, folder, UE_RIG_USER, permit, &err), OK);
    rig->responder = responder_create(&cfg, rig->radio, &rig->keys, &rig->last, &err);
    assert_non_null(rig->responder);
}

void ue_rig_open(struct ue_rig *rig, bool permit)
{
    struct status err = {0};
    *rig = (struct ue_rig){0};
    rig->cfg = (struct receiver_cfg){.waveform = small_waveform(),
                                     .scheme = MODEM_QAM16,
                                     .carrier_hz = 1e15,
                                     .period_s = 0.1,
                                     .lead_s = 1e-3,
                                     .lost_after = 3};
    struct fake_base_cfg base = {.waveform = rig->cfg.waveform,
                                 .user_id = UE_RIG_USER,
                                 .cfo_hz = 23456.7,
                                 .noise_rms = 0.02,
                                 .first = 1234567,
                                 .period = 2500000,
                                 .first_cycle = UE_RIG_FIRST_CYCLE};
    seed_keys(1, UE_RIG_USER, &base.keys);
    rig->keys = base.keys;
    rig->radio = fake_base_open(&base);
    rig->base = fake_base_of(rig->radio);
    rig->receiver = receiver_create(&rig->cfg, rig->radio, &err);
    assert_non_null(rig->receiver);
    ue_rig_answer(rig, permit);
}

void ue_rig_close(struct ue_rig *rig)
{
    responder_destroy(&rig->responder);
    receiver_destroy(&rig->receiver);
    radio_close(&rig->radio);
    last_cycle_free(&rig->last);
    (void)!unlink(rig->last.path);
    (void)!unlink(rig->last.now_path);
}

void ue_rig_next_burst(struct ue_rig *rig, struct heard_burst *burst, unsigned limit)
{
    int rc = ERR_NOT_FOUND;
    for (unsigned i = 0; i < limit && rc == ERR_NOT_FOUND; i++)
        rc = receiver_step(rig->receiver, burst);
    assert_int_equal(rc, OK);
}

enum responder_verdict ue_rig_cycle(struct ue_rig *rig)
{
    struct heard_burst burst;
    uint64_t cycle = 0;
    ue_rig_next_burst(rig, &burst, 1000);
    return responder_hear(rig->responder, &burst, &cycle);
}

void ue_rig_get_in_step_until(struct ue_rig *rig, enum responder_verdict answer)
{
    for (int i = 0; i < 20; i++)
        if (ue_rig_cycle(rig) == answer)
            return;
    fail_msg("never came into step");
}

void ue_rig_get_in_step(struct ue_rig *rig)
{
    ue_rig_get_in_step_until(rig, VERDICT_ANSWERED);
}
