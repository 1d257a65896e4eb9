/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Datasets: what is written is read again, files of other programs are read, and everything that
 * can be wrong with a member is told by its name, with what was expected and what was found. */
#include <hdf5.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "calib/scenario.h"

enum { COLUMNS = 6, ROWS = 5, M = COLUMNS * ROWS, T = 8 };

static char path[] = "/tmp/mirador-dataset-XXXXXX";
static struct dataset *made;
static struct status err;

/* What the recorded files of other programs hold. */
static struct scenario small(void)
{
    struct scenario s = scenario_default();
    s.columns = COLUMNS;
    s.rows = ROWS;
    s.n_pilots = T;
    s.n_fail = 2;
    s.mask_seed = 3;
    return s;
}

static int setup(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    const struct scenario s = small();
    made = scenario_generate(&s, &err);
    if (fd < 0 || !made)
        return -1;
    return close(fd);
}

static int teardown(void **state)
{
    (void)state;
    dataset_destroy(&made);
    return unlink(path);
}

static void write_made(void)
{
    if (dataset_write(path, made, &err) != 0)
        fail_msg("%s", err.text);
}

static struct dataset *read_or_fail(const char *file)
{
    struct dataset *ds = dataset_read(file, &err);
    if (!ds)
        fail_msg("%s: %s", file, err.text);
    return ds;
}

static void same_arrays(const struct dataset *a, const struct dataset *b)
{
    assert_memory_equal(a->profiles, b->profiles, T * M * sizeof(cplx));
    assert_memory_equal(a->y, b->y, T * sizeof(cplx));
    assert_memory_equal(a->true_mask, b->true_mask, M * sizeof(cplx));
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    made->p_fail = 0.05;
    made->range_m[1] = 20;
    write_made();
    struct dataset *ds = read_or_fail(path);
    same_arrays(ds, made);
    assert_true(ds->columns == COLUMNS && ds->rows == ROWS && ds->n_pilots == T);
    assert_true(ds->carrier_hz == made->carrier_hz && ds->noise_var == made->noise_var);
    assert_true(ds->power == made->power && ds->p_fail == 0.05 && ds->range_m[1] == 20);
    assert_memory_equal(ds->spacing_m, made->spacing_m, sizeof made->spacing_m);
    assert_memory_equal(ds->rotation, made->rotation, sizeof made->rotation);
    assert_memory_equal(&ds->ris_m, &made->ris_m, sizeof made->ris_m);
    assert_memory_equal(&ds->bs_m, &made->bs_m, sizeof made->bs_m);
    assert_memory_equal(&ds->true_position_m, &made->true_position_m, sizeof made->bs_m);
    assert_true(ds->true_gain == made->true_gain);
    assert_true(ds->has_position && ds->has_gain && ds->has_mask);
    dataset_destroy(&ds);
    made->p_fail = 0.02;
    made->range_m[1] = 10;
}

static void close_arrays(const cplx *a, const cplx *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(cabs(a[i] - b[i]) < 1e-11);
}

static void check_foreign(const char *file, double p_fail)
{
    struct dataset *ds = read_or_fail(file);
    assert_true(ds->columns == COLUMNS && ds->rows == ROWS && ds->n_pilots == T);
    close_arrays(ds->profiles, made->profiles, (size_t)T * M);
    close_arrays(ds->y, made->y, T);
    close_arrays(ds->true_mask, made->true_mask, M);
    assert_true(cabs(ds->true_gain - made->true_gain) < 1e-14);
    assert_true(fabs(ds->noise_var - made->noise_var) < 1e-17);
    assert_true(vec3_dist(ds->bs_m, made->bs_m) < 1e-14);
    assert_true(vec3_dist(ds->true_position_m, made->true_position_m) < 1e-14);
    assert_true(ds->power == 1 && ds->range_m[0] == 1 && ds->range_m[1] == 10);
    assert_true(fabs(ds->p_fail - p_fail) < 1e-12);
    assert_true(ds->has_gain && ds->has_mask && ds->has_position);
    dataset_destroy(&ds);
}

static void files_of_other_programs_are_read(void **state)
{
    (void)state;
    check_foreign(TEST_DATA_DIR "/pixels_h5py.h5", 0.0625);
    check_foreign(TEST_DATA_DIR "/pixels_matlab_layout.h5", 0.02);
}

/* One member replaced by n zeros (or `value`s) of this rank and shape; complex or real. */
struct fault {
    const char *member;
    int rank; /* -1: removed */
    hsize_t dims[3];
    double value;
    bool complex_type;
    const char *expected;
};

static void put(hid_t file, const struct fault *f)
{
    hsize_t n = 1;
    H5Ldelete(file, f->member, H5P_DEFAULT);
    if (f->rank < 0)
        return;
    for (int i = 0; i < f->rank; i++)
        n *= f->dims[i];
    hid_t type = H5Tcopy(H5T_NATIVE_DOUBLE);
    if (f->complex_type) {
        H5Tclose(type);
        type = H5Tcreate(H5T_COMPOUND, 16);
        H5Tinsert(type, "r", 0, H5T_NATIVE_DOUBLE);
        H5Tinsert(type, "i", 8, H5T_NATIVE_DOUBLE);
    }
    hid_t space = f->rank ? H5Screate_simple(f->rank, f->dims, NULL) : H5Screate(H5S_SCALAR);
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    hid_t set = H5Dcreate2(file, f->member, type, space, links, H5P_DEFAULT, H5P_DEFAULT);
    double *data = calloc(2 * n + 1, sizeof *data);
    assert_non_null(data);
    for (hsize_t i = 0; i < 2 * n; i++)
        data[i] = f->value;
    assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    free(data);
    H5Dclose(set);
    H5Pclose(links);
    H5Sclose(space);
    H5Tclose(type);
}

static void expect_refusal(const char *what, const char *text)
{
    struct dataset *ds = dataset_read(path, &err);
    if (ds || !strstr(err.text, text) || err.code == 0)
        fail_msg("%s: expected '%s', got %d '%s'", what, text, err.code, ds ? "read" : err.text);
}

static const struct fault faults[] = {
    {"/carrier_hz", -1, .expected = "/carrier_hz is missing: expected a real scalar"},
    {"/ris/shape", -1, .expected = "/ris/shape is missing: expected real [2]"},
    {"/ris", -1, .expected = "/ris/shape is missing"},
    {"/bs", -1, .expected = "/bs/position_m is missing: expected real [3]"},
    {"/ris/rotation", -1, .expected = "/ris/rotation is missing: expected real [3, 3]"},
    {"/profiles", -1, .expected = "/profiles is missing: expected complex {r, i} [8, 30]"},
    {"/y", -1, .expected = "/y is missing: expected complex {r, i} [T]"},
    {"/noise_var", -1, .expected = "/noise_var is missing"},
    {"/carrier_hz",
     1,
     {2},
     1e9,
     .expected = "/carrier_hz: expected a real scalar, found float64 [2]"},
    {"/carrier_hz", 0, .expected = "/carrier_hz = 0: expected a finite number above 0"},
    {"/carrier_hz", 0, .value = 1e9, .complex_type = true,
     .expected = "/carrier_hz: expected a real scalar, found compound of 2 scalar"},
    {"/ris/shape", 1, {3}, 4, .expected = "/ris/shape: expected real [2], found float64 [3]"},
    {"/ris/shape", 1, {2}, 2.5, .expected = "/ris/shape[0] = 2.5: expected a whole number"},
    {"/ris/shape", 1, {2}, 4, .expected = "/profiles: expected complex {r, i} [8, 16], found"},
    {"/ris/shape", 1, {2}, 60000, .expected = "at most 65536 elements"},
    {"/ris/spacing_m", 1, {2}, -1, .expected = "/ris/spacing_m[0] = -1: expected a finite"},
    {"/ris/position_m", 1, {3}, NAN, .expected = "/ris/position_m: value 0 of 3 is not finite"},
    {"/ris/rotation", 2, {3, 3}, 1, .expected = "/ris/rotation is not a rotation"},
    {"/ris/rotation", 1, {9}, 1, .expected = "expected real [3, 3], found float64 [9]"},
    {"/bs/position_m", 1, {3}, -5, .expected = "/bs/position_m contradicts /ris"},
    {"/profiles", 2, {30, 8}, 1, true, "found compound of 2 [30, 8] (transposed?"},
    {"/profiles", 2, {8, 30}, 1, false, "expected complex {r, i} [8, 30], found float64 [8, 30]"},
    {"/profiles", 2, {8, 30}, NAN, true, "/profiles[0,0] is not finite"},
    {"/profiles", 3, {8, 6, 5}, 1, true, "expected complex {r, i} [8, 30], found compound"},
    {"/y", 1, {9}, 1, true, "/profiles: expected complex {r, i} [9, 30], found"},
    {"/y", 1, {8}, INFINITY, true, "/y[0] is not finite"},
    {"/y", 1, {8}, 1, false, "/y: expected complex {r, i} [8], found float64 [8]"},
    {"/y", 2, {8, 2}, 1, true, "/y: expected complex {r, i} [T], found compound of 2 [8, 2]"},
    {"/y", 1, {0}, 1, true, "/y: expected complex {r, i} [T], found compound of 2 [0]"},
    {"/y", 1, {20000}, 1, true, "/y: 20000 pilots are too many"},
    {"/noise_var", 0, .value = -1, .expected = "/noise_var = -1: expected"},
    {"/power", 0, .value = 0, .expected = "/power = 0: expected"},
    {"/power", 1, {4}, 1, .expected = "/power: expected a real scalar, found float64 [4]"},
    {"/prior/p_fail", 0, .value = 1.5, .expected = "/prior/p_fail = 1.5: expected a probability"},
    {"/search/range_m", 1, {2}, 3, .expected = "/search/range_m = [3, 3]: expected nearest <"},
    {"/truth/position_m", 1, {3}, -1, .expected = "/truth/position_m contradicts /ris"},
    {"/truth/mask", 1, {29}, 1, true, "/truth/mask: expected complex {r, i} [30], found"},
    {"/truth/mask", 1, {30}, NAN, true, "/truth/mask[0] is not finite"},
    {"/truth/gain", 0, .value = 0, .complex_type = true, .expected = "/truth/gain = 0"},
};

static void every_fault_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        write_made();
        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        assert_true(file >= 0);
        put(file, &faults[i]);
        H5Fclose(file);
        expect_refusal(faults[i].member, faults[i].expected);
    }
}

static void optional_members_may_miss(void **state)
{
    (void)state;
    const char *const names[] = {"/truth", "/prior", "/search", "/power"};
    write_made();
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    for (size_t i = 0; i < 4; i++)
        assert_true(H5Ldelete(file, names[i], H5P_DEFAULT) >= 0);
    H5Fclose(file);
    struct dataset *ds = read_or_fail(path);
    assert_false(ds->has_position || ds->has_gain || ds->has_mask);
    assert_true(ds->power == 1 && ds->p_fail == 0.02 && ds->true_mask[M - 1] == 1);
    dataset_destroy(&ds);
}

static void replace_attribute(const char *name, const char *text)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Adelete(file, name) >= 0);
    if (text) {
        hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
        H5Tset_size(type, strlen(text));
        hid_t attr = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        H5Awrite(attr, type, text);
        H5Aclose(attr);
        H5Sclose(space);
        H5Tclose(type);
    }
    H5Fclose(file);
}

static void header_is_checked(void **state)
{
    (void)state;
    const char *const cases[][3] = {
        {"format", NULL, "root attribute 'format' is missing"},
        {"format", "other", "expected 'mirador-calib', found 'other'"},
        {"version", NULL, "root attribute 'version' is missing"},
        {"version", "1", "'version' is missing or no number"},
        {"kind", NULL, "root attribute 'kind' is missing"},
        {"kind", "coupling", "root attribute 'kind': expected 'pixels', found 'coupling'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_made();
        replace_attribute(cases[i][0], cases[i][1]);
        expect_refusal(cases[i][0], cases[i][2]);
    }
}

static void no_dataset_at_all(void **state)
{
    (void)state;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("not HDF5", f);
    fclose(f);
    expect_refusal("text", "not an HDF5 file");
    assert_null(dataset_read("/nowhere/x.h5", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(dataset_write("/nowhere/x.h5", made, &err), ERR_IO);
    assert_non_null(strstr(err.text, "No such file"));
}

/* (Bytes changed within a file are HDF5's own matter: Debian's 1.10 may crash on them.) */
static void cut_files_are_refused(void **state)
{
    (void)state;
    static unsigned char bytes[65536];
    write_made();
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t i = 0; i < 100; i++) {
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, n * i / 100, f), n * i / 100);
        fclose(f);
        assert_null(dataset_read(path, &err));
        assert_true(err.code == ERR_FORMAT && err.text[0]);
    }
}

static void frames_turn_and_return(void **state)
{
    (void)state;
    struct dataset *ds = dataset_create(2, 2, 1);
    assert_non_null(ds);
    /* the face looks along global x: local z = x, local x = y, local y = z */
    const double r[3][3] = {{0, 0, 1}, {1, 0, 0}, {0, 1, 0}};
    memcpy(ds->rotation, r, sizeof r);
    ds->ris_m = (struct vec3){1, 2, 3};
    const struct vec3 p = {5, 2.5, 2}, local = dataset_to_ris(ds, p);
    assert_true(vec3_dist(local, (struct vec3){0.5, -1, 4}) < 1e-15);
    assert_true(vec3_dist(dataset_to_global(ds, local), p) < 1e-15);
    dataset_destroy(&ds);
    dataset_destroy(&ds);
}

static void scenarios_out_of_range_are_refused(void **state)
{
    (void)state;
    struct scenario s = small();
    s.n_fail = M + 1;
    assert_null(scenario_generate(&s, &err));
    s = small();
    s.user_m.z = -1;
    assert_null(scenario_generate(&s, &err));
    assert_non_null(strstr(err.text, "/truth/position_m"));
    s = small();
    s.k_factor = 4;
    struct dataset *rice = scenario_generate(&s, &err);
    assert_non_null(rice);
    assert_memory_equal(rice->profiles, made->profiles, T * M * sizeof(cplx));
    assert_true(cabs(rice->y[0] - made->y[0]) > 0.1);
    dataset_destroy(&rice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(files_of_other_programs_are_read),
        cmocka_unit_test(every_fault_is_named),
        cmocka_unit_test(optional_members_may_miss),
        cmocka_unit_test(header_is_checked),
        cmocka_unit_test(no_dataset_at_all),
        cmocka_unit_test(cut_files_are_refused),
        cmocka_unit_test(frames_turn_and_return),
        cmocka_unit_test(scenarios_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
