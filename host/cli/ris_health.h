/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `mirador ris show --health`: the record of a surface's pixels as a picture. */
#pragma once
#include <stdbool.h>

#include "frames/status.h"

struct ris_health {
    const char *file;          /* the record; NULL: that of `board` in the state folder */
    const char *state, *board; /* NULL: /var/lib/mirador; required without a file */
    const char *out;           /* prefix of PNG and CSV, or NULL */
    bool json, blocks;
};

/* ERR_ARG, ERR_NOT_FOUND, ERR_FORMAT, ERR_IO with the cure in *err. */
int ris_health_show(const struct ris_health *ask, struct status *err) MUST_CHECK;
