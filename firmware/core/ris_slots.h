/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The board's table of profiles. A profile is assembled aside and enters its slot only when it is
 * whole and its hash is right, so a slot never holds half of one. Freestanding, no heap. */
#pragma once
#include "frames/ris_packet.h"

struct ris_slots {
    struct ris_shape shape;
    uint16_t n;
    uint8_t *patterns; /* [n x ris_pattern_bytes(shape)] */
    uint64_t *hashes;  /* [n], 0 = never loaded */

    uint8_t staging[RIS_PATTERN_MAX]; /* the load in progress */
    uint16_t staging_slot;
    uint16_t staged; /* bytes received, 0 = no load in progress */
    uint64_t staging_hash;
};

/* patterns and hashes are the caller's and live as long as the table. */
void ris_slots_init(struct ris_slots *s, struct ris_shape shape, uint16_t n, uint8_t *patterns,
                    uint64_t *hashes);

/* Takes one chunk. Returns RIS_NACK_NONE or the reason for refusing it; a refused chunk ends the
 * load in progress. */
enum ris_nack ris_slots_load(struct ris_slots *s, const struct ris_load *chunk) MUST_CHECK;

/* RIS_NACK_NONE if the slot holds a profile, else RIS_NACK_SLOT or RIS_NACK_EMPTY. */
enum ris_nack ris_slots_check(const struct ris_slots *s, uint16_t slot);

/* Of a slot below n. */
const uint8_t *ris_slots_pattern(const struct ris_slots *s, uint16_t slot);

uint16_t ris_slots_loaded(const struct ris_slots *s); /* how many hold a profile */
