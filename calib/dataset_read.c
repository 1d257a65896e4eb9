/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * This file and dataset_write.c are the only ones that know HDF5. */
#include <assert.h>
#include <errno.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calib/dataset.h"
#include "calib/refuse.h"

#define MAX_RANK 8

/* ---- what is in the file ---- */

struct found {
    int rank; /* -1: unreadable */
    hsize_t dims[MAX_RANK];
    char type[32];
};

static void describe_type(hid_t type, char *text, size_t size)
{
    const unsigned bits = 8 * (unsigned)H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        snprintf(text, size, "float%u", bits);
        break;
    case H5T_INTEGER:
        snprintf(text, size, "%s%u", H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int", bits);
        break;
    case H5T_STRING:
        snprintf(text, size, "string");
        break;
    case H5T_COMPOUND:
        snprintf(text, size, "compound of %d", H5Tget_nmembers(type));
        break;
    default:
        snprintf(text, size, "another type");
    }
}

static void describe(hid_t set, struct found *found)
{
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    found->rank =
        H5Sget_simple_extent_type(space) == H5S_NULL ? -1 : H5Sget_simple_extent_ndims(space);
    if (found->rank > MAX_RANK)
        found->rank = -1;
    if (found->rank > 0)
        H5Sget_simple_extent_dims(space, found->dims, NULL);
    describe_type(type, found->type, sizeof found->type);
    H5Tclose(type);
    H5Sclose(space);
}

/* "float64 [20, 400]" */
static const char *found_text(const struct found *f, char *text, size_t size)
{
    int n = snprintf(text, size, "%s %s", f->type,
                     f->rank < 0    ? "without values"
                     : f->rank == 0 ? "scalar"
                                    : "[");
    for (int i = 0; i < f->rank && n < (int)size; i++)
        n += snprintf(text + n, size - (size_t)n, "%llu%s", (unsigned long long)f->dims[i],
                      i + 1 < f->rank ? ", " : "]");
    return text;
}

/* Expected shapes: rank 0, 1 or 2. */
struct shape {
    int rank;
    size_t dims[2];
};

static const char *shape_text(const struct shape *s, const char *type, char *text, size_t size)
{
    if (s->rank == 0)
        snprintf(text, size, "a %s scalar", type);
    else if (s->rank == 1)
        snprintf(text, size, "%s [%zu]", type, s->dims[0]);
    else
        snprintf(text, size, "%s [%zu, %zu]", type, s->dims[0], s->dims[1]);
    return text;
}

/* Dimensions of one come and go between languages; the others must be these in this order. */
static bool same_shape(const struct found *f, const struct shape *s)
{
    int at = 0, rank = 0;
    size_t dims[2] = {0, 0};
    if (f->rank < 0)
        return false;
    if (f->rank == s->rank) {
        for (; at < f->rank && f->dims[at] == s->dims[at]; at++)
            ;
        return at == f->rank;
    }
    for (at = 0; at < s->rank; at++)
        if (s->dims[at] != 1)
            dims[rank++] = s->dims[at];
    int i = 0;
    for (at = 0; at < f->rank; at++)
        if (f->dims[at] != 1 && (i >= rank || f->dims[at] != dims[i++]))
            return false;
    return i == rank;
}

static bool transposed(const struct found *f, const struct shape *s)
{
    return f->rank == 2 && s->rank == 2 && f->dims[0] == s->dims[1] && f->dims[1] == s->dims[0];
}

static hid_t open_member(hid_t file, const char *name)
{
    char path[64];
    /* Each link on the way must exist before the next is asked for. */
    for (size_t i = 1; name[i - 1]; i++) {
        if (name[i] != '/' && name[i] != 0)
            continue;
        snprintf(path, sizeof path, "%.*s", (int)i, name);
        if (H5Lexists(file, path, H5P_DEFAULT) <= 0)
            return -1;
    }
    return H5Dopen2(file, name, H5P_DEFAULT);
}

static int missing(const char *name, const struct shape *shape, const char *type,
                   struct status *err)
{
    char expected[64];
    return calib_refuse(err, ERR_FORMAT, "%s is missing: expected %s", name,
                        shape_text(shape, type, expected, sizeof expected));
}

static int misshapen(const char *name, const struct shape *shape, const char *type,
                     const struct found *f, struct status *err)
{
    char expected[64], got[128];
    return calib_refuse(
        err, ERR_FORMAT, "%s: expected %s, found %s%s", name,
        shape_text(shape, type, expected, sizeof expected), found_text(f, got, sizeof got),
        transposed(f, shape) ? " (transposed? MATLAB stores its dimensions reversed)" : "");
}

/* ---- typed reading ---- */

/* {r, i} in memory, under the names that the file uses. -1 when it is no complex compound. */
static hid_t complex_type(hid_t file_type)
{
    static const char *const names[][2] = {{"r", "i"}, {"real", "imag"}};
    if (H5Tget_class(file_type) != H5T_COMPOUND || H5Tget_nmembers(file_type) != 2)
        return -1;
    for (size_t k = 0; k < 2; k++) {
        int re = H5Tget_member_index(file_type, names[k][0]);
        int im = H5Tget_member_index(file_type, names[k][1]);
        if (re < 0 || im < 0 || H5Tget_member_class(file_type, (unsigned)re) != H5T_FLOAT ||
            H5Tget_member_class(file_type, (unsigned)im) != H5T_FLOAT)
            continue;
        hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(cplx));
        H5Tinsert(type, names[k][0], 0, H5T_NATIVE_DOUBLE);
        H5Tinsert(type, names[k][1], sizeof(double), H5T_NATIVE_DOUBLE);
        return type;
    }
    return -1;
}

enum member_type { REAL, COMPLEX };

/* Reads a member of this shape into out (doubles or cplx). absent: set instead of an error when the
 * member is optional and not there. */
static int read_member(hid_t file, const char *name, enum member_type kind, struct shape shape,
                       void *out, bool *absent, struct status *err)
{
    static const char *const type_name[] = {"real", "complex {r, i}"};
    hid_t set = open_member(file, name);
    if (absent)
        *absent = set < 0 && H5Lexists(file, name, H5P_DEFAULT) <= 0;
    if (set < 0)
        return absent && *absent ? 0 : missing(name, &shape, type_name[kind], err);
    struct found found;
    describe(set, &found);
    hid_t file_type = H5Dget_type(set), type = -1;
    const H5T_class_t class = H5Tget_class(file_type);
    if (kind == COMPLEX)
        type = complex_type(file_type);
    else if (class == H5T_FLOAT || class == H5T_INTEGER)
        type = H5Tcopy(H5T_NATIVE_DOUBLE);
    int rc = 0;
    if (type < 0 || !same_shape(&found, &shape))
        rc = misshapen(name, &shape, type_name[kind], &found, err);
    else if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
        rc = calib_refuse(err, ERR_IO,
                          "%s cannot be read: the file is damaged or a filter is missing", name);
    if (type >= 0)
        H5Tclose(type);
    H5Tclose(file_type);
    H5Dclose(set);
    return rc;
}

static int read_real(hid_t file, const char *name, size_t n, double *out, struct status *err)
{
    return read_member(file, name, REAL, (struct shape){n > 1, {n, 0}}, out, NULL, err);
}

static int read_optional(hid_t file, const char *name, size_t n, double *out, bool *there,
                         struct status *err)
{
    bool absent = false;
    int rc = read_member(file, name, REAL, (struct shape){n > 1, {n, 0}}, out, &absent, err);
    if (there)
        *there = !absent;
    return rc;
}

/* ---- attributes ---- */

static int read_text_attribute(hid_t file, const char *name, char *text, size_t size)
{
    int rc = -1;
    if (H5Aexists(file, name) <= 0)
        return -1;
    hid_t attr = H5Aopen(file, name, H5P_DEFAULT), type = H5Aget_type(attr),
          space = H5Aget_space(attr);
    if (H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1) {
        if (H5Tis_variable_str(type) > 0) {
            char *value = NULL;
            if (H5Aread(attr, type, &value) >= 0 && value) {
                snprintf(text, size, "%s", value);
                H5free_memory(value);
                rc = 0;
            }
        } else {
            size_t length = H5Tget_size(type);
            char *value = calloc(1, length + 1);
            if (value && H5Aread(attr, type, value) >= 0) {
                snprintf(text, size, "%s", value);
                rc = 0;
            }
            free(value);
        }
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attr);
    return rc;
}

static int read_number_attribute(hid_t file, const char *name, double *value)
{
    int rc = -1;
    if (H5Aexists(file, name) <= 0)
        return -1;
    hid_t attr = H5Aopen(file, name, H5P_DEFAULT), type = H5Aget_type(attr),
          space = H5Aget_space(attr);
    const H5T_class_t class = H5Tget_class(type);
    if ((class == H5T_INTEGER || class == H5T_FLOAT) && H5Sget_simple_extent_npoints(space) == 1)
        rc = H5Aread(attr, H5T_NATIVE_DOUBLE, value) < 0 ? -1 : 0;
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attr);
    return rc;
}

static int check_header(hid_t file, struct status *err)
{
    char text[64];
    double version;
    if (read_text_attribute(file, "format", text, sizeof text))
        return calib_refuse(
            err, ERR_FORMAT,
            "root attribute 'format' is missing or no string: expected 'mirador-calib'");
    if (strcmp(text, "mirador-calib") != 0)
        return calib_refuse(err, ERR_FORMAT,
                            "root attribute 'format': expected 'mirador-calib', found '%s'", text);
    if (read_number_attribute(file, "version", &version))
        return calib_refuse(err, ERR_FORMAT,
                            "root attribute 'version' is missing or no number: expected 1");
    if (version != 1)
        return calib_refuse(
            err, ERR_FORMAT,
            "root attribute 'version': expected 1, found %g (made by a later version?)", version);
    if (read_text_attribute(file, "kind", text, sizeof text))
        return calib_refuse(err, ERR_FORMAT,
                            "root attribute 'kind' is missing or no string: expected 'pixels'");
    if (strcmp(text, "pixels") != 0)
        return calib_refuse(err, ERR_FORMAT, "root attribute 'kind': expected 'pixels', found '%s'",
                            text);
    return 0;
}

/* ---- the whole file ---- */

static int read_shape(hid_t file, size_t shape[2], struct status *err)
{
    double v[2];
    int rc = read_real(file, "/ris/shape", 2, v, err);
    if (rc)
        return rc;
    for (int i = 0; i < 2; i++) {
        if (!(v[i] >= 1) || v[i] > 65536 || v[i] != floor(v[i]))
            return calib_refuse(err, ERR_ARG, "/ris/shape[%d] = %g: expected a whole number from 1",
                                i, v[i]);
        shape[i] = (size_t)v[i];
    }
    if (shape[0] * shape[1] > 65536)
        return calib_refuse(err, ERR_ARG, "/ris/shape = [%zu, %zu]: at most 65536 elements",
                            shape[0], shape[1]);
    return 0;
}

/* T is what /y says. */
static int read_length(hid_t file, size_t m, size_t *n_pilots, struct status *err)
{
    hid_t set = open_member(file, "/y");
    if (set < 0)
        return calib_refuse(err, ERR_FORMAT, "/y is missing: expected complex {r, i} [T]");
    struct found f;
    char got[128];
    hsize_t n = 1;
    int wide = 0;
    describe(set, &f);
    H5Dclose(set);
    for (int i = 0; i < f.rank; i++) {
        n = f.dims[i] > DATASET_MAX_VALUES ? DATASET_MAX_VALUES : n * f.dims[i];
        wide += f.dims[i] != 1;
    }
    if (f.rank < 1 || wide > 1 || n < 1)
        return calib_refuse(err, ERR_FORMAT, "/y: expected complex {r, i} [T], found %s",
                            found_text(&f, got, sizeof got));
    if (n > DATASET_MAX_PILOTS || n * m > DATASET_MAX_VALUES)
        return calib_refuse(err, ERR_ARG,
                            "/y: %llu pilots are too many (at most %u, and 2^26 values of "
                            "/profiles)",
                            (unsigned long long)n, DATASET_MAX_PILOTS);
    *n_pilots = (size_t)n;
    return 0;
}

static int read_scene(hid_t file, struct dataset *ds, struct status *err)
{
    int rc = read_real(file, "/carrier_hz", 1, &ds->carrier_hz, err);
    if (!rc)
        rc = read_real(file, "/ris/spacing_m", 2, ds->spacing_m, err);
    if (!rc)
        rc = read_real(file, "/ris/position_m", 3, &ds->ris_m.x, err);
    if (!rc)
        rc = read_member(file, "/ris/rotation", REAL, (struct shape){2, {3, 3}}, ds->rotation, NULL,
                         err);
    if (!rc)
        rc = read_real(file, "/bs/position_m", 3, &ds->bs_m.x, err);
    return rc;
}

static int read_pilots(hid_t file, struct dataset *ds, struct status *err)
{
    const size_t m = ds->columns * ds->rows;
    int rc = read_member(file, "/profiles", COMPLEX, (struct shape){2, {ds->n_pilots, m}},
                         ds->profiles, NULL, err);
    if (!rc)
        rc = read_member(file, "/y", COMPLEX, (struct shape){1, {ds->n_pilots, 0}}, ds->y, NULL,
                         err);
    if (!rc)
        rc = read_real(file, "/noise_var", 1, &ds->noise_var, err);
    if (!rc)
        rc = read_optional(file, "/power", 1, &ds->power, NULL, err);
    if (!rc)
        rc = read_optional(file, "/prior/p_fail", 1, &ds->p_fail, NULL, err);
    if (!rc)
        rc = read_optional(file, "/search/range_m", 2, ds->range_m, NULL, err);
    return rc;
}

static int read_truth(hid_t file, struct dataset *ds, struct status *err)
{
    bool absent = false;
    int rc =
        read_optional(file, "/truth/position_m", 3, &ds->true_position_m.x, &ds->has_position, err);
    if (!rc) {
        rc = read_member(file, "/truth/gain", COMPLEX, (struct shape){0, {0, 0}}, &ds->true_gain,
                         &absent, err);
        ds->has_gain = !absent;
    }
    if (!rc) {
        rc = read_member(file, "/truth/mask", COMPLEX,
                         (struct shape){1, {ds->columns * ds->rows, 0}}, ds->true_mask, &absent,
                         err);
        ds->has_mask = !absent;
    }
    return rc;
}

static struct dataset *read_all(hid_t file, struct status *err)
{
    size_t shape[2] = {0, 0}, n_pilots = 0;
    if (check_header(file, err) || read_shape(file, shape, err) ||
        read_length(file, shape[0] * shape[1], &n_pilots, err))
        return NULL;
    struct dataset *ds = dataset_create(shape[0], shape[1], n_pilots);
    if (!ds) {
        calib_refuse(err, ERR_NO_MEMORY, "no memory for %zu pilots", n_pilots);
        return NULL;
    }
    if (read_scene(file, ds, err) || read_pilots(file, ds, err) || read_truth(file, ds, err) ||
        dataset_check(ds, err))
        dataset_destroy(&ds);
    return ds;
}

struct dataset *dataset_read(const char *path, struct status *err)
{
    assert(path && err);
    *err = (struct status){0};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* it would print its stack on stderr */
    FILE *probe = fopen(path, "rb");
    if (!probe) {
        calib_refuse(err, ERR_IO, "%s", strerror(errno));
        return NULL;
    }
    fclose(probe);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) {
        calib_refuse(err, ERR_FORMAT, "not an HDF5 file, or damaged");
        return NULL;
    }
    struct dataset *ds = read_all(file, err);
    H5Fclose(file);
    return ds;
}
