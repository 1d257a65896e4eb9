/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads single fields of a flat, compact JSON object ({"seq":7,"ok":true}) in place, as mirador-ris
 * answers: for threads that must not allocate. Not a validating parser; text that is no such object
 * only makes fields missing. Keys inside strings do not match, as quotes are escaped there.
 * RT-safe. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flat_json {
    const char *text; /* need not be terminated */
    size_t n;
};

/* Each returns false and leaves *out alone when the field is missing or of another type. */
bool flat_json_bool(struct flat_json j, const char *key, bool *out);
bool flat_json_number(struct flat_json j, const char *key, int64_t *out); /* whole, in int64 */
bool flat_json_hex(struct flat_json j, const char *key, uint64_t *out);   /* "16 hex digits" */

/* Numbers of a list, [0.57,2.9]. Returns how many were read, 0 when there is no such list or it has
 * more than max. */
size_t flat_json_numbers(struct flat_json j, const char *key, double *out, size_t max);

/* Copies a string, escapes resolved to their character (\u as '?'), cut to size and terminated. */
bool flat_json_string(struct flat_json j, const char *key, char *out, size_t size);
