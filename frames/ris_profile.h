/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One RIS configuration (profile): a state of 1..3 bits for each element of a board.
 * Element m = row * columns + column (column = the surface's local x, fastest). Packed: element m
 * takes bits m*bits .. m*bits+bits-1 of a bit string whose bit i is bit i%8 of byte i/8; spare bits
 * of the last byte are zero. A 1-bit state 0 reflects with phase 0, 1 with phase pi.
 * Freestanding, no heap, RT-safe. */
#pragma once
#include "frames/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIS_SIDE_MAX    64
#define RIS_BITS_MAX    3
#define RIS_PATTERN_MAX 1024 /* bytes: 64 x 64 elements of 2 bits */

struct ris_shape {
    uint8_t columns; /* 1..64 */
    uint8_t rows;    /* 1..64 */
    uint8_t bits;    /* per element, 1..3 */
};

/* In range, and a pattern fits RIS_PATTERN_MAX bytes. */
bool ris_shape_valid(struct ris_shape s);
bool ris_shape_equal(struct ris_shape a, struct ris_shape b);

/* Bytes of one packed pattern. Asserts nothing: a shape that is not valid gives 0. */
size_t ris_pattern_bytes(struct ris_shape s);

/* The spare bits of the last byte are zero, as the packing asks. pattern: ris_pattern_bytes(s). */
bool ris_pattern_valid(struct ris_shape s, const uint8_t *pattern);

/* State of element m < columns * rows; value < 2^bits. */
unsigned ris_pattern_get(struct ris_shape s, const uint8_t *pattern, size_t m);
void ris_pattern_set(struct ris_shape s, uint8_t *pattern, size_t m, unsigned value);

/* out = every element's state shifted by half a turn (state + 2^(bits-1) modulo 2^bits): the sign
 * of the whole profile flips. For 1 bit that is the complement. in and out may be the same. */
void ris_pattern_flip(struct ris_shape s, const uint8_t *in, uint8_t *out);

/* Identity of a profile: FNV-1a, 64 bit, over columns, rows, bits (one byte each), then the packed
 * pattern. Not a checksum against malice. */
uint64_t ris_profile_hash(struct ris_shape s, const uint8_t *pattern);

/* FNV-1a continued; hash is RIS_HASH_START for the first piece. */
#define RIS_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t ris_hash_update(uint64_t hash, const void *data, size_t n);
