/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The misbehaving terminal: every bit gets its turn, and a base station refuses all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "frames/secure.h"
#include "host/ue/attack.h"

enum { BITS = 8 * RESPONSE_FRAME_BYTES, CHECKED_BITS = BITS - 16 };

static struct secure_keys keys;

static int make_keys(void **state)
{
    (void)state;
    uint8_t master[SECURE_MASTER_BYTES] = {7};
    secure_keys_derive(master, &keys);
    return secure_init();
}

/* What the base station says to the answer of a cycle after the attack. */
static int answer(struct attack *attack, uint64_t cycle, uint8_t diff[RESPONSE_FRAME_BYTES])
{
    const struct response truth = {.permit = true, .mode = 2, .height_cm = 120, .sigma_code = 1};
    uint8_t sensing[SENSING_FRAME_BYTES], frame[RESPONSE_FRAME_BYTES], sent[RESPONSE_FRAME_BYTES];
    struct secure_expectation expect;
    struct response out;
    assert_int_equal(secure_seal_sensing(&keys, cycle, 5, sensing), OK);
    secure_expect(&expect, cycle, sensing);
    assert_int_equal(secure_seal_response(&keys, cycle, sensing, &truth, frame), OK);
    memcpy(sent, frame, sizeof sent);
    attack_apply(attack, cycle, sent);
    for (size_t i = 0; i < sizeof sent; i++)
        diff[i] = sent[i] ^ frame[i];
    return secure_open_response(&expect, &keys, sent, &out);
}

static void none_changes_nothing(void **state)
{
    (void)state;
    static const enum attack_kind kinds[] = {ATTACK_NONE, ATTACK_JAM}; /* of one's own answer */
    uint8_t diff[RESPONSE_FRAME_BYTES], zero[RESPONSE_FRAME_BYTES] = {0};
    for (size_t i = 0; i < 2; i++) {
        struct attack attack = {.kind = kinds[i]};
        assert_int_equal(answer(&attack, 1000, diff), OK);
        assert_memory_equal(diff, zero, sizeof diff);
    }
}

static void flips_reach_every_bit_and_none_passes(void **state)
{
    (void)state;
    struct attack attack = {.kind = ATTACK_FLIP};
    uint8_t all[RESPONSE_FRAME_BYTES] = {0}, diff[RESPONSE_FRAME_BYTES];
    for (uint64_t cycle = 1000; cycle < 1000 + BITS; cycle++) {
        unsigned n = 0;
        assert_int_not_equal(answer(&attack, cycle, diff), OK);
        for (size_t i = 0; i < sizeof diff; i++) {
            n += (unsigned)__builtin_popcount(diff[i]);
            all[i] |= diff[i];
        }
        assert_int_equal(n, 1);
    }
    for (size_t i = 0; i < sizeof all; i++)
        assert_int_equal(all[i], 0xff);
}

static void forgeries_pass_the_checksum_and_nothing_else(void **state)
{
    (void)state;
    struct attack attack = {.kind = ATTACK_FORGE};
    uint8_t diff[RESPONSE_FRAME_BYTES];
    for (uint64_t cycle = 1000; cycle < 1000 + CHECKED_BITS; cycle++) {
        int rc = answer(&attack, cycle, diff);
        assert_int_not_equal(rc, OK);
        assert_int_not_equal(rc, ERR_CRC);
    }
}

static void replays_pass_once(void **state)
{
    (void)state;
    struct attack attack = {.kind = ATTACK_REPLAY};
    uint8_t diff[RESPONSE_FRAME_BYTES];
    assert_int_equal(answer(&attack, 1000, diff), OK);
    for (uint64_t cycle = 1001; cycle < 1300; cycle++) /* beyond the 7-bit timestamp's turn */
        assert_int_equal(answer(&attack, cycle, diff), ERR_AUTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_changes_nothing),
        cmocka_unit_test(flips_reach_every_bit_and_none_passes),
        cmocka_unit_test(forgeries_pass_the_checksum_and_nothing_else),
        cmocka_unit_test(replays_pass_once),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
