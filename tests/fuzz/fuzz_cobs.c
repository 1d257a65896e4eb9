/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as data to encode, and as a stream to decode; both decoders must agree. */
#include "fuzz.h"

#include "frames/cobs.h"

static void round_trip(const uint8_t *bytes, size_t n)
{
    uint8_t wire[COBS_MAX(4096)], back[4096];
    if (n > sizeof back)
        return;
    int k = cobs_encode(bytes, n, wire, sizeof wire);
    FUZZ_CHECK(k > 0 && (size_t)k <= COBS_MAX(n) && memchr(wire, 0, (size_t)k) == NULL);
    FUZZ_CHECK(cobs_decode(wire, (size_t)k, back, n) == (int)n);
    FUZZ_CHECK(memcmp(bytes, back, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint8_t frame[100], whole[100];
    struct cobs_stream s;
    size_t start = 0;
    round_trip(bytes, n);
    cobs_stream_init(&s, frame, sizeof frame);
    for (size_t i = 0; i < n; i++) {
        int r = cobs_stream_push(&s, bytes[i]);
        FUZZ_CHECK(s.len <= sizeof frame);
        if (bytes[i] != 0)
            continue;
        int k = cobs_decode(bytes + start, i - start, whole, sizeof whole);
        FUZZ_CHECK((r == COBS_FRAME) == (k > 0));
        if (k > 0)
            FUZZ_CHECK((size_t)k == s.len && memcmp(frame, whole, (size_t)k) == 0);
        start = i + 1;
    }
    return 0;
}
