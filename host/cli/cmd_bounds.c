/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador bounds: how well the user of a dataset can be located at all. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "calib/bounds.h"
#include "host/cli/calib_file.h"
#include "host/cli/cmd.h"

#define PROGRAM "mirador bounds"

struct bounds_job {
    double k_factor;
    enum pseudo_true_scope scope;
};

static const struct option_spec specs[] = {
    {"rice-db", 0, "DB", "Rice factor of the way RIS - user (no scattering)"},
    {"local", 0, NULL, "search the pseudo-true point around the truth alone"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct bounds_job *job = context;
    double db;
    if (strcmp(name, "local") == 0) {
        job->scope = PSEUDO_TRUE_LOCAL;
        return 0;
    }
    int rc = option_double(name, value, -100, 300, &db, err);
    if (rc == 0)
        job->k_factor = pow(10, db / 10);
    return rc;
}

static void print_json(const struct dataset *ds, const struct bounds *b)
{
    calib_json_print(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:s}", "crb_perfect_m",
                               calib_json_number(b->crb_perfect_m), "crb_knownloc_m",
                               calib_json_number(b->crb_knownloc_m), "lb_m",
                               calib_json_number(b->lb_m), "mcrb_m", calib_json_number(b->mcrb_m),
                               "bias_m", calib_json_number(b->bias_m), "pseudo_true_m",
                               calib_json_vec3(dataset_to_global(ds, b->pseudo_true_m)), "on_edge",
                               b->on_edge, "search", b->local ? "local" : "box"));
}

static void print_bound(const char *name, double value, const char *none)
{
    if (isfinite(value))
        printf("  %-13s %11.6g m\n", name, value);
    else
        printf("  %-13s %s\n", name, none);
}

static void print_table(const struct dataset *ds, const struct bounds *b)
{
    const char *edge = "none: the pseudo-true point stands on the edge of the search range";
    const struct vec3 p0 = dataset_to_global(ds, b->pseudo_true_m);
    size_t broken = 0;
    for (size_t m = 0; m < ds->columns * ds->rows; m++)
        broken += ds->true_mask[m] != 1;
    printf("%zu x %zu elements, %zu broken, %zu pilots, SNR %.1f dB\n", ds->columns, ds->rows,
           broken, ds->n_pilots, 10 * log10(cplx_norm(ds->true_gain) * ds->power / ds->noise_var));
    print_bound("CRB-perfect", b->crb_perfect_m, "");
    print_bound("CRB-KnownLoc", b->crb_knownloc_m,
                "none: the pilots cannot bear this many unknown coefficients");
    print_bound("LB", b->lb_m, edge);
    print_bound("MCRB", b->mcrb_m, edge);
    print_bound("bias", b->bias_m, "");
    printf("  %-13s (%.6f, %.6f, %.6f) m%s\n", "pseudo-true", p0.x, p0.y, p0.z,
           b->local ? ", the nearest to the truth; the whole range was not searched" : "");
}

static const char *missing_truth(const struct dataset *ds)
{
    if (!ds->has_position)
        return "/truth/position_m is missing: expected real [3]; bounds hold at a true position";
    if (!ds->has_gain)
        return "/truth/gain is missing: expected a complex {r, i} scalar; bounds hold at a true "
               "gain";
    return NULL;
}

static int evaluate(const struct dataset *ds, const struct bounds_job *job, struct bounds *b,
                    struct status *err)
{
    const struct pixel_problem problem = dataset_problem(ds);
    const struct pixel_truth truth = {dataset_to_ris(ds, ds->true_position_m), ds->true_gain,
                                      ds->true_mask};
    const struct bounds_channel channel = {ds->noise_var, job->k_factor};
    const char *missing = missing_truth(ds);
    if (missing)
        return status_set(err, ERR_FORMAT, "%s", missing);
    struct bounds_engine *engine = bounds_create(&problem, job->scope, err);
    if (!engine)
        return err->code;
    int rc = bounds_at(engine, &truth, &channel, b, NULL);
    bounds_destroy(&engine);
    if (rc == ERR_GEOMETRY)
        status_set(err, rc, "these profiles do not determine a position (singular information)");
    else if (rc)
        status_set(err, rc, "the truth stands behind the surface");
    return rc;
}

int cmd_bounds(int argc, char **argv)
{
    struct bounds_job job = {INFINITY, PSEUDO_TRUE_BOX};
    struct options opt;
    struct bounds b;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = PROGRAM,
        .synopsis = "Evaluates the bounds on the position error at a dataset's truth: mask known "
                    "(CRB-perfect), its support known (CRB-KnownLoc), failures ignored (LB).",
        .operands = "FILE",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    struct dataset *ds = calib_file_read(PROGRAM, opt.operands, opt.n_operands, &code);
    if (!ds)
        return code;
    int rc = evaluate(ds, &job, &b, &err);
    if (rc)
        fprintf(stderr, PROGRAM ": %s: %s\n", opt.operands[0], err.text);
    else if (opt.json)
        print_json(ds, &b);
    else
        print_table(ds, &b);
    dataset_destroy(&ds);
    if (rc == 0)
        return EXIT_DONE;
    return rc == ERR_GEOMETRY || rc == ERR_NO_MEMORY ? EXIT_FAILED : EXIT_USAGE;
}
