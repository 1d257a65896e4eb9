/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the subcommands on calibration datasets share. */
#pragma once
#include <jansson.h>

#include "calib/dataset.h"

/* The one dataset among the operands, or NULL and the exit code in *code; the reason is on stderr,
 * one line, with the file's name. */
struct dataset *calib_file_read(const char *program, char **operands, int n_operands, int *code);

/* NaN becomes null: JSON has no other word for it. */
json_t *calib_json_number(double v);
json_t *calib_json_vec3(struct vec3 v);
json_t *calib_json_cplx(cplx v); /* [re, im] */

/* One line, compact; takes the reference. */
void calib_json_print(json_t *object);
