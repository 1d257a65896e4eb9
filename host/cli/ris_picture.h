/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A profile as text: two characters an element, so that elements look square. */
#pragma once
#include <stdio.h>

#include "frames/ris_profile.h"

/* Row 0 at the bottom, as the surface hangs (local y up). One bit: '##' is state 1; more bits: the
 * state's digit. blocks: Unicode blocks instead. */
void ris_picture_print(FILE *out, struct ris_shape shape, const uint8_t *pattern, bool blocks);
