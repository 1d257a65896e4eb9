/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The keys of the one user that targets of sealed frames know. */
#pragma once
#include "fuzz.h"

#include "frames/secure.h"

static inline const struct secure_keys *fuzz_keys(void)
{
    static struct secure_keys keys;
    static bool made;
    if (!made) {
        const uint8_t master[SECURE_MASTER_BYTES] = {1, 2, 3};
        FUZZ_CHECK(secure_init() == OK);
        secure_keys_derive(master, &keys);
        made = true;
    }
    return &keys;
}
