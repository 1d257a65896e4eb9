/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a cold user hears: any 16 bytes over any persisted cycle. Input: last 8, frame 16; half of
 * the inputs are sealed with the key. */
#include "fuzz_keys.h"

#include "frames/bits.h"

enum { USER = 0xBEEF, INPUT = 8 + SYNC_FRAME_BYTES };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct secure_keys *keys = fuzz_keys();
    if (n < INPUT)
        return 0;
    const uint64_t last = le64_get(bytes), named = le64_get(bytes + 8);
    uint8_t frame[SYNC_FRAME_BYTES], expected[SYNC_FRAME_BYTES];
    struct secure_user user;
    uint64_t cycle;
    memcpy(frame, bytes + 8, sizeof frame);
    secure_seal_sync(keys, named, USER, expected);
    if (bytes[INPUT - 1] & 1)
        memcpy(frame, expected, sizeof frame);
    secure_user_reset(&user, USER, last);
    bool genuine = memcmp(frame, expected, sizeof frame) == 0;
    int rc = secure_user_open_sync(&user, keys, 0.0, frame, &cycle);
    FUZZ_CHECK((rc == OK) == (genuine && named > last));
    FUZZ_CHECK(user.synced == (rc == OK) && user.last == last);
    FUZZ_CHECK(rc != OK || cycle == named);
    return 0;
}
