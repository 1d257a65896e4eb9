/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Layout of the three air frames: widths, reserved bits, checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "frames/bits.h"
#include "frames/crc.h"
#include "frames/response_frame.h"
#include "frames/sensing_frame.h"
#include "frames/sync_frame.h"

static void checksums_match_their_check_values(void **state)
{
    (void)state;
    const uint8_t text[] = "123456789";
    assert_int_equal(crc8(text, 9), 0xF4);
    assert_int_equal(crc16(text, 9), 0x29B1);
    assert_int_equal(crc8(text, 0), 0);
    assert_int_equal(crc16(text, 0), 0xFFFF);
}

static void little_endian_both_ways(void **state)
{
    (void)state;
    uint8_t b[8];
    le64_put(b, 0x0102030405060708u);
    assert_int_equal(b[0], 8);
    assert_int_equal(b[7], 1);
    assert_true(le64_get(b) == 0x0102030405060708u);
    assert_int_equal(le16_get(b), 0x0708);
    assert_int_equal(le32_get(b), 0x05060708);
}

static void sensing_frame_refuses_wide_fields(void **state)
{
    (void)state;
    uint8_t out[SENSING_FRAME_BYTES];
    struct sensing_frame f = {.timestamp = 128, .user_id = 1};
    assert_int_equal(sensing_frame_pack(&f, 0, out), ERR_ARG);
    f = (struct sensing_frame){.timestamp = 1, .user_id = SENSING_USER_ID_MAX + 1};
    assert_int_equal(sensing_frame_pack(&f, 0, out), ERR_ARG);
    f.user_id = SENSING_USER_ID_MAX;
    assert_int_equal(sensing_frame_pack(&f, 1u << SENSING_SECRET_BITS, out), ERR_ARG);
    assert_int_equal(sensing_frame_pack(&f, 0, out), OK);
}

/* Without any key the CRC and the preamble catch every single flip (the CRC alone cannot stop a
 * forger, which is why the user compares whole values). */
static void sensing_frame_catches_single_flips(void **state)
{
    (void)state;
    uint8_t bytes[SENSING_FRAME_BYTES];
    const struct sensing_frame sent = {.timestamp = 93, .user_id = 0xABCDE};
    const uint32_t stream = 0x5A5A5A5;
    assert_int_equal(sensing_frame_pack(&sent, stream, bytes), OK);
    struct sensing_frame got;
    assert_int_equal(sensing_frame_unpack(bytes, stream, &got), OK);
    assert_int_equal(got.timestamp, 93);
    assert_int_equal(got.user_id, 0xABCDE);
    assert_int_equal(sensing_frame_timestamp(bytes), 93);
    for (unsigned bit = 0; bit < 40; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(sensing_frame_unpack(bytes, stream, &got), OK);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void response_body_keeps_every_field(void **state)
{
    (void)state;
    const struct response cases[] = {
        {.permit = true, .mode = 3, .height_cm = 4095, .sigma_code = 3, .turnaround_ds = 511},
        {.permit = false, .mode = 0, .height_cm = 0, .sigma_code = 0, .turnaround_ds = -512},
        {.permit = true, .mode = 1, .height_cm = 123, .sigma_code = 2, .turnaround_ds = -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t body[RESPONSE_BODY_BYTES];
        struct response got;
        assert_int_equal(response_body_pack(&cases[i], body), OK);
        assert_int_equal(response_body_unpack(body, &got), OK);
        assert_int_equal(got.permit, cases[i].permit);
        assert_int_equal(got.mode, cases[i].mode);
        assert_int_equal(got.height_cm, cases[i].height_cm);
        assert_int_equal(got.sigma_code, cases[i].sigma_code);
        assert_int_equal(got.turnaround_ds, cases[i].turnaround_ds);
    }
}

static void response_body_refuses_what_does_not_fit(void **state)
{
    (void)state;
    const struct response wrong[] = {
        {.mode = 4},
        {.height_cm = 4096},
        {.sigma_code = 4},
        {.turnaround_ds = 512},
        {.turnaround_ds = -513},
    };
    uint8_t body[RESPONSE_BODY_BYTES];
    struct response got;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(response_body_pack(&wrong[i], body), ERR_ARG);
    assert_int_equal(response_body_pack(&(struct response){.permit = true}, body), OK);
    for (unsigned bit = 0; bit < 5; bit++) {
        uint8_t reserved[RESPONSE_BODY_BYTES];
        memcpy(reserved, body, sizeof body);
        reserved[3] |= (uint8_t)(1u << bit);
        assert_int_equal(response_body_unpack(reserved, &got), ERR_FORMAT);
    }
}

static void response_frame_catches_single_flips(void **state)
{
    (void)state;
    struct response_frame sent = {.timestamp = 127, .sealed = {1, 2, 3, 4}}, got;
    for (uint8_t i = 0; i < RESPONSE_MAC_BYTES; i++)
        sent.mac[i] = (uint8_t)(i * 37);
    uint8_t bytes[RESPONSE_FRAME_BYTES];
    assert_int_equal(response_frame_pack(&sent, bytes), OK);
    assert_int_equal(response_frame_unpack(bytes, &got), OK);
    assert_int_equal(got.timestamp, 127);
    assert_memory_equal(got.sealed, sent.sealed, sizeof sent.sealed);
    assert_memory_equal(got.mac, sent.mac, sizeof sent.mac);
    for (unsigned bit = 0; bit < 128; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(response_frame_unpack(bytes, &got), ERR_CRC);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    sent.timestamp = 128;
    assert_int_equal(response_frame_pack(&sent, bytes), ERR_ARG);
}

static void height_deviation_rounds_up(void **state)
{
    (void)state;
    assert_int_equal(response_sigma_code(0.0), 0);
    assert_int_equal(response_sigma_code(0.01), 0);
    assert_int_equal(response_sigma_code(0.03), 1);
    assert_int_equal(response_sigma_code(0.031), 2);
    assert_int_equal(response_sigma_code(5.0), 3);
    assert_float_equal(response_sigma_m(3), 0.30, 1e-12);
}

static void sync_frame_both_ways(void **state)
{
    (void)state;
    const struct sync_frame sent = {.cycle = UINT64_C(1) << 63 | 5,
                                    .mac = {9, 8, 7, 6, 5, 4, 3, 2}};
    uint8_t bytes[SYNC_FRAME_BYTES];
    struct sync_frame got;
    sync_frame_pack(&sent, bytes);
    assert_int_equal(bytes[0], 5);
    assert_int_equal(bytes[7], 0x80);
    sync_frame_unpack(bytes, &got);
    assert_true(got.cycle == sent.cycle);
    assert_memory_equal(got.mac, sent.mac, sizeof sent.mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_match_their_check_values),
        cmocka_unit_test(little_endian_both_ways),
        cmocka_unit_test(sensing_frame_refuses_wide_fields),
        cmocka_unit_test(sensing_frame_catches_single_flips),
        cmocka_unit_test(response_body_keeps_every_field),
        cmocka_unit_test(response_body_refuses_what_does_not_fit),
        cmocka_unit_test(response_frame_catches_single_flips),
        cmocka_unit_test(height_deviation_rounds_up),
        cmocka_unit_test(sync_frame_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
