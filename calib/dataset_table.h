/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Members of an array of structs as datasets of an HDF5 file, numbers little-endian, rows first.
 * Setup only. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "frames/status.h"

enum column_kind { COLUMN_F64, COLUMN_F32, COLUMN_I64, COLUMN_U64, COLUMN_I32, COLUMN_U32 };

struct column {
    const char *name, *unit; /* path in the file; its attribute `unit` */
    size_t offset;           /* in the struct */
    size_t count[2];         /* further dimensions, 0: not there */
    enum column_kind kind;
};

struct columns_file;

/* A new file beside `path`, which takes its place at the end. NULL: ERR_IO, ERR_ARG. */
struct columns_file *columns_create(const char *path, struct status *err);
/* rows: [n] structs of `size` bytes. n > 0. */
void columns_put(struct columns_file *file, const struct column *columns, size_t n_columns,
                 const void *rows, size_t n, size_t size);
/* Attributes: of a dataset that is there, or of the file (dataset "/"). */
void columns_text(struct columns_file *file, const char *dataset, const char *name,
                  const char *text);
void columns_number(struct columns_file *file, const char *dataset, const char *name, double value);
/* ERR_IO when anything of it failed: then nothing is left, and what was at `path` stays. */
int columns_close(struct columns_file **file, struct status *err) MUST_CHECK;
