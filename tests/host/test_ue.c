/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user terminal against a base station in memory: acquisition, following, losing, answering on
 * time, and everything it must stay silent to. */
#include "tests/host/fake_base.h"

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

#include "base/state_dir.h"
#include "host/ue/responder.h"
#include "host/ue/ue_link.h"
#include "host/ue/ue_report.h"
#include "tests/frames/seed_keys.h"

#define USER        77u
#define FIRST_CYCLE 5003u

static char folder[256];

struct bench {
    struct radio *radio;
    struct fake_base *base;
    struct receiver *receiver;
    struct responder *responder;
    struct last_cycle last;
    struct permission permission;
    struct secure_keys keys;
    struct receiver_cfg cfg;
};

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

static void open_responder(struct bench *b, bool permit)
{
    struct status err = {0};
    const struct responder_cfg cfg = {
        .waveform = b->cfg.waveform,
        .response_delay_s = 0.02,
        .lead_s = b->cfg.lead_s,
        .user_id = USER,
        .permission = &b->permission,
        .answer = {.mode = 2, .height_cm = 133, .sigma_code = 1},
    };
    assert_int_equal(last_cycle_open(&b->last, folder, USER, &err), OK);
    assert_int_equal(permission_open(&b->permission, folder, USER, permit, &err), OK);
    b->responder = responder_create(&cfg, b->radio, &b->keys, &b->last, &err);
    assert_non_null(b->responder);
}

static void open_bench(struct bench *b, bool permit)
{
    struct status err = {0};
    *b = (struct bench){0};
    b->cfg = (struct receiver_cfg){.waveform = small_waveform(),
                                   .scheme = MODEM_QAM16,
                                   .carrier_hz = 1e15,
                                   .period_s = 0.1,
                                   .lead_s = 1e-3,
                                   .lost_after = 3};
    struct fake_base_cfg base = {.waveform = b->cfg.waveform,
                                 .user_id = USER,
                                 .cfo_hz = 23456.7,
                                 .noise_rms = 0.02,
                                 .first = 1234567,
                                 .period = 2500000,
                                 .first_cycle = FIRST_CYCLE};
    seed_keys(1, USER, &base.keys);
    b->keys = base.keys;
    b->radio = fake_base_open(&base);
    b->base = fake_base_of(b->radio);
    b->receiver = receiver_create(&b->cfg, b->radio, &err);
    assert_non_null(b->receiver);
    open_responder(b, permit);
}

static void close_bench(struct bench *b)
{
    responder_destroy(&b->responder);
    receiver_destroy(&b->receiver);
    radio_close(&b->radio);
    last_cycle_free(&b->last);
    (void)!unlink(b->last.path);
    (void)!unlink(b->last.now_path);
}

/* Steps until a burst is heard; fails after `limit` windows. */
static void next_burst(struct bench *b, struct heard_burst *burst, unsigned limit)
{
    int rc = ERR_NOT_FOUND;
    for (unsigned i = 0; i < limit && rc == ERR_NOT_FOUND; i++)
        rc = receiver_step(b->receiver, burst);
    assert_int_equal(rc, OK);
}

/* One burst, one verdict. */
static enum responder_verdict one_cycle(struct bench *b)
{
    struct heard_burst burst;
    uint64_t cycle = 0;
    next_burst(b, &burst, 1000);
    return responder_hear(b->responder, &burst, &cycle);
}

/* Bursts until the first sync frame has been taken and answered in this way. */
static void get_in_step_until(struct bench *b, enum responder_verdict answer)
{
    for (int i = 0; i < 20; i++)
        if (one_cycle(b) == answer)
            return;
    fail_msg("never came into step");
}

static void get_in_step(struct bench *b)
{
    get_in_step_until(b, VERDICT_ANSWERED);
}

static void cold_start_finds_the_burst_to_the_sample(void **state)
{
    (void)state;
    struct bench b;
    struct heard_burst burst;
    open_bench(&b, true);
    for (int i = 0; i < 12; i++) {
        next_burst(&b, &burst, 1000);
        int64_t start = burst.tick + llround(burst.start_samps);
        int64_t off = (start - b.base->cfg.first) % b.base->cfg.period;
        assert_in_range(off + 1, 0, 2);
        assert_float_equal(burst.cfo_hz, b.base->cfg.cfo_hz, 60);
        assert_true(burst.frame_seen);
        assert_int_equal(burst.n_cycle, i > 0);
        uint64_t cycle = FIRST_CYCLE + (uint64_t)((start - b.base->cfg.first) / b.base->cfg.period);
        uint8_t sent[SENSING_FRAME_BYTES];
        assert_int_equal(secure_seal_sensing(&b.keys, cycle, USER, sent), OK);
        assert_memory_equal(burst.sensing, sent, sizeof sent);
        assert_int_equal(burst.sync_seen, cycle % SYNC_FRAME_PERIOD == 0);
    }
    close_bench(&b);
}

static void following_captures_little(void **state)
{
    (void)state;
    struct bench b;
    struct heard_burst burst;
    open_bench(&b, true);
    next_burst(&b, &burst, 1000);
    uint64_t before = b.base->received;
    for (int i = 0; i < 10; i++)
        next_burst(&b, &burst, 1);
    assert_true((b.base->received - before) / 10 < 10000); /* of 2.5 million in a cycle */
    close_bench(&b);
}

static void answers_start_the_agreed_delay_after_the_burst(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, true);
    get_in_step(&b);
    const unsigned before = b.base->n_answer;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(one_cycle(&b), VERDICT_ANSWERED);
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
    close_bench(&b);
}

static void stays_silent_until_the_sync_frame(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, true);
    b.base->no_sync = true;
    for (int i = 0; i < 10; i++)
        assert_int_equal(one_cycle(&b), VERDICT_UNSYNCED);
    assert_int_equal(b.base->n_answer, 0);
    b.base->no_sync = false;
    get_in_step(&b);
    assert_int_equal(b.base->n_answer, 1);
    close_bench(&b);
}

static void no_permission_no_sound(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, false);
    unsigned silent = 0;
    for (int i = 0; i < 16; i++)
        silent += one_cycle(&b) == VERDICT_SILENT;
    assert_true(silent >= 8);
    assert_int_equal(b.base->n_answer, 0);
    close_bench(&b);
}

/* Three noes that tell nothing else, then silence; a restart says them again. */
static void a_withdrawal_is_said_and_then_kept_silent(void **state)
{
    (void)state;
    struct bench b;
    struct status err = {0};
    open_bench(&b, true);
    get_in_step(&b);
    for (int run = 0; run < 2; run++) {
        const unsigned before = b.base->n_answer;
        assert_int_equal(permission_withdraw(&b.permission, &err), OK);
        for (int i = run; i < PERMISSION_NOES; i++) { /* one was said when it came into step */
            assert_int_equal(one_cycle(&b), VERDICT_DECLINED);
            assert_int_equal(b.base->answer_code, OK);
            assert_false(b.base->answer.permit);
            assert_int_equal(b.base->answer.height_cm, 0);
            assert_int_equal(b.base->answer.turnaround_ds, 0);
        }
        for (int i = 0; i < 3; i++)
            assert_int_equal(one_cycle(&b), VERDICT_SILENT);
        assert_int_equal(b.base->n_answer, before + PERMISSION_NOES - (unsigned)run);
        responder_destroy(&b.responder);
        last_cycle_free(&b.last);
        open_responder(&b, true);
        get_in_step_until(&b, VERDICT_DECLINED);
    }
    assert_int_equal(permission_give(&b.permission, &err), OK);
    assert_int_equal(one_cycle(&b), VERDICT_ANSWERED);
    assert_true(b.base->answer.permit);
    close_bench(&b);
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
    struct bench b;
    struct status err = {0};
    const struct link_port_cfg cfg = {.queue = 4, .lifetime_s = 60};
    unsigned heeded = 0;
    const uint8_t packet[100] = {0};
    open_bench(&b, true);
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
    close_bench(&b);
}

static void forged_replayed_and_foreign_frames_get_no_answer(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, true);
    get_in_step(&b);
    const unsigned before = b.base->n_answer;
    for (int bit = 0; bit < 40; bit++) {
        b.base->flip_bit = bit;
        assert_int_not_equal(one_cycle(&b), VERDICT_ANSWERED);
    }
    b.base->flip_bit = -1;
    b.base->replay = true;
    for (int i = 0; i < 10; i++)
        assert_int_equal(one_cycle(&b), VERDICT_REFUSED);
    b.base->replay = false;
    seed_keys(2, USER, &b.base->cfg.keys);
    for (int i = 0; i < 10; i++)
        assert_int_equal(one_cycle(&b), VERDICT_REFUSED);
    assert_int_equal(b.base->n_answer, before);
    seed_keys(1, USER,
              &b.base->cfg.keys); /* 60 cycles on: beyond the window unless it counted along */
    get_in_step(&b);
    close_bench(&b);
}

static void lost_and_found_again(void **state)
{
    (void)state;
    struct bench b;
    struct heard_burst burst;
    open_bench(&b, true);
    get_in_step(&b);
    b.base->silent = true;
    for (int i = 0; i < 60; i++)
        assert_int_equal(receiver_step(b.receiver, &burst), ERR_NOT_FOUND);
    assert_int_equal(receiver_state(b.receiver), RECEIVER_SEARCH);
    assert_int_equal(receiver_counters(b.receiver).lost, 1);
    b.base->silent = false;
    next_burst(&b, &burst, 1000);
    assert_true(burst.n_cycle > 3);
    assert_int_equal(receiver_state(b.receiver), RECEIVER_TRACK);
    uint64_t cycle;
    assert_int_equal(responder_hear(b.responder, &burst, &cycle), VERDICT_ANSWERED);
    close_bench(&b);
}

static void base_station_that_jumps_ahead_is_followed(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, true);
    get_in_step(&b);
    b.base->cfg.first_cycle += 65536;
    enum responder_verdict verdict = one_cycle(&b);
    for (int i = 0; i < 8 && verdict != VERDICT_ANSWERED; i++) {
        assert_int_equal(verdict, VERDICT_REFUSED);
        verdict = one_cycle(&b);
    }
    assert_int_equal(verdict, VERDICT_ANSWERED);
    close_bench(&b);
}

/* What a crash leaves: nothing is written on the way out. */
static void crash(struct bench *b)
{
    responder_destroy(&b->responder);
    last_cycle_free(&b->last);
}

static void spoil_boot(const struct bench *b)
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
    struct bench b;
    struct status err = {0};
    open_bench(&b, true);
    get_in_step(&b);
    const uint64_t accepted = responder_user(b.responder)->last;
    assert_true(b.last.covered >= accepted); /* on disk before it was answered */
    crash(&b);
    open_responder(&b, true);
    assert_true(responder_user(b.responder)->last == accepted);
    crash(&b);
    spoil_boot(&b); /* the machine, too: only what the disk is known to hold counts */
    open_responder(&b, true);
    assert_true(responder_user(b.responder)->last == b.last.covered && b.last.covered > accepted);
    b.base->replay = true;
    b.base->cfg.first_cycle = accepted - accepted % 8;
    for (int i = 0; i < 4; i++)
        assert_int_equal(one_cycle(&b), VERDICT_UNSYNCED);
    assert_int_equal(last_cycle_close(&b.last, accepted, &err), OK); /* a clean end */
    crash(&b);
    open_responder(&b, true);
    assert_true(responder_user(b.responder)->last == accepted);
    close_bench(&b);
}

static void damaged_state_is_an_error(void **state)
{
    (void)state;
    struct status err = {0};
    struct last_cycle last;
    char path[300];
    snprintf(path, sizeof path, "%s/ue-9.cycle", folder);
    const char *const wrong[] = {"", "12", "x\n", "-1\n", "99999999999999999999\n", "1\n2\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(wrong[i], f);
        fclose(f);
        assert_int_equal(last_cycle_open(&last, folder, 9, &err), ERR_FORMAT);
        last_cycle_free(&last);
        assert_non_null(strstr(err.text, path));
    }
    unlink(path);
    assert_int_equal(last_cycle_open(&last, folder, 9, &err), OK);
    assert_true(last.covered == 0 && last.accepted == 0);
    last_cycle_free(&last);
    (void)!unlink(last.now_path);
}

static void silent_radio_is_reported(void **state)
{
    (void)state;
    struct bench b;
    struct heard_burst burst;
    open_bench(&b, true);
    b.base->stall = true;
    assert_int_equal(receiver_step(b.receiver, &burst), ERR_TIMEOUT);
    close_bench(&b);
}

static void report_is_json_with_every_counter(void **state)
{
    (void)state;
    struct bench b;
    struct heard_burst burst;
    char text[1024];
    open_bench(&b, true);
    get_in_step(&b);
    next_burst(&b, &burst, 1);
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
    close_bench(&b);
}

static int make_folder(void **state)
{
    (void)state;
    struct status err = {0};
    return secure_init() ? -1 : state_dir_create("mirador-test", folder, sizeof folder, &err);
}

static int remove_folder(void **state)
{
    (void)state;
    struct status err = {0};
    return state_dir_remove(folder, &err);
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
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
