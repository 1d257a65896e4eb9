/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RIS profiles and the packets that carry them: round trips of every type, bytes on the wire,
 * damage of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "frames/crc32.h"
#include "frames/ris_decoder.h"

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void patterns_pack_and_flip(void **state)
{
    (void)state;
    static const struct ris_shape shapes[] = {
        {16, 16, 1}, {64, 64, 2}, {5, 3, 3}, {1, 1, 1}, {3, 3, 2}};
    for (size_t i = 0; i < 5; i++) {
        struct ris_shape s = shapes[i];
        size_t n_element = (size_t)s.columns * s.rows;
        unsigned states = 1u << s.bits;
        uint8_t p[RIS_PATTERN_MAX] = {0};
        uint8_t flipped[RIS_PATTERN_MAX];
        for (size_t m = 0; m < n_element; m++)
            ris_pattern_set(s, p, m, (unsigned)(m * 5 + 1) % states);
        assert_true(ris_pattern_valid(s, p));
        ris_pattern_flip(s, p, flipped);
        assert_true(ris_pattern_valid(s, flipped));
        for (size_t m = 0; m < n_element; m++) {
            assert_int_equal(ris_pattern_get(s, p, m), (m * 5 + 1) % states);
            assert_int_equal(ris_pattern_get(s, flipped, m), (m * 5 + 1 + states / 2) % states);
        }
        ris_pattern_flip(s, flipped, flipped);
        assert_memory_equal(p, flipped, ris_pattern_bytes(s));
    }
    assert_int_equal(ris_pattern_bytes((struct ris_shape){64, 64, 2}), RIS_PATTERN_MAX);
    assert_int_equal(ris_pattern_bytes((struct ris_shape){64, 64, 3}), 0);
    assert_int_equal(ris_pattern_bytes((struct ris_shape){0, 64, 1}), 0);
    assert_false(ris_pattern_valid((struct ris_shape){3, 1, 1}, (const uint8_t[]){0x08}));
}

/* FNV-1a of published vectors, and of a profile as its definition spells it. */
static void hashes_are_fnv1a(void **state)
{
    (void)state;
    assert_true(ris_hash_update(RIS_HASH_START, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(ris_hash_update(RIS_HASH_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(ris_hash_update(RIS_HASH_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
    uint8_t p[2] = {0xA5, 0x01};
    assert_true(ris_profile_hash((struct ris_shape){3, 3, 1}, p) ==
                ris_hash_update(RIS_HASH_START, (const uint8_t[]){3, 3, 1, 0xA5, 0x01}, 5));
    uint64_t hashes[2] = {0x0102030405060708, 9};
    assert_true(ris_arm_hash(hashes, 2) ==
                ris_hash_update(RIS_HASH_START,
                                (const uint8_t[]){8, 7, 6, 5, 4, 3, 2, 1, 9, 0, 0, 0, 0, 0, 0, 0},
                                16));
}

static void random_bytes(void *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)to)[i] = (uint8_t)draw(256);
}

static struct ris_msg random_load(void)
{
    struct ris_msg m = {.type = RIS_LOAD};
    m.load.slot = (uint16_t)draw(65536);
    m.load.shape = (struct ris_shape){64, 64, 2};
    m.load.offset = (uint16_t)(draw(4) * RIS_CHUNK_MAX);
    m.load.n = (uint8_t)(1 + draw(RIS_CHUNK_MAX));
    m.load.hash = (uint64_t)draw(1u << 24) << 40 | draw(1u << 24);
    if (m.load.offset + m.load.n > RIS_PATTERN_MAX)
        m.load.n = 1;
    random_bytes(m.load.data, m.load.n);
    return m;
}

static struct ris_msg random_arm(void)
{
    struct ris_msg m = {.type = RIS_ARM};
    m.arm.tag = draw(1u << 24);
    m.arm.delay_ns = draw(1u << 24);
    m.arm.period_ns = 1 + draw(1u << 24);
    m.arm.idle = (uint16_t)draw(65536);
    m.arm.n_edges = (uint8_t)(1 + draw(RIS_EDGES_MAX));
    m.arm.n_steps = (uint8_t)(1 + draw(RIS_STEPS_MAX));
    for (size_t i = 0; i < m.arm.n_edges; i++)
        m.arm.reps[i] = (uint16_t)(1 + draw(65535));
    for (size_t i = 0; i < m.arm.n_steps; i++)
        m.arm.steps[i] = (uint16_t)draw(65536);
    return m;
}

static struct ris_msg random_answer(uint8_t type)
{
    struct ris_msg m = {.type = type};
    if (type == RIS_ACK) {
        m.ack = (struct ris_ack){RIS_LOAD, draw(1u << 24), UINT64_C(1) << 40};
    } else if (type == RIS_NACK) {
        m.nack = (struct ris_refusal){RIS_ARM, (uint8_t)draw(RIS_NACK_HARDWARE + 1)};
    } else if (type == RIS_INFO) {
        m.info = (struct ris_info){1, {16, 8, 2}, 64, 0x0102, 0xdeadbeef};
    } else if (type == RIS_PROFILE) {
        m.profile.slot = RIS_SLOT_ACTIVE;
        m.profile.source = RIS_FROM_CHAIN;
        m.profile.shape = (struct ris_shape){16, 16, 1};
        m.profile.n = 32;
        m.profile.hash = UINT64_MAX - 5;
        random_bytes(m.profile.data, 32);
    } else if (type == RIS_STATE) {
        random_bytes(&m.state, sizeof m.state);
        m.state.mode = RIS_ARMED;
        m.state.trigger = RIS_TRIGGER_FALLING;
        m.state.edges_left = 3;
        m.state.last_nack = RIS_NACK_ORDER;
    }
    return m;
}

static struct ris_msg random_msg(void)
{
    static const uint8_t types[] = {RIS_HELLO,    RIS_LOAD,    RIS_ARM,    RIS_APPLY, RIS_TRIGGER,
                                    RIS_READBACK, RIS_STATUS,  RIS_DISARM, RIS_ACK,   RIS_NACK,
                                    RIS_INFO,     RIS_PROFILE, RIS_STATE};
    uint8_t type = types[draw(sizeof types)];
    struct ris_msg m = {.type = type};
    if (type == RIS_LOAD)
        m = random_load();
    else if (type == RIS_ARM)
        m = random_arm();
    else if (type == RIS_APPLY)
        m.ask = (struct ris_ask){.slot = (uint16_t)draw(65536), .value = RIS_AT_EDGE};
    else if (type == RIS_TRIGGER)
        m.ask.value = RIS_TRIGGER_FALLING;
    else if (type == RIS_READBACK)
        m.ask = (struct ris_ask){.slot = RIS_SLOT_ACTIVE, .offset = (uint16_t)draw(65536)};
    else if (type >= RIS_ACK)
        m = random_answer(type);
    m.seq = (uint16_t)draw(65536);
    return m;
}

/* Encoding what was parsed gives the same bytes, so nothing was lost or invented. */
static void every_type_comes_back(void **state)
{
    (void)state;
    struct ris_decoder d;
    seed = 7;
    ris_decoder_init(&d);
    for (int trial = 0; trial < 4000; trial++) {
        struct ris_msg m = random_msg();
        struct ris_msg got = {.type = 0};
        uint8_t wire[RIS_WIRE_MAX], again[RIS_WIRE_MAX];
        int n = ris_msg_encode(&m, wire, sizeof wire);
        assert_in_range(n, 9, RIS_WIRE_MAX);
        int messages = 0;
        for (int i = 0; i < n; i++)
            messages += ris_decoder_push(&d, wire[i], &got);
        assert_int_equal(messages, 1);
        assert_int_equal(got.type, m.type);
        assert_int_equal(got.seq, m.seq);
        assert_int_equal(ris_msg_encode(&got, again, sizeof again), n);
        assert_memory_equal(wire, again, (size_t)n);
        assert_int_equal(ris_msg_encode(&m, again, (size_t)n - 1), ERR_NO_SPACE);
    }
    assert_int_equal(d.n_good, 4000);
    assert_int_equal(d.n_bad, 0);
}

/* The example of docs/ris-protocol.md. */
static void the_wire_is_as_documented(void **state)
{
    (void)state;
    const struct ris_msg apply = {
        .type = RIS_APPLY, .seq = 0x0102, .ask = {.slot = 5, .value = RIS_NOW}};
    uint8_t wire[RIS_WIRE_MAX];
    int n = ris_msg_encode(&apply, wire, sizeof wire);
    uint32_t crc = crc32_update(0, (const uint8_t[]){0x04, 0x02, 0x01, 0x05, 0x00, 0x00}, 6);
    const uint8_t expected[] = {0,
                                0x05,
                                0x04,
                                0x02,
                                0x01,
                                0x05, /* block of four, then a zero */
                                0x01, /* a zero alone */
                                0x05,
                                (uint8_t)crc,
                                (uint8_t)(crc >> 8),
                                (uint8_t)(crc >> 16),
                                (uint8_t)(crc >> 24),
                                0};
    assert_int_equal(n, sizeof expected);
    assert_memory_equal(wire, expected, sizeof expected);
}

static void values_out_of_range_are_not_sent(void **state)
{
    (void)state;
    uint8_t wire[RIS_WIRE_MAX];
    struct ris_msg m = random_arm();
    m.arm.period_ns = 0;
    assert_int_equal(ris_msg_encode(&m, wire, sizeof wire), ERR_ARG);
    m = random_arm();
    m.arm.reps[0] = 0;
    assert_int_equal(ris_msg_encode(&m, wire, sizeof wire), ERR_ARG);
    m = random_arm();
    m.arm.n_steps = RIS_STEPS_MAX + 1;
    assert_int_equal(ris_msg_encode(&m, wire, sizeof wire), ERR_ARG);
    m = random_load();
    m.load.shape.columns = 2; /* the chunk no longer fits its pattern */
    m.load.offset = 16;
    assert_int_equal(ris_msg_encode(&m, wire, sizeof wire), ERR_ARG);
    m = (struct ris_msg){.type = 0x42};
    assert_int_equal(ris_msg_encode(&m, wire, sizeof wire), ERR_ARG);
}

/* An intact frame with a type of the future can be refused by its name and number. */
static void unknown_types_keep_their_number(void **state)
{
    (void)state;
    uint8_t frame[7] = {0x42, 0x34, 0x12};
    uint32_t crc = crc32_update(0, frame, 3);
    for (int i = 0; i < 4; i++)
        frame[3 + i] = (uint8_t)(crc >> 8 * i);
    struct ris_msg m;
    assert_int_equal(ris_msg_parse(frame, 7, &m), ERR_ARG);
    assert_int_equal(m.type, 0x42);
    assert_int_equal(m.seq, 0x1234);
    frame[1] ^= 1;
    assert_int_equal(ris_msg_parse(frame, 7, &m), ERR_CRC);
    assert_int_equal(ris_msg_parse(frame, 6, &m), ERR_FORMAT);
}

/* Every single bit error on the wire, and every truncation, is noticed; the next packet is read. */
static void damage_is_noticed_and_survived(void **state)
{
    (void)state;
    seed = 3;
    struct ris_msg m = random_load();
    struct ris_msg got;
    uint8_t wire[RIS_WIRE_MAX];
    int n = ris_msg_encode(&m, wire, sizeof wire);
    for (int bit = 8; bit < (n - 1) * 8; bit++) {
        struct ris_decoder d;
        int good = 0;
        ris_decoder_init(&d);
        wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
        for (int i = 0; i < n; i++)
            good += ris_decoder_push(&d, wire[i], &got) == 1;
        wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(good, 0);
        for (int i = 0; i < n; i++)
            good += ris_decoder_push(&d, wire[i], &got) == 1;
        assert_int_equal(good, 1);
    }
    for (int cut = 1; cut < n; cut++) {
        struct ris_decoder d;
        int good = 0;
        ris_decoder_init(&d);
        for (int i = 0; i < cut; i++)
            good += ris_decoder_push(&d, wire[i], &got) == 1;
        for (int i = 0; i < n; i++)
            good += ris_decoder_push(&d, wire[i], &got) == 1;
        assert_in_range(good, 1, 1 + (cut == n - 1)); /* only its last delimiter was missing */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_pack_and_flip),
        cmocka_unit_test(hashes_are_fnv1a),
        cmocka_unit_test(every_type_comes_back),
        cmocka_unit_test(the_wire_is_as_documented),
        cmocka_unit_test(values_out_of_range_are_not_sent),
        cmocka_unit_test(unknown_types_keep_their_number),
        cmocka_unit_test(damage_is_noticed_and_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
