/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user terminal against a base station in memory: acquisition, following, losing, answering on
 * time, and everything it must stay silent to. */
#include "tests/host/ue_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/ue/ue_link.h"
#include "host/ue/ue_report.h"
#include "tests/frames/seed_keys.h"

static void cold_start_finds_the_burst_to_the_sample(void **state)
{
    (void)state;
    struct ue_rig b;
    struct heard_burst burst;
    ue_rig_open(&b, true);
    for (int i = 0; i < 12; i++) {
        ue_rig_next_burst(&b, &burst, 1000);
        int64_t start = burst.tick + llround(burst.start_samps);
        int64_t off = (start - b.base->cfg.first) % b.base->cfg.period;
        assert_in_range(off + 1, 0, 2);
        assert_float_equal(burst.cfo_hz, b.base->cfg.cfo_hz, 60);
        assert_true(burst.frame_seen);
        assert_int_equal(burst.n_cycle, i > 0);
        uint64_t cycle =
            UE_RIG_FIRST_CYCLE + (uint64_t)((start - b.base->cfg.first) / b.base->cfg.period);
        uint8_t sent[SENSING_FRAME_BYTES];
        assert_int_equal(secure_seal_sensing(&b.keys, cycle, UE_RIG_USER, sent), OK);
        assert_memory_equal(burst.sensing, sent, sizeof sent);
        assert_int_equal(burst.sync_seen, cycle % SYNC_FRAME_PERIOD == 0);
    }
    ue_rig_close(&b);
}

static void following_captures_little(void **state)
{
    (void)state;
    struct ue_rig b;
    struct heard_burst burst;
    ue_rig_open(&b, true);
    ue_rig_next_burst(&b, &burst, 1000);
    uint64_t before = b.base->received;
    for (int i = 0; i < 10; i++)
        ue_rig_next_burst(&b, &burst, 1);
    assert_true((b.base->received - before) / 10 < 10000); /* of 2.5 million in a cycle */
    ue_rig_close(&b);
}

static void answers_start_the_agreed_delay_after_the_burst(void **state)
{
    (void)state;
    struct ue_rig b;
    ue_rig_open(&b, true);
    ue_rig_get_in_step(&b);
    const unsigned before = b.base->n_answer;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ue_rig_cycle(&b), VERDICT_ANSWERED);
        const struct fake_base_cfg *cfg = &b.base->cfg;
        int64_t late = (b.base->answer_tick - cfg->first) % cfg->period - 500000;
        assert_in_range(late + 1, 0, 2);
        assert_int_equal(b.base->answer_code, OK);
        assert_true(b.base->answer.permit);
        assert_int_equal(b.base->answer.height_cm, 133);
        /* What is left of a sample is reported: at most half of 40 ns, in tenths of ns. */
        assert_in_range(b.base->answer.turnaround_ds + 200, 0, 400);
    }
    assert_int_equal(b.base->n_answer, before + 5);
    ue_rig_close(&b);
}

static void stays_silent_until_the_sync_frame(void **state)
{
    (void)state;
    struct ue_rig b;
    ue_rig_open(&b, true);
    b.base->no_sync = true;
    for (int i = 0; i < 10; i++)
        assert_int_equal(ue_rig_cycle(&b), VERDICT_UNSYNCED);
    assert_int_equal(b.base->n_answer, 0);
    b.base->no_sync = false;
    ue_rig_get_in_step(&b);
    assert_int_equal(b.base->n_answer, 1);
    ue_rig_close(&b);
}

static void no_permission_no_sound(void **state)
{
    (void)state;
    struct ue_rig b;
    ue_rig_open(&b, false);
    unsigned silent = 0;
    for (int i = 0; i < 16; i++)
        silent += ue_rig_cycle(&b) == VERDICT_SILENT;
    assert_true(silent >= 8);
    assert_int_equal(b.base->n_answer, 0);
    ue_rig_close(&b);
}

/* Three noes that tell nothing else, then silence; a restart says them again. */
static void a_withdrawal_is_said_and_then_kept_silent(void **state)
{
    (void)state;
    struct ue_rig b;
    struct status err = {0};
    ue_rig_open(&b, true);
    ue_rig_get_in_step(&b);
    for (int run = 0; run < 2; run++) {
        const unsigned before = b.base->n_answer;
        assert_int_equal(permission_withdraw(&b.permission, &err), OK);
        for (int i = run; i < PERMISSION_NOES; i++) { /* one was said when it came into step */
            assert_int_equal(ue_rig_cycle(&b), VERDICT_DECLINED);
            assert_int_equal(b.base->answer_code, OK);
            assert_false(b.base->answer.permit);
            assert_int_equal(b.base->answer.height_cm, 0);
            assert_int_equal(b.base->answer.turnaround_ds, 0);
        }
        for (int i = 0; i < 3; i++)
            assert_int_equal(ue_rig_cycle(&b), VERDICT_SILENT);
        assert_int_equal(b.base->n_answer, before + PERMISSION_NOES - (unsigned)run);
        responder_destroy(&b.responder);
        last_cycle_free(&b.last);
        ue_rig_answer(&b, true);
        ue_rig_get_in_step_until(&b, VERDICT_DECLINED);
    }
    assert_int_equal(permission_give(&b.permission, &err), OK);
    assert_int_equal(ue_rig_cycle(&b), VERDICT_ANSWERED);
    assert_true(b.base->answer.permit);
    ue_rig_close(&b);
}

static struct data_link_state data_of(const struct data_link *data)
{
    struct data_link_state s;
    data_link_read(data, &s);
    return s;
}

/* What waits for the base station, and what still comes, until permission is given again. */
static void data_of_who_withdraws_go(void **state)
{
    (void)state;
    struct ue_rig b;
    struct status err = {0};
    const struct link_port_cfg cfg = {.queue = 4, .lifetime_s = 60};
    unsigned heeded = 0;
    const uint8_t packet[100] = {0};
    ue_rig_open(&b, true);
    struct data_link *data = link_traffic_create(&cfg, SECURE_LINK_UP, &b.keys, &err);
    assert_non_null(data);
    ue_link_heed(NULL, &b.permission, &heeded);
    ue_link_heed(data, &b.permission, &heeded);
    for (int i = 0; i < 2; i++)
        assert_int_equal(data_link_send(data, packet, sizeof packet), OK);
    assert_int_equal(permission_withdraw(&b.permission, &err), OK);
    ue_link_heed(data, &b.permission, &heeded);
    assert_int_equal(data_of(data).queued, 0);
    assert_int_equal(data_of(data).count.dropped_consent, 2);
    assert_int_equal(data_link_send(data, packet, sizeof packet), ERR_STATE);
    assert_int_equal(data_of(data).count.dropped_consent, 3);
    assert_int_equal(permission_give(&b.permission, &err), OK);
    ue_link_heed(data, &b.permission, &heeded);
    for (int round = 0; round < 2; round++) { /* withdrawn, and given again before it is heeded */
        assert_int_equal(data_link_send(data, packet, sizeof packet), OK);
        assert_int_equal(data_of(data).queued, 1);
        assert_int_equal(permission_withdraw(&b.permission, &err), OK);
        assert_int_equal(permission_give(&b.permission, &err), OK);
        for (int i = 0; i < 2; i++)
            ue_link_heed(data, &b.permission, &heeded);
        assert_int_equal(data_of(data).queued, 0);
        assert_int_equal(data_of(data).count.dropped_consent, 4 + round);
    }
    assert_int_equal(data_link_send(data, packet, sizeof packet), OK);
    ue_link_heed(data, &b.permission, &heeded);
    assert_int_equal(data_of(data).queued, 1);
    data_link_destroy(&data);
    ue_rig_close(&b);
}

static void forged_replayed_and_foreign_frames_get_no_answer(void **state)
{
    (void)state;
    struct ue_rig b;
    ue_rig_open(&b, true);
    ue_rig_get_in_step(&b);
    const unsigned before = b.base->n_answer;
    for (int bit = 0; bit < 40; bit++) {
        b.base->flip_bit = bit;
        assert_int_not_equal(ue_rig_cycle(&b), VERDICT_ANSWERED);
    }
    b.base->flip_bit = -1;
    b.base->replay = true;
    for (int i = 0; i < 10; i++)
        assert_int_equal(ue_rig_cycle(&b), VERDICT_REFUSED);
    b.base->replay = false;
    seed_keys(2, UE_RIG_USER, &b.base->cfg.keys);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ue_rig_cycle(&b), VERDICT_REFUSED);
    assert_int_equal(b.base->n_answer, before);
    seed_keys(1, UE_RIG_USER,
              &b.base->cfg.keys); /* 60 cycles on: beyond the window unless it counted along */
    ue_rig_get_in_step(&b);
    ue_rig_close(&b);
}

static void lost_and_found_again(void **state)
{
    (void)state;
    struct ue_rig b;
    struct heard_burst burst;
    ue_rig_open(&b, true);
    ue_rig_get_in_step(&b);
    b.base->silent = true;
    for (int i = 0; i < 60; i++)
        assert_int_equal(receiver_step(b.receiver, &burst), ERR_NOT_FOUND);
    assert_int_equal(receiver_state(b.receiver), RECEIVER_SEARCH);
    assert_int_equal(receiver_counters(b.receiver).lost, 1);
    b.base->silent = false;
    ue_rig_next_burst(&b, &burst, 1000);
    assert_true(burst.n_cycle > 3);
    assert_int_equal(receiver_state(b.receiver), RECEIVER_TRACK);
    uint64_t cycle;
    assert_int_equal(responder_hear(b.responder, &burst, &cycle), VERDICT_ANSWERED);
    ue_rig_close(&b);
}

static void base_station_that_jumps_ahead_is_followed(void **state)
{
    (void)state;
    struct ue_rig b;
    ue_rig_open(&b, true);
    ue_rig_get_in_step(&b);
    b.base->cfg.first_cycle += 65536;
    enum responder_verdict verdict = ue_rig_cycle(&b);
    for (int i = 0; i < 8 && verdict != VERDICT_ANSWERED; i++) {
        assert_int_equal(verdict, VERDICT_REFUSED);
        verdict = ue_rig_cycle(&b);
    }
    assert_int_equal(verdict, VERDICT_ANSWERED);
    ue_rig_close(&b);
}

/* What a crash leaves: nothing is written on the way out. */
static void crash(struct ue_rig *b)
{
    responder_destroy(&b->responder);
    last_cycle_free(&b->last);
}

static void spoil_boot(const struct ue_rig *b)
{
    FILE *f = fopen(b->last.now_path, "r+");
    assert_non_null(f);
    const int first = fgetc(f);
    rewind(f);
    fputc(first == '0' ? '1' : '0', f);
    fclose(f);
}

static void restart_accepts_no_old_cycle(void **state)
{
    (void)state;
    struct ue_rig b;
    struct status err = {0};
    ue_rig_open(&b, true);
    ue_rig_get_in_step(&b);
    const uint64_t accepted = responder_user(b.responder)->last;
    assert_true(b.last.covered >= accepted); /* on disk before it was answered */
    crash(&b);
    ue_rig_answer(&b, true);
    assert_true(responder_user(b.responder)->last == accepted);
    crash(&b);
    spoil_boot(&b); /* the machine, too: only what the disk is known to hold counts */
    ue_rig_answer(&b, true);
    assert_true(responder_user(b.responder)->last == b.last.covered && b.last.covered > accepted);
    b.base->replay = true;
    b.base->cfg.first_cycle = accepted - accepted % 8;
    for (int i = 0; i < 4; i++)
        assert_int_equal(ue_rig_cycle(&b), VERDICT_UNSYNCED);
    assert_int_equal(last_cycle_close(&b.last, accepted, &err), OK); /* a clean end */
    crash(&b);
    ue_rig_answer(&b, true);
    assert_true(responder_user(b.responder)->last == accepted);
    ue_rig_close(&b);
}

static void damaged_state_is_an_error(void **state)
{
    (void)state;
    struct status err = {0};
    struct last_cycle last;
    char path[300];
    snprintf(path, sizeof path, "%s/ue-9.cycle", ue_rig_folder());
    const char *const wrong[] = {"", "12", "x\n", "-1\n", "99999999999999999999\n", "1\n2\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(wrong[i], f);
        fclose(f);
        assert_int_equal(last_cycle_open(&last, ue_rig_folder(), 9, &err), ERR_FORMAT);
        last_cycle_free(&last);
        assert_non_null(strstr(err.text, path));
    }
    unlink(path);
    assert_int_equal(last_cycle_open(&last, ue_rig_folder(), 9, &err), OK);
    assert_true(last.covered == 0 && last.accepted == 0);
    last_cycle_free(&last);
    (void)!unlink(last.now_path);
}

static void silent_radio_is_reported(void **state)
{
    (void)state;
    struct ue_rig b;
    struct heard_burst burst;
    ue_rig_open(&b, true);
    b.base->stall = true;
    assert_int_equal(receiver_step(b.receiver, &burst), ERR_TIMEOUT);
    ue_rig_close(&b);
}

static void report_is_json_with_every_counter(void **state)
{
    (void)state;
    struct ue_rig b;
    struct heard_burst burst;
    char text[1024];
    ue_rig_open(&b, true);
    ue_rig_get_in_step(&b);
    ue_rig_next_burst(&b, &burst, 1);
    struct ue_report report = {.cycle = 5006, .receiver = b.receiver, .responder = b.responder};
    for (int with_burst = 0; with_burst < 2; with_burst++) {
        report.burst = with_burst ? &burst : NULL;
        int n = ue_report_format(&report, text, sizeof text);
        assert_in_range(n, 1, sizeof text - 1);
        json_t *root = json_loads(text, 0, NULL);
        assert_non_null(root);
        assert_string_equal(json_string_value(json_object_get(root, "state")), "track");
        assert_int_equal(json_integer_value(json_object_get(root, "answered")), 1);
        assert_int_equal(json_object_get(root, "verdict") != NULL, with_burst);
        json_decref(root);
    }
    assert_int_equal(ue_report_format(&report, text, 100), ERR_NO_SPACE);
    ue_rig_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cold_start_finds_the_burst_to_the_sample),
        cmocka_unit_test(following_captures_little),
        cmocka_unit_test(answers_start_the_agreed_delay_after_the_burst),
        cmocka_unit_test(stays_silent_until_the_sync_frame),
        cmocka_unit_test(no_permission_no_sound),
        cmocka_unit_test(a_withdrawal_is_said_and_then_kept_silent),
        cmocka_unit_test(data_of_who_withdraws_go),
        cmocka_unit_test(forged_replayed_and_foreign_frames_get_no_answer),
        cmocka_unit_test(lost_and_found_again),
        cmocka_unit_test(base_station_that_jumps_ahead_is_followed),
        cmocka_unit_test(restart_accepts_no_old_cycle),
        cmocka_unit_test(damaged_state_is_an_error),
        cmocka_unit_test(silent_radio_is_reported),
        cmocka_unit_test(report_is_json_with_every_counter),
    };
    return cmocka_run_group_tests(tests, ue_rig_make_folder, ue_rig_remove_folder);
}
