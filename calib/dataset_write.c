/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <errno.h>
#include <hdf5.h>
#include <stdio.h>
#include <string.h>

#include "calib/dataset.h"
#include "calib/refuse.h"

struct shape {
    int rank;
    size_t dims[2];
};

struct writer {
    hid_t file, pair; /* pair: {r, i} */
    bool failed;
};

static void write_member(struct writer *w, const char *name, hid_t stored, hid_t memory,
                         struct shape shape, const void *data)
{
    const hsize_t dims[2] = {shape.dims[0], shape.dims[1]};
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    hid_t space =
        shape.rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(shape.rank, dims, NULL);
    hid_t set = H5Dcreate2(w->file, name, stored, space, links, H5P_DEFAULT, H5P_DEFAULT);
    if (set < 0 || H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        w->failed = true;
    if (set >= 0)
        H5Dclose(set);
    H5Sclose(space);
    H5Pclose(links);
}

static void write_real(struct writer *w, const char *name, struct shape shape, const void *data)
{
    write_member(w, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, shape, data);
}

static void write_complex(struct writer *w, const char *name, struct shape shape, const cplx *data)
{
    write_member(w, name, w->pair, w->pair, shape, data);
}

static void write_attribute(struct writer *w, const char *name, hid_t type, const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attr = H5Acreate2(w->file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attr < 0 || H5Awrite(attr, type, value) < 0)
        w->failed = true;
    if (attr >= 0)
        H5Aclose(attr);
    H5Sclose(space);
}

static void write_header(struct writer *w)
{
    const int version = 1;
    const char *format = "mirador-calib", *kind = "pixels";
    hid_t text = H5Tcopy(H5T_C_S1); /* of variable length: h5py reads that as str */
    H5Tset_size(text, H5T_VARIABLE);
    H5Tset_cset(text, H5T_CSET_UTF8);
    write_attribute(w, "format", text, &format);
    write_attribute(w, "kind", text, &kind);
    H5Tclose(text);
    write_attribute(w, "version", H5T_NATIVE_INT, &version);
}

static void write_all(struct writer *w, const struct dataset *ds)
{
    const struct shape scalar = {0, {0, 0}}, two = {1, {2, 0}}, three = {1, {3, 0}};
    const size_t m = ds->columns * ds->rows;
    const long long shape[2] = {(long long)ds->columns, (long long)ds->rows};
    write_header(w);
    write_real(w, "/carrier_hz", scalar, &ds->carrier_hz);
    write_member(w, "/ris/shape", H5T_STD_I64LE, H5T_NATIVE_LLONG, two, shape);
    write_real(w, "/ris/spacing_m", two, ds->spacing_m);
    write_real(w, "/ris/position_m", three, &ds->ris_m);
    write_real(w, "/ris/rotation", (struct shape){2, {3, 3}}, ds->rotation);
    write_real(w, "/bs/position_m", three, &ds->bs_m);
    write_complex(w, "/profiles", (struct shape){2, {ds->n_pilots, m}}, ds->profiles);
    write_complex(w, "/y", (struct shape){1, {ds->n_pilots, 0}}, ds->y);
    write_real(w, "/noise_var", scalar, &ds->noise_var);
    write_real(w, "/power", scalar, &ds->power);
    write_real(w, "/prior/p_fail", scalar, &ds->p_fail);
    write_real(w, "/search/range_m", two, ds->range_m);
    if (ds->has_position)
        write_real(w, "/truth/position_m", three, &ds->true_position_m);
    if (ds->has_gain)
        write_complex(w, "/truth/gain", scalar, &ds->true_gain);
    if (ds->has_mask)
        write_complex(w, "/truth/mask", (struct shape){1, {m, 0}}, ds->true_mask);
}

int dataset_write(const char *path, const struct dataset *ds, struct status *err)
{
    assert(path && ds && err);
    char draft[4096];
    if (snprintf(draft, sizeof draft, "%s.part", path) >= (int)sizeof draft)
        return calib_refuse(err, ERR_ARG, "the file's name is too long");
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    errno = 0;
    struct writer w = {.file = H5Fcreate(draft, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)};
    if (w.file < 0)
        return calib_refuse(err, ERR_IO, "cannot create %.160s: %s", draft,
                            errno ? strerror(errno) : "refused by HDF5");
    w.pair = H5Tcreate(H5T_COMPOUND, sizeof(cplx));
    H5Tinsert(w.pair, "r", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(w.pair, "i", sizeof(double), H5T_NATIVE_DOUBLE);
    write_all(&w, ds);
    H5Tclose(w.pair);
    if (H5Fclose(w.file) < 0)
        w.failed = true;
    if (!w.failed && rename(draft, path) == 0)
        return 0;
    calib_refuse(err, ERR_IO, "cannot write %.160s: %s", path,
                 errno ? strerror(errno) : "disk full?");
    remove(draft);
    return ERR_IO;
}
