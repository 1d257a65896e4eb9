/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a board was given and acknowledged: its profiles by slot and the profile it shows when no
 * sequence runs, so that a board that was reset or replugged gets them again. In memory. */
#pragma once
#include "frames/ris_profile.h"

struct store;

/* NULL without memory. */
struct store *store_create(struct ris_shape shape, uint16_t n_slots);
void store_destroy(struct store **store);

void store_put(struct store *s, uint16_t slot, const uint8_t *pattern); /* slot < n_slots */
void store_forget(struct store *s, uint16_t slot); /* as if never loaded; slot < n_slots */
const uint8_t *store_get(const struct store *s, uint16_t slot); /* NULL = never loaded */
uint16_t store_size(const struct store *s);                     /* n_slots */

/* The static profile: its slot, -1 = none yet, and the pattern that the slot held when it was shown
 * (NULL: never loaded). */
void store_set_shown(struct store *s, int slot);
int store_shown(const struct store *s);
const uint8_t *store_shown_pattern(const struct store *s);
