/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The text of an answer or a header. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "frames/status.h"

/* A name of a file that stays where it is put: 1..100 letters, digits, '.', '_' and '-', none of
 * the dots in front. */
bool control_plain_name(const char *name);

/* Takes the object (NULL: there was no memory for it) and writes it, reals with so many digits.
 * Returns the length of the text, which is terminated; ERR_NO_SPACE: it does not fit, out is "". */
int control_text(json_t *object, int digits, char *out, size_t size);

/* A user's ID. ERR_ARG: it is none. */
int control_user(const json_t *value, int *id, struct status *err) MUST_CHECK;
