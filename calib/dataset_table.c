/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/dataset_table.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct columns_file {
    char path[520], part[528];
    hid_t file;
    bool ok;
};

static hid_t stored_type(enum column_kind kind)
{
    const hid_t types[] = {H5T_IEEE_F64LE, H5T_IEEE_F32LE, H5T_STD_I64LE,
                           H5T_STD_U64LE,  H5T_STD_I32LE,  H5T_STD_U32LE};
    return types[kind];
}

static hid_t native_type(enum column_kind kind)
{
    const hid_t types[] = {H5T_NATIVE_DOUBLE, H5T_NATIVE_FLOAT, H5T_NATIVE_INT64,
                           H5T_NATIVE_UINT64, H5T_NATIVE_INT32, H5T_NATIVE_UINT32};
    return types[kind];
}

static void complain(const char *path, struct status *err)
{
    err->code = ERR_IO;
    snprintf(err->text, sizeof err->text,
             "%.200s: cannot be written; is there room, may we write there?", path);
}

struct columns_file *columns_create(const char *path, struct status *err)
{
    struct columns_file *f = calloc(1, sizeof *f);
    if (!f || (size_t)snprintf(f->path, sizeof f->path, "%s", path) >= sizeof f->path) {
        free(f);
        err->code = ERR_ARG;
        snprintf(err->text, sizeof err->text, "%.100s...: too long a name", path);
        return NULL;
    }
    snprintf(f->part, sizeof f->part, "%s.part", path);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    f->file = H5Fcreate(f->part, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    f->ok = f->file >= 0;
    if (f->ok)
        return f;
    complain(path, err);
    free(f);
    return NULL;
}

static void put_attribute(struct columns_file *f, hid_t at, const char *name, hid_t stored,
                          hid_t memory, const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attr = H5Acreate2(at, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
    f->ok &= attr >= 0 && H5Awrite(attr, memory, value) >= 0;
    if (attr >= 0)
        H5Aclose(attr);
    H5Sclose(space);
}

static void put_text(struct columns_file *f, hid_t at, const char *name, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text) + 1);
    put_attribute(f, at, name, type, type, text);
    H5Tclose(type);
}

/* Copies the member out of all rows, then writes it whole. */
static void put_column(struct columns_file *f, const struct column *c, const void *rows, size_t n,
                       size_t size)
{
    const size_t a = c->count[0] ? c->count[0] : 1, b = c->count[1] ? c->count[1] : 1;
    const hsize_t dims[3] = {n, a, b};
    const size_t bytes = H5Tget_size(native_type(c->kind)) * a * b;
    char *flat = malloc(n * bytes);
    for (size_t i = 0; flat && i < n; i++)
        memcpy(flat + i * bytes, (const char *)rows + i * size + c->offset, bytes);
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    hid_t space = H5Screate_simple(1 + (c->count[0] > 0) + (c->count[1] > 0), dims, NULL);
    hid_t set =
        H5Dcreate2(f->file, c->name, stored_type(c->kind), space, links, H5P_DEFAULT, H5P_DEFAULT);
    f->ok &= flat && set >= 0 &&
             H5Dwrite(set, native_type(c->kind), H5S_ALL, H5S_ALL, H5P_DEFAULT, flat) >= 0;
    if (set >= 0) {
        put_text(f, set, "unit", c->unit);
        H5Dclose(set);
    }
    H5Sclose(space);
    H5Pclose(links);
    free(flat);
}

void columns_put(struct columns_file *f, const struct column *columns, size_t n_columns,
                 const void *rows, size_t n, size_t size)
{
    for (size_t i = 0; f->ok && i < n_columns; i++)
        put_column(f, &columns[i], rows, n, size);
}

void columns_text(struct columns_file *f, const char *dataset, const char *name, const char *text)
{
    hid_t at = H5Oopen(f->file, dataset, H5P_DEFAULT);
    f->ok &= at >= 0;
    if (at < 0)
        return;
    put_text(f, at, name, text);
    H5Oclose(at);
}

void columns_number(struct columns_file *f, const char *dataset, const char *name, double value)
{
    hid_t at = H5Oopen(f->file, dataset, H5P_DEFAULT);
    f->ok &= at >= 0;
    if (at < 0)
        return;
    put_attribute(f, at, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
    H5Oclose(at);
}

int columns_close(struct columns_file **file, struct status *err)
{
    struct columns_file *f = *file;
    bool ok = H5Fclose(f->file) >= 0 && f->ok && rename(f->part, f->path) == 0;
    if (!ok) {
        remove(f->part);
        complain(f->path, err);
    }
    free(f);
    *file = NULL;
    return ok ? OK : ERR_IO;
}
