/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * COBS against the published examples and against itself; CRC-32 against its check value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "frames/cobs.h"
#include "frames/crc32.h"

static uint32_t draw(uint32_t *s)
{
    *s = *s * 1664525u + 1013904223u;
    return *s >> 8;
}

static void crc32_matches_its_check_value(void **state)
{
    (void)state;
    assert_int_equal(crc32_update(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(crc32_update(0, "", 0), 0);
    assert_int_equal(crc32_update(crc32_update(0, "1234", 4), "56789", 5), 0xCBF43926);
}

static void short_frames_match_the_published_examples(void **state)
{
    (void)state;
    static const struct {
        uint8_t in[4], n, out[6], n_out;
    } examples[] = {
        {{0}, 0, {1}, 1},
        {{0}, 1, {1, 1}, 2},
        {{0, 0}, 2, {1, 1, 1}, 3},
        {{0x11, 0x22, 0, 0x33}, 4, {3, 0x11, 0x22, 2, 0x33}, 5},
        {{0x11, 0x22, 0x33, 0x44}, 4, {5, 0x11, 0x22, 0x33, 0x44}, 5},
        {{0x11, 0, 0, 0}, 4, {2, 0x11, 1, 1, 1}, 5},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        uint8_t out[8];
        int n = cobs_encode(examples[i].in, examples[i].n, out, sizeof out);
        assert_int_equal(n, examples[i].n_out);
        assert_memory_equal(out, examples[i].out, (size_t)n);
    }
}

/* 254 bytes without zero fit one block; what follows needs a second. */
static void full_blocks_are_split_where_the_code_says(void **state)
{
    (void)state;
    uint8_t in[256];
    uint8_t out[COBS_MAX(256)];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i + 1);
    assert_int_equal(cobs_encode(in, 254, out, sizeof out), 255);
    assert_int_equal(out[0], 0xFF);
    assert_int_equal(cobs_encode(in, 255, out, sizeof out), 257);
    assert_int_equal(out[255], 2);
    assert_int_equal(cobs_encode(in, 256, out, sizeof out), 258); /* ends with a zero */
    assert_int_equal(out[257], 1);
}

static void any_bytes_come_back(void **state)
{
    (void)state;
    uint32_t seed = 1;
    static uint8_t in[1200], wire[COBS_MAX(1200)], out[1200];
    for (int trial = 0; trial < 3000; trial++) {
        size_t n = draw(&seed) % sizeof in;
        unsigned zeros = draw(&seed) % 8; /* from none to many */
        for (size_t i = 0; i < n; i++)
            in[i] = draw(&seed) % 16 < zeros ? 0 : (uint8_t)(draw(&seed) % 255 + 1);
        int k = cobs_encode(in, n, wire, sizeof wire);
        assert_in_range(k, 1, COBS_MAX(n));
        assert_null(memchr(wire, 0, (size_t)k));
        assert_int_equal(cobs_decode(wire, (size_t)k, out, sizeof out), n);
        assert_memory_equal(in, out, n);
        assert_int_equal(cobs_encode(in, n, wire, (size_t)k - 1), ERR_NO_SPACE);
        if (n > 0)
            assert_int_equal(cobs_decode(wire, (size_t)k, out, n - 1), ERR_NO_SPACE);
    }
}

static void damaged_frames_are_refused(void **state)
{
    (void)state;
    uint8_t out[8];
    assert_int_equal(cobs_decode((const uint8_t[]){3, 1, 0}, 3, out, 8), ERR_FORMAT);
    assert_int_equal(cobs_decode((const uint8_t[]){4, 1, 2}, 3, out, 8), ERR_FORMAT);
}

static int feed(struct cobs_stream *s, const uint8_t *bytes, size_t n, int *errors)
{
    int frames = 0;
    for (size_t i = 0; i < n; i++) {
        int r = cobs_stream_push(s, bytes[i]);
        frames += r == COBS_FRAME;
        *errors += r < 0;
    }
    return frames;
}

static void a_stream_recovers_at_the_next_delimiter(void **state)
{
    (void)state;
    uint8_t buf[4];
    int errors = 0;
    struct cobs_stream s;
    cobs_stream_init(&s, buf, sizeof buf);
    assert_int_equal(feed(&s, (const uint8_t[]){0, 0, 2, 7, 0}, 5, &errors), 1);
    assert_int_equal(s.len, 1);
    assert_int_equal(buf[0], 7);
    assert_int_equal(errors, 0);
    assert_int_equal(feed(&s, (const uint8_t[]){9, 1, 2, 0, 2, 5, 0}, 7, &errors), 1);
    assert_int_equal(errors, 1); /* ended inside a block */
    assert_int_equal(buf[0], 5);
    assert_int_equal(
        feed(&s, (const uint8_t[]){9, 1, 2, 3, 4, 5, 6, 7, 8, 0, 2, 6, 0}, 13, &errors), 1);
    assert_int_equal(errors, 2); /* too large: said once */
    assert_int_equal(buf[0], 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32_matches_its_check_value),
        cmocka_unit_test(short_frames_match_the_published_examples),
        cmocka_unit_test(full_blocks_are_split_where_the_code_says),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(damaged_frames_are_refused),
        cmocka_unit_test(a_stream_recovers_at_the_next_delimiter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
