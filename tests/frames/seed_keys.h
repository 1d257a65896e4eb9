/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys of users whose masters follow from a seed. */
#pragma once
#include "frames/secure.h"

static inline void seed_keys(uint64_t seed, uint32_t id, struct secure_keys *out)
{
    uint8_t master[SECURE_MASTER_BYTES];
    secure_master_from_seed(seed, id, master);
    secure_keys_derive(master, out);
}
