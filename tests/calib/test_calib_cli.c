/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `mirador bounds` and `mirador calib` from outside: a scenario becomes a dataset, the dataset's
 * bounds are the recorded ones, its pixels are found, and what is wrong is told in one line. */
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calib/scenario.h"
#include "tests/dsp/golden.h"
#include "tests/host/cli_rig.h"

static json_t *answer(const char *args)
{
    int code = mirador("%s", args);
    json_t *json = json_loads(out, 0, NULL);
    if (code != 0 || !json)
        fail_msg("mirador %s: code %d: %s", args, code, out);
    return json;
}

/* Case A of the recorded bounds: four failures of mask seed 5 at 30 dB. */
static int setup(void **state)
{
    if (make_folder(state))
        return -1;
    write_file("four.yaml", "failures: {count: 4, seed: 5}\nprior: {p_fail: 0.01}\n");
    return mirador("calib simulate four.yaml -o four.h5");
}

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.12g, expected %.12g", got, want);
}

static void bounds_are_the_recorded(void **state)
{
    (void)state;
    json_t *b = answer("bounds four.h5 --json");
    near(golden_number(b, "crb_perfect_m"), 0.008784118690677623, 1e-10);
    near(golden_number(b, "crb_knownloc_m"), 0.009589258314380563, 1e-10);
    near(golden_number(b, "lb_m"), 0.2843395207551161, 1e-9);
    near(golden_number(b, "mcrb_m"), 0.007024415524763232, 1e-10);
    near(golden_number(b, "bias_m"), 0.2842527407955543, 1e-9);
    near(golden_item(b, "pseudo_true_m", 0), 1.5676996914025347, 1e-8);
    near(golden_item(b, "pseudo_true_m", 2), 1.569118244727121, 1e-8);
    assert_true(json_is_false(json_object_get(b, "on_edge")));
    json_decref(b);
    assert_int_equal(mirador("bounds four.h5"), 0);
    assert_non_null(strstr(out, "CRB-KnownLoc"));
    b = answer("bounds four.h5 --rice-db 10 --json");
    assert_true(golden_number(b, "crb_perfect_m") > 0.05);
    json_decref(b);
}

/* The face looks along global -x: everything turns with it, bounds stay, the pseudo-true point is
 * told in the global frame. */
static void a_turned_surface_changes_nothing(void **state)
{
    (void)state;
    write_file("turned.yaml", "failures: {count: 4, seed: 5}\n"
                              "ris:\n  position_m: [7, 1.5, 1.9]\n"
                              "  rotation: [[0, 0, -1], [-1, 0, 0], [0, 1, 0]]\n"
                              "bs: {position_m: [-1.660254037844386, 10.160254037844386, "
                              "10.560254037844386]}\n"
                              "user: {position_m: [5.2679491924311228, -0.2320508075688774, "
                              "3.6320508075688774]}\n");
    assert_int_equal(mirador("calib simulate turned.yaml -o turned.h5"), 0);
    json_t *b = answer("bounds turned.h5 --json");
    near(golden_number(b, "lb_m"), 0.2843395207551161, 1e-8);
    near(golden_item(b, "pseudo_true_m", 0), 7 - 1.569118244727121, 1e-7);
    near(golden_item(b, "pseudo_true_m", 1), 1.5 - 1.5676996914025347, 1e-7);
    near(golden_item(b, "pseudo_true_m", 2), 1.9 + 1.567001386998919, 1e-7);
    json_decref(b);
    b = answer("calib pixels turned.h5 --json");
    near(golden_item(b, "position_m", 0), 5.2679491924311228, 0.05);
    json_decref(b);
}

static void the_default_finds_position_and_pixels(void **state)
{
    (void)state;
    struct status err;
    char path[200];
    snprintf(path, sizeof path, "%s/four.h5", folder);
    struct dataset *ds = dataset_read(path, &err);
    json_t *e = answer("calib pixels four.h5 --json");
    const json_t *list = json_object_get(e, "failures"), *f;
    size_t i;
    assert_non_null(ds);
    assert_string_equal(json_string_value(json_object_get(e, "method")), "joint");
    assert_true(golden_number(e, "error_m") < 5 * 0.0096);
    near(golden_item(e, "position_m", 1), sqrt(3), 5 * 0.0096);
    near(golden_item(e, "gain", 0), cos(0.7), 0.05);
    assert_int_equal(json_array_size(list), 4);
    json_array_foreach(list, i, f)
    {
        cplx c = CMPLX(golden_item(f, "coefficient", 0), golden_item(f, "coefficient", 1));
        assert_true(cabs(c - ds->true_mask[(size_t)golden_number(f, "index")]) < 0.1);
        assert_true(golden_number(f, "log_odds") > 0);
    }
    assert_true(json_is_true(json_object_get(e, "explained")));
    assert_true(json_is_true(json_object_get(e, "converged")));
    assert_true(golden_number(e, "residual") > 0 && golden_number(e, "iterations") > 0 &&
                golden_number(e, "time_ms") > 0);
    json_decref(e);
    dataset_destroy(&ds);
    assert_int_equal(mirador("calib pixels four.h5"), 0);
    assert_non_null(strstr(out, "log-odds"));
}

static void every_method_answers(void **state)
{
    (void)state;
    const char *const methods[] = {"agnostic", "l1", "successive"};
    for (size_t i = 0; i < 3; i++) {
        char args[100];
        snprintf(args, sizeof args, "calib pixels four.h5 --json --method %s", methods[i]);
        json_t *e = answer(args);
        assert_string_equal(json_string_value(json_object_get(e, "method")), methods[i]);
        assert_true(golden_number(e, "error_m") < 1);
        if (i == 0) {
            assert_int_equal(json_array_size(json_object_get(e, "failures")), 0);
            assert_true(json_is_false(json_object_get(e, "explained")));
            near(golden_number(e, "error_m"), 0.2843, 0.03); /* the bias of LB */
        }
        json_decref(e);
    }
}

static void files_of_h5py_are_estimated(void **state)
{
    (void)state;
    json_t *e = answer("calib pixels --json " TEST_DATA_DIR "/pixels_h5py.h5");
    assert_true(json_is_array(json_object_get(e, "failures")));
    json_decref(e);
}

static void faults_are_one_line(void **state)
{
    (void)state;
    refused("bounds", "expected one dataset FILE");
    refused("bounds none.h5", "mirador bounds: none.h5: No such file or directory");
    refused("bounds four.yaml", "four.yaml: not an HDF5 file");
    refused("bounds four.h5 --rice-db x", "--rice-db needs a number");
    refused("calib", "which verb?");
    refused("calib pixles", "did you mean 'pixels'?");
    refused("calib pixels four.h5 --method best", "joint, agnostic, l1, successive or occam");
    refused("calib simulate four.yaml", "expected SCENARIO.yaml -o FILE");
    refused("calib simulate four.yaml -o x.h5 --set failures.cuont=2",
            "did you mean 'failures.count'?");
    write_file("behind.yaml", "user: {position_m: [1, 1, -2]}\n");
    refused("calib simulate behind.yaml -o x.h5",
            "behind.yaml: /truth/position_m contradicts /ris");
    write_file("typo.yaml", "failures:\n  list:\n    - {index: 3, amplitude: -1}\n");
    refused("calib simulate typo.yaml -o x.h5", "typo.yaml:3:");
    assert_int_equal(mirador("calib simulate four.yaml -o /nowhere/x.h5"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_the_recorded),
        cmocka_unit_test(a_turned_surface_changes_nothing),
        cmocka_unit_test(the_default_finds_position_and_pixels),
        cmocka_unit_test(every_method_answers),
        cmocka_unit_test(files_of_h5py_are_estimated),
        cmocka_unit_test(faults_are_one_line),
    };
    return cmocka_run_group_tests(tests, setup, remove_folder);
}
