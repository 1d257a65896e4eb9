/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The board's logic on made-up hardware: a shift chain with its latch, a timer and a trigger pin
 * that the test moves by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "firmware/core/ris_core.h"

#define SHAPE   ((struct ris_shape){16, 16, 1})
#define BYTES   32
#define N_SLOTS 8

struct bench {
    struct ris_core core;
    uint8_t patterns[N_SLOTS * RIS_PATTERN_MAX];
    uint64_t hashes[N_SLOTS];
    struct ris_decoder answers;
    struct ris_msg answer;
    int n_answer;
    uint16_t seq;

    uint8_t chain[RIS_PATTERN_MAX], diodes[RIS_PATTERN_MAX];
    int n_latch;
    uint32_t delay_ns, period_ns; /* of the running timer, period 0 = stopped */
    bool chain_wired;
    int refuse; /* what commit returns */
    int n_commit;
    struct ris_change change; /* the last one */
};

static void hw_send(void *ctx, const uint8_t *bytes, size_t n)
{
    struct bench *b = ctx;
    for (size_t i = 0; i < n; i++) {
        int r = ris_decoder_push(&b->answers, bytes[i], &b->answer);
        assert_in_range(r, 0, 1); /* a board never sends damage */
        b->n_answer += r;
    }
}

static uint64_t hw_now(void *ctx)
{
    (void)ctx;
    return 123456;
}

static void hw_shift(void *ctx, const uint8_t *pattern, size_t n)
{
    memcpy(((struct bench *)ctx)->chain, pattern, n);
}

static void hw_latch(void *ctx)
{
    struct bench *b = ctx;
    memcpy(b->diodes, b->chain, sizeof b->diodes);
    b->n_latch++;
}

static void hw_timer(void *ctx, uint32_t delay_ns, uint32_t period_ns)
{
    struct bench *b = ctx;
    b->delay_ns = delay_ns;
    b->period_ns = period_ns;
}

static void hw_trigger(void *ctx, enum ris_trigger source)
{
    (void)ctx, (void)source;
}

static bool hw_chain(void *ctx, uint8_t *pattern, size_t n)
{
    struct bench *b = ctx;
    memcpy(pattern, b->diodes, n);
    return b->chain_wired;
}

static int hw_commit(void *ctx, const struct ris_change *change)
{
    struct bench *b = ctx;
    b->n_commit++;
    b->change = *change;
    return b->refuse;
}

static void bench_init(struct bench *b, struct ris_shape shape)
{
    memset(b, 0, sizeof *b);
    struct ris_hw hw = {b,        hw_send,    hw_now,   hw_shift, hw_latch,
                        hw_timer, hw_trigger, hw_chain, hw_commit};
    struct ris_core_cfg cfg = {.shape = shape,
                               .n_slots = N_SLOTS,
                               .patterns = b->patterns,
                               .hashes = b->hashes,
                               .boot_id = 42,
                               .trigger = RIS_TRIGGER_RISING};
    ris_decoder_init(&b->answers);
    assert_int_equal(ris_core_init(&b->core, &cfg, &hw), OK);
}

static void feed(struct bench *b, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ris_core_byte(&b->core, bytes[i]);
}

static size_t encode(const struct ris_msg *m, uint8_t *wire)
{
    int n = ris_msg_encode(m, wire, RIS_WIRE_MAX);
    assert_true(n > 0);
    return (size_t)n;
}

/* Sends m under the next number; the answer is in b->answer. */
static void ask(struct bench *b, struct ris_msg m)
{
    uint8_t wire[RIS_WIRE_MAX];
    int before = b->n_answer;
    m.seq = ++b->seq;
    feed(b, wire, encode(&m, wire));
    assert_int_equal(b->n_answer, before + 1);
    assert_int_equal(b->answer.seq, m.seq);
}

static void expect_ack(struct bench *b, struct ris_msg m)
{
    ask(b, m);
    assert_int_equal(b->answer.type, RIS_ACK);
    assert_int_equal(b->answer.ack.type, m.type);
    assert_int_equal(b->answer.ack.board_us, 123456);
}

static void expect_nack(struct bench *b, struct ris_msg m, enum ris_nack reason)
{
    ask(b, m);
    assert_int_equal(b->answer.type, RIS_NACK);
    assert_int_equal(b->answer.nack.type, m.type);
    assert_int_equal(b->answer.nack.reason, reason);
}

static void pattern_of(uint8_t *p, unsigned which, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(which * 31 + i * 7 + 1);
}

static struct ris_msg load_msg(uint16_t slot, unsigned which)
{
    struct ris_msg m = {.type = RIS_LOAD};
    m.load.slot = slot;
    m.load.shape = SHAPE;
    m.load.n = BYTES;
    pattern_of(m.load.data, which, BYTES);
    m.load.hash = ris_profile_hash(SHAPE, m.load.data);
    return m;
}

static struct ris_msg arm_msg(void)
{
    struct ris_msg m = {.type = RIS_ARM};
    m.arm = (struct ris_arm){.tag = 9,
                             .delay_ns = 5000,
                             .period_ns = 92160,
                             .idle = 0,
                             .n_edges = 2,
                             .n_steps = 3,
                             .reps = {2, 1},
                             .steps = {1, 2, 1}};
    return m;
}

static struct ris_msg apply_msg(uint16_t slot, enum ris_when when)
{
    return (struct ris_msg){.type = RIS_APPLY, .ask = {.slot = slot, .value = (uint8_t)when}};
}

static bool diodes_show(const struct bench *b, unsigned which)
{
    uint8_t p[BYTES];
    pattern_of(p, which, BYTES);
    return memcmp(b->diodes, p, BYTES) == 0;
}

static void load_three(struct bench *b)
{
    for (uint16_t slot = 0; slot < 3; slot++)
        expect_ack(b, load_msg(slot, slot));
}

static void it_says_who_it_is(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, SHAPE);
    ask(&b, (struct ris_msg){.type = RIS_HELLO});
    assert_int_equal(b.answer.type, RIS_INFO);
    assert_true(ris_shape_equal(b.answer.info.shape, SHAPE));
    assert_int_equal(b.answer.info.n_slots, N_SLOTS);
    assert_int_equal(b.answer.info.boot_id, 42);
    ask(&b, (struct ris_msg){.type = RIS_STATUS});
    assert_int_equal(b.answer.type, RIS_STATE);
    assert_int_equal(b.answer.state.mode, RIS_DARK);
    assert_int_equal(b.n_latch, 0); /* outputs stay off until there is something to show */
}

static void edges_step_the_sequence(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, SHAPE);
    load_three(&b);
    expect_ack(&b, arm_msg());
    uint64_t hashes[] = {b.hashes[1], b.hashes[2], b.hashes[1], b.hashes[0]};
    assert_true(b.answer.ack.hash == ris_arm_hash(hashes, 4));
    assert_int_equal(b.change.kind, RIS_REPORT_ARM);
    assert_true(diodes_show(&b, 0)); /* idle from ARM on */

    static const unsigned steps[] = {1, 2, 1};
    for (unsigned edge = 0; edge < 2; edge++) {
        ris_core_edge(&b.core);
        assert_int_equal(b.delay_ns, 5000);
        assert_int_equal(b.period_ns, 92160);
        assert_true(diodes_show(&b, 0)); /* nothing before the delay has passed */
        for (unsigned k = 0; k < (edge == 0 ? 6u : 3u); k++) {
            ris_core_timer(&b.core);
            assert_true(diodes_show(&b, steps[k % 3]));
        }
        assert_int_equal(b.period_ns, 92160);
        ris_core_timer(&b.core);
        assert_true(diodes_show(&b, 0));
        assert_int_equal(b.period_ns, 0);
    }
    ris_core_timer(&b.core); /* a tick that comes too late */
    ris_core_edge(&b.core);  /* and an edge nobody armed for */
    assert_true(diodes_show(&b, 0));
    ask(&b, (struct ris_msg){.type = RIS_STATUS});
    assert_int_equal(b.answer.state.mode, RIS_IDLE);
    assert_int_equal(b.answer.state.edges, 3);
    assert_int_equal(b.answer.state.stray_edges, 1);
    assert_int_equal(b.answer.state.sequences, 1);
    assert_int_equal(b.answer.state.tag, 9);
}

static void a_running_sequence_is_left_alone(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, SHAPE);
    load_three(&b);
    expect_ack(&b, arm_msg());
    expect_ack(&b, arm_msg()); /* before its edge it may be replaced */
    ris_core_edge(&b.core);
    ris_core_timer(&b.core);
    expect_nack(&b, arm_msg(), RIS_NACK_BUSY);
    expect_nack(&b, apply_msg(1, RIS_NOW), RIS_NACK_BUSY);
    expect_nack(&b, load_msg(2, 5), RIS_NACK_BUSY);
    expect_ack(&b, load_msg(5, 5));
    ris_core_edge(&b.core); /* stray while it runs */
    assert_true(diodes_show(&b, 1));
    expect_ack(&b, (struct ris_msg){.type = RIS_DISARM});
    assert_int_equal(b.period_ns, 0);
    assert_true(diodes_show(&b, 0));
    expect_ack(&b, load_msg(2, 5));
}

static void apply_shows_at_once_or_at_the_edge(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, SHAPE);
    load_three(&b);
    expect_ack(&b, apply_msg(1, RIS_NOW));
    assert_true(b.answer.ack.hash == b.hashes[1]);
    assert_true(diodes_show(&b, 1));
    expect_ack(&b, apply_msg(2, RIS_AT_EDGE));
    assert_int_equal(b.change.kind, RIS_REPORT_APPLY_AT_EDGE);
    assert_true(diodes_show(&b, 1));
    ris_core_edge(&b.core);
    assert_true(diodes_show(&b, 2));
    expect_ack(&b, apply_msg(0, RIS_AT_EDGE));
    expect_ack(&b, (struct ris_msg){.type = RIS_DISARM});
    assert_memory_equal(b.chain, b.diodes, BYTES); /* a read-back reads what shows */
    ris_core_edge(&b.core);
    assert_true(diodes_show(&b, 2));
    /* What shows survives a load into its slot. */
    expect_ack(&b, load_msg(2, 6));
    ask(&b, (struct ris_msg){.type = RIS_READBACK, .ask = {.slot = RIS_SLOT_ACTIVE}});
    assert_memory_equal(b.answer.profile.data, b.diodes, BYTES);
    assert_true(diodes_show(&b, 2));
}

static void every_refusal_has_its_reason(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, SHAPE);
    struct ris_msg m = load_msg(0, 0);
    m.load.shape = (struct ris_shape){16, 16, 2};
    expect_nack(&b, m, RIS_NACK_SHAPE);
    expect_nack(&b, load_msg(N_SLOTS, 0), RIS_NACK_SLOT);
    m = load_msg(0, 0);
    m.load.hash ^= 1;
    expect_nack(&b, m, RIS_NACK_HASH);
    expect_nack(&b, apply_msg(0, RIS_NOW), RIS_NACK_EMPTY);
    expect_nack(&b, apply_msg(N_SLOTS, RIS_NOW), RIS_NACK_SLOT);
    expect_nack(&b, arm_msg(), RIS_NACK_EMPTY);
    ask(&b, (struct ris_msg){.type = RIS_READBACK, .ask = {.slot = RIS_SLOT_ACTIVE}});
    assert_int_equal(b.answer.nack.reason, RIS_NACK_EMPTY);
    load_three(&b);
    ask(&b, (struct ris_msg){.type = RIS_READBACK, .ask = {.slot = 0, .offset = BYTES}});
    assert_int_equal(b.answer.nack.reason, RIS_NACK_RANGE);
    expect_ack(&b, (struct ris_msg){.type = RIS_TRIGGER});
    expect_nack(&b, arm_msg(), RIS_NACK_TRIGGER);
    expect_nack(&b, apply_msg(0, RIS_AT_EDGE), RIS_NACK_TRIGGER);
    m = (struct ris_msg){.type = RIS_TRIGGER, .ask = {.value = RIS_TRIGGER_FALLING}};
    expect_ack(&b, m);
    b.refuse = ERR_TIMEOUT;
    expect_nack(&b, arm_msg(), RIS_NACK_HARDWARE);
    expect_nack(&b, apply_msg(1, RIS_NOW), RIS_NACK_HARDWARE);
    assert_int_equal(b.n_latch, 0);
    b.refuse = 0;
    expect_ack(&b, arm_msg());
    m.ask.value = RIS_TRIGGER_RISING;
    expect_nack(&b, m, RIS_NACK_BUSY);
    ask(&b, (struct ris_msg){.type = RIS_STATUS});
    assert_int_equal(b.answer.state.nacks, 13);
    assert_int_equal(b.answer.state.last_nack, RIS_NACK_BUSY);
}

/* An answer lost on its way: the same request again is answered and not done again. */
static void a_repeated_request_is_done_once(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, SHAPE);
    load_three(&b);
    uint8_t wire[RIS_WIRE_MAX];
    struct ris_msg m = apply_msg(1, RIS_NOW);
    m.seq = ++b.seq;
    size_t n = encode(&m, wire);
    feed(&b, wire, n);
    feed(&b, wire, n);
    assert_int_equal(b.n_commit, 1);
    assert_int_equal(b.n_latch, 1);
    assert_int_equal(b.n_answer, 5);
    m.seq = ++b.seq;
    feed(&b, wire, encode(&m, wire));
    assert_int_equal(b.n_commit, 2);
}

static void large_profiles_come_in_pieces(void **state)
{
    (void)state;
    static struct bench b;
    const struct ris_shape shape = {64, 64, 2};
    uint8_t whole[RIS_PATTERN_MAX];
    bench_init(&b, shape);
    pattern_of(whole, 3, sizeof whole);
    struct ris_msg m = {.type = RIS_LOAD};
    m.load.slot = 4;
    m.load.shape = shape;
    m.load.hash = ris_profile_hash(shape, whole);
    for (size_t at = 0; at < sizeof whole; at += RIS_CHUNK_MAX) {
        size_t left = sizeof whole - at;
        m.load.offset = (uint16_t)at;
        m.load.n = (uint8_t)(left < RIS_CHUNK_MAX ? left : RIS_CHUNK_MAX);
        memcpy(m.load.data, whole + at, m.load.n);
        if (at == 2 * RIS_CHUNK_MAX) { /* one is missing: the load is given up, the slot stays */
            struct ris_msg skipped = m;
            skipped.load.offset = (uint16_t)(at + RIS_CHUNK_MAX);
            expect_nack(&b, skipped, RIS_NACK_ORDER);
            expect_nack(&b, m, RIS_NACK_ORDER);
            assert_true(b.hashes[4] == 0);
            break;
        }
        expect_ack(&b, m);
    }
    for (size_t at = 0; at < sizeof whole; at += m.load.n) {
        size_t left = sizeof whole - at;
        m.load.offset = (uint16_t)at;
        m.load.n = (uint8_t)(left < RIS_CHUNK_MAX ? left : RIS_CHUNK_MAX);
        memcpy(m.load.data, whole + at, m.load.n);
        expect_ack(&b, m);
    }
    for (size_t at = 0; at < sizeof whole; at += b.answer.profile.n) {
        ask(&b, (struct ris_msg){.type = RIS_READBACK, .ask = {.slot = 4, .offset = (uint16_t)at}});
        assert_int_equal(b.answer.type, RIS_PROFILE);
        assert_true(b.answer.profile.hash == m.load.hash);
        assert_memory_equal(b.answer.profile.data, whole + at, b.answer.profile.n);
    }
}

static void it_reads_the_chain_where_it_is_wired(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, SHAPE);
    load_three(&b);
    expect_ack(&b, apply_msg(1, RIS_NOW));
    const struct ris_msg active = {.type = RIS_READBACK, .ask = {.slot = RIS_SLOT_ACTIVE}};
    ask(&b, active);
    assert_int_equal(b.answer.profile.source, RIS_FROM_RAM);
    b.chain_wired = true;
    b.diodes[3] ^= 4; /* an element that does not follow */
    ask(&b, active);
    assert_int_equal(b.answer.profile.source, RIS_FROM_CHAIN);
    assert_memory_equal(b.answer.profile.data, b.diodes, BYTES);
    assert_true(b.answer.profile.hash != b.hashes[1]);
}

/* Garbage, half packets and echoes between the packets: all counted, none answered, none obeyed. */
static void noise_on_the_line_does_no_harm(void **state)
{
    (void)state;
    static struct bench b;
    uint32_t seed = 5;
    uint8_t wire[RIS_WIRE_MAX];
    bench_init(&b, SHAPE);
    load_three(&b);
    for (int round = 0; round < 500; round++) {
        int answers = b.n_answer;
        for (int i = 0; i < 40; i++) {
            seed = seed * 1664525u + 1013904223u;
            ris_core_byte(&b.core, (uint8_t)(seed >> 16));
        }
        struct ris_msg half = load_msg(1, (unsigned)round);
        feed(&b, wire, encode(&half, wire) / 2);
        feed(&b, wire, encode(&b.answer, wire)); /* its own words come back */
        assert_int_equal(b.n_answer, answers);
        expect_ack(&b, load_msg((uint16_t)(round % N_SLOTS), (unsigned)round));
        assert_int_equal(b.n_latch, 0);
    }
    ask(&b, (struct ris_msg){.type = RIS_STATUS});
    assert_true(b.answer.state.bad_packets >= 500);
    assert_int_equal(b.answer.state.nacks, 0);
}

static void a_bad_configuration_is_refused(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, SHAPE);
    struct ris_core_cfg cfg = {.shape = {65, 1, 1}, .n_slots = 1};
    assert_int_equal(ris_core_init(&b.core, &cfg, &b.core.hw), ERR_ARG);
    cfg = (struct ris_core_cfg){.shape = SHAPE};
    assert_int_equal(ris_core_init(&b.core, &cfg, &b.core.hw), ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_who_it_is),
        cmocka_unit_test(edges_step_the_sequence),
        cmocka_unit_test(a_running_sequence_is_left_alone),
        cmocka_unit_test(apply_shows_at_once_or_at_the_edge),
        cmocka_unit_test(every_refusal_has_its_reason),
        cmocka_unit_test(a_repeated_request_is_done_once),
        cmocka_unit_test(large_profiles_come_in_pieces),
        cmocka_unit_test(it_reads_the_chain_where_it_is_wired),
        cmocka_unit_test(noise_on_the_line_does_no_harm),
        cmocka_unit_test(a_bad_configuration_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
