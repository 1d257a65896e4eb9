/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Golden vectors of an independent implementation, and everything that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "frames/secure.h"
#include "tests/frames/seed_keys.h"

#define USER  0x12345u
#define CYCLE UINT64_C(1000000)

static struct secure_keys keys;

static void from_hex(const char *hex, uint8_t *out, size_t n)
{
    assert_int_equal(strlen(hex), 2 * n);
    for (size_t i = 0; i < n; i++) {
        char byte[3] = {hex[2 * i], hex[2 * i + 1], 0}, *end;
        out[i] = (uint8_t)strtoul(byte, &end, 16);
        assert_ptr_equal(end, byte + 2);
    }
}

static void hex_field(const json_t *object, const char *name, uint8_t *out, size_t n)
{
    const char *hex = json_string_value(json_object_get(object, name));
    assert_non_null(hex);
    from_hex(hex, out, n);
}

static int int_field(const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    assert_true(json_is_integer(v));
    return (int)json_integer_value(v);
}

static json_t *golden(void)
{
    json_error_t error;
    json_t *root = json_load_file(TEST_DATA_DIR "/security.json", 0, &error);
    assert_non_null(root);
    return root;
}

static int setup(void **state)
{
    (void)state;
    if (secure_init())
        return -1;
    seed_keys(1, USER, &keys);
    return 0;
}

static void subkeys_are_golden(void **state)
{
    (void)state;
    json_t *root = golden(), *sub = json_object_get(root, "subkeys");
    uint8_t master[SECURE_MASTER_BYTES], expected[32];
    hex_field(root, "master", master, sizeof master);
    struct secure_keys k;
    secure_keys_derive(master, &k);
    hex_field(sub, "dl", expected, 32);
    assert_memory_equal(k.dl, expected, 32);
    hex_field(sub, "ul", expected, 32);
    assert_memory_equal(k.ul, expected, 32);
    hex_field(sub, "mac", expected, 32);
    assert_memory_equal(k.mac, expected, 32);
    json_decref(root);
}

static void check_vector(const struct secure_keys *k, const json_t *v)
{
    const uint32_t user = (uint32_t)int_field(v, "uid");
    const uint64_t cycle = strtoull(json_string_value(json_object_get(v, "cycle")), NULL, 10);
    const struct response sent = {
        .permit = int_field(v, "permit"),
        .mode = (uint8_t)int_field(v, "mode"),
        .height_cm = (uint16_t)int_field(v, "height_cm"),
        .sigma_code = (uint8_t)int_field(v, "sig"),
        .turnaround_ds = (int16_t)int_field(v, "turn"),
    };
    uint8_t dl[SENSING_FRAME_BYTES], ul[RESPONSE_FRAME_BYTES];
    uint8_t made_dl[SENSING_FRAME_BYTES], made_ul[RESPONSE_FRAME_BYTES];
    hex_field(v, "dl", dl, sizeof dl);
    hex_field(v, "ul", ul, sizeof ul);
    assert_int_equal(secure_seal_sensing(k, cycle, user, made_dl), OK);
    assert_memory_equal(made_dl, dl, sizeof dl);
    assert_int_equal(secure_seal_response(k, cycle, dl, &sent, made_ul), OK);
    assert_memory_equal(made_ul, ul, sizeof ul);

    struct secure_expectation e;
    struct response got;
    secure_expect(&e, cycle, dl);
    assert_int_equal(secure_open_response(&e, k, ul, &got), OK);
    assert_int_equal(got.permit, sent.permit);
    assert_int_equal(got.height_cm, sent.height_cm);
    assert_int_equal(got.turnaround_ds, sent.turnaround_ds);
}

static void frames_are_golden(void **state)
{
    (void)state;
    json_t *root = golden();
    uint8_t master[SECURE_MASTER_BYTES];
    hex_field(root, "master", master, sizeof master);
    struct secure_keys k;
    secure_keys_derive(master, &k);
    json_t *vectors = json_object_get(root, "vectors");
    assert_true(json_array_size(vectors) >= 5);
    for (size_t i = 0; i < json_array_size(vectors); i++)
        check_vector(&k, json_array_get(vectors, i));
    json_decref(root);
}

/* A user that was brought to CYCLE - 1 by a sync frame. */
static struct secure_user synced_user(void)
{
    struct secure_user u;
    uint8_t sync[SYNC_FRAME_BYTES];
    uint64_t cycle;
    secure_user_reset(&u, USER, CYCLE - 100);
    secure_seal_sync(&keys, CYCLE - 1, USER, sync);
    assert_int_equal(secure_user_open_sync(&u, &keys, 0.0, sync, &cycle), OK);
    assert_true(cycle == CYCLE - 1);
    return u;
}

static void user_accepts_one_value_once(void **state)
{
    (void)state;
    struct secure_user u = synced_user();
    uint8_t frame[SENSING_FRAME_BYTES];
    uint64_t cycle;
    assert_int_equal(secure_seal_sensing(&keys, CYCLE, USER, frame), OK);
    assert_int_equal(secure_user_open_sensing(&u, &keys, 1.0, frame, &cycle), OK);
    assert_true(cycle == CYCLE && u.last == CYCLE);
    assert_int_equal(secure_user_open_sensing(&u, &keys, 2.0, frame, &cycle), ERR_AUTH);
    assert_int_equal(u.count.replayed, 1);
    assert_int_equal(secure_seal_sensing(&keys, CYCLE - 1, USER, frame), OK);
    assert_int_equal(secure_user_open_sensing(&u, &keys, 3.0, frame, &cycle), ERR_AUTH);
    assert_int_equal(u.count.replayed, 2);
}

static void user_refuses_every_flip(void **state)
{
    (void)state;
    uint8_t frame[SENSING_FRAME_BYTES], sync[SYNC_FRAME_BYTES];
    uint64_t cycle;
    struct secure_user u = synced_user();
    assert_int_equal(secure_seal_sensing(&keys, CYCLE, USER, frame), OK);
    for (unsigned bit = 0; bit < 40; bit++) {
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(secure_user_open_sensing(&u, &keys, bit + 1.0, frame, &cycle), OK);
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(u.count.accepted, 0);
    assert_int_equal(secure_user_open_sensing(&u, &keys, 50.0, frame, &cycle), OK);
    secure_seal_sync(&keys, CYCLE + 8, USER, sync);
    for (unsigned bit = 0; bit < 128; bit++) {
        sync[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(secure_user_open_sync(&u, &keys, 60.0 + bit, sync, &cycle), ERR_AUTH);
        sync[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void user_refuses_before_sync_and_outside_the_window(void **state)
{
    (void)state;
    struct secure_user u;
    uint8_t frame[SENSING_FRAME_BYTES];
    uint64_t cycle;
    secure_user_reset(&u, USER, CYCLE - 1);
    assert_int_equal(secure_seal_sensing(&keys, CYCLE, USER, frame), OK);
    assert_int_equal(secure_user_open_sensing(&u, &keys, 0.0, frame, &cycle), ERR_STATE);

    const int ahead[] = {1, 31, 32, 33, 34, 63, 64, 96, 127, 128, 129, 1000};
    for (size_t i = 0; i < sizeof ahead / sizeof ahead[0]; i++) {
        u = synced_user();
        u.estimate = CYCLE;
        assert_int_equal(secure_seal_sensing(&keys, CYCLE + (uint64_t)ahead[i], USER, frame), OK);
        int rc = secure_user_open_sensing(&u, &keys, 1.0, frame, &cycle);
        assert_int_equal(rc, ahead[i] <= SECURE_WINDOW ? OK : ERR_AUTH);
    }
    /* Frames that the user missed are still behind its estimate but above `last`. */
    for (uint64_t behind = 30; behind <= 34; behind++) {
        u = synced_user();
        secure_user_advance(&u, behind + 1);
        assert_int_equal(secure_seal_sensing(&keys, CYCLE, USER, frame), OK);
        int rc = secure_user_open_sensing(&u, &keys, 1.0, frame, &cycle);
        assert_int_equal(rc, behind <= SECURE_WINDOW ? OK : ERR_AUTH);
    }
}

static void window_ends_at_zero(void **state)
{
    (void)state;
    struct secure_user u;
    uint8_t frame[SENSING_FRAME_BYTES];
    uint64_t cycle = 77;
    secure_user_reset(&u, USER, 0);
    u.synced = true;
    u.estimate = 3;
    /* Would be cycle -2 of this estimate. */
    assert_int_equal(secure_seal_sensing(&keys, UINT64_MAX - 1, USER, frame), OK);
    assert_int_equal(secure_user_open_sensing(&u, &keys, 0.0, frame, &cycle), ERR_AUTH);
    u.estimate = UINT64_MAX - 1; /* and cycle 3 would need a wrap */
    assert_int_equal(secure_seal_sensing(&keys, 3, USER, frame), OK);
    assert_int_equal(secure_user_open_sensing(&u, &keys, 0.0, frame, &cycle), ERR_AUTH);
    assert_true(cycle == 77);
}

static void sync_must_be_new_genuine_and_ours(void **state)
{
    (void)state;
    struct secure_user u;
    uint8_t sync[SYNC_FRAME_BYTES];
    uint64_t cycle;
    secure_user_reset(&u, USER, CYCLE);
    secure_seal_sync(&keys, CYCLE, USER, sync);
    assert_int_equal(secure_user_open_sync(&u, &keys, 0.0, sync, &cycle), ERR_AUTH);
    secure_seal_sync(&keys, CYCLE + 8, USER + 1, sync);
    assert_int_equal(secure_user_open_sync(&u, &keys, 0.0, sync, &cycle), ERR_AUTH);
    assert_false(u.synced);
    secure_seal_sync(&keys, CYCLE + 5000, USER, sync); /* a boot jump of the base station */
    assert_int_equal(secure_user_open_sync(&u, &keys, 0.0, sync, &cycle), OK);
    assert_true(u.synced && u.estimate == CYCLE + 5000 && u.last == CYCLE);
}

static void user_limits_its_rate(void **state)
{
    (void)state;
    struct secure_user u = synced_user();
    uint8_t forged[SENSING_FRAME_BYTES] = {0xD0 | (CYCLE >> 4 & 7), (uint8_t)(CYCLE << 4)};
    uint64_t cycle;
    unsigned looked_at = 0;
    for (int i = 0; i < 1000; i++)
        looked_at += secure_user_open_sensing(&u, &keys, i * 1e-2, forged, &cycle) == ERR_AUTH;
    assert_in_range(looked_at, 80, 87); /* 8 a second for 10 s and the burst of 8 */
    assert_true(u.count.limited == 1000 - looked_at);
}

static const struct response permission = {.permit = true, .mode = 1, .height_cm = 150};

static void base_station_refuses_every_flip(void **state)
{
    (void)state;
    uint8_t sensing[SENSING_FRAME_BYTES], frame[RESPONSE_FRAME_BYTES];
    struct secure_expectation e;
    struct response got;
    assert_int_equal(secure_seal_sensing(&keys, CYCLE, USER, sensing), OK);
    assert_int_equal(secure_seal_response(&keys, CYCLE, sensing, &permission, frame), OK);
    secure_expect(&e, CYCLE, sensing);
    for (unsigned bit = 0; bit < 128; bit++) {
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(secure_open_response(&e, &keys, frame, &got), OK);
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(secure_open_response(&e, &keys, frame, &got), OK);
    assert_int_equal(got.height_cm, 150);
}

/* A forger repairs the CRC after each flip; the MAC must catch what the CRC no longer does. */
static void base_station_refuses_forged_flips(void **state)
{
    (void)state;
    uint8_t sensing[SENSING_FRAME_BYTES], frame[RESPONSE_FRAME_BYTES];
    struct secure_expectation e;
    struct response got;
    assert_int_equal(secure_seal_sensing(&keys, CYCLE, USER, sensing), OK);
    assert_int_equal(secure_seal_response(&keys, CYCLE, sensing, &permission, frame), OK);
    secure_expect(&e, CYCLE, sensing);
    for (unsigned bit = 0; bit < 8 * (RESPONSE_FRAME_BYTES - 2); bit++) {
        uint8_t forged[RESPONSE_FRAME_BYTES];
        struct response_frame parts = {0};
        memcpy(forged, frame, sizeof forged);
        forged[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (forged[0] != RESPONSE_MAGIC || forged[1] & 1)
            continue; /* the layout refuses these */
        parts.timestamp = forged[1] >> 1;
        memcpy(parts.sealed, forged + 2, sizeof parts.sealed);
        memcpy(parts.mac, forged + RESPONSE_SIGNED_BYTES, sizeof parts.mac);
        assert_int_equal(response_frame_pack(&parts, forged), OK);
        assert_int_equal(secure_open_response(&e, &keys, forged, &got), ERR_AUTH);
    }
}

static void base_station_counts_a_response_once_and_for_its_cycle(void **state)
{
    (void)state;
    uint8_t sensing[SENSING_FRAME_BYTES], next[SENSING_FRAME_BYTES], frame[RESPONSE_FRAME_BYTES];
    struct secure_expectation e = {0};
    struct response got;
    assert_int_equal(secure_seal_sensing(&keys, CYCLE, USER, sensing), OK);
    assert_int_equal(secure_seal_response(&keys, CYCLE, sensing, &permission, frame), OK);
    assert_int_equal(secure_open_response(&e, &keys, frame, &got), ERR_STATE);
    secure_expect(&e, CYCLE, sensing);
    assert_int_equal(secure_open_response(&e, &keys, frame, &got), OK);
    assert_int_equal(secure_open_response(&e, &keys, frame, &got), ERR_STATE);
    const uint64_t later[] = {CYCLE + 1, CYCLE + 128};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(secure_seal_sensing(&keys, later[i], USER, next), OK);
        secure_expect(&e, later[i], next);
        assert_int_equal(secure_open_response(&e, &keys, frame, &got), ERR_AUTH);
    }
    /* Bound to the sensing frame that it answers, not only to its cycle. */
    sensing[4] ^= 1;
    secure_expect(&e, CYCLE, sensing);
    assert_int_equal(secure_open_response(&e, &keys, frame, &got), ERR_AUTH);
}

static void wrong_key_is_refused_both_ways(void **state)
{
    (void)state;
    uint8_t master[SECURE_MASTER_BYTES], sensing[SENSING_FRAME_BYTES], frame[RESPONSE_FRAME_BYTES];
    struct secure_keys other;
    struct secure_user u = synced_user();
    uint64_t cycle;
    secure_master_random(master);
    secure_keys_derive(master, &other);
    assert_int_equal(secure_seal_sensing(&other, CYCLE, USER, sensing), OK);
    assert_int_equal(secure_user_open_sensing(&u, &keys, 0.0, sensing, &cycle), ERR_AUTH);
    struct secure_expectation e;
    struct response got;
    assert_int_equal(secure_seal_response(&other, CYCLE, sensing, &permission, frame), OK);
    secure_expect(&e, CYCLE, sensing);
    assert_int_equal(secure_open_response(&e, &keys, frame, &got), ERR_AUTH);
}

static void keys_are_wiped_and_seeds_separate(void **state)
{
    (void)state;
    uint8_t a[SECURE_MASTER_BYTES], b[SECURE_MASTER_BYTES];
    secure_master_from_seed(1, USER, a);
    secure_master_from_seed(1, USER, b);
    assert_memory_equal(a, b, sizeof a);
    secure_master_from_seed(2, USER, b);
    assert_memory_not_equal(a, b, sizeof a);
    secure_master_from_seed(1, USER + 1, b);
    assert_memory_not_equal(a, b, sizeof a);

    struct secure_keys k;
    secure_keys_derive(a, &k);
    secure_keys_wipe(&k);
    const uint8_t *bytes = (const uint8_t *)&k;
    for (size_t i = 0; i < sizeof k; i++)
        assert_int_equal(bytes[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subkeys_are_golden),
        cmocka_unit_test(frames_are_golden),
        cmocka_unit_test(user_accepts_one_value_once),
        cmocka_unit_test(user_refuses_every_flip),
        cmocka_unit_test(user_refuses_before_sync_and_outside_the_window),
        cmocka_unit_test(window_ends_at_zero),
        cmocka_unit_test(sync_must_be_new_genuine_and_ours),
        cmocka_unit_test(user_limits_its_rate),
        cmocka_unit_test(base_station_refuses_every_flip),
        cmocka_unit_test(base_station_refuses_forged_flips),
        cmocka_unit_test(base_station_counts_a_response_once_and_for_its_cycle),
        cmocka_unit_test(wrong_key_is_refused_both_ways),
        cmocka_unit_test(keys_are_wiped_and_seeds_separate),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
