/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador calib pixels: position and broken pixels out of a dataset. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/options.h"
#include "calib/pixel_method.h"
#include "host/cli/calib_file.h"
#include "host/cli/cmd_calib.h"

#define PROGRAM "mirador calib pixels"

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static const struct option_spec specs[] = {
    {"method", 'm', "NAME", "joint, agnostic, l1, successive or occam (joint)"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    int *method = context;
    (void)name; /* the only one */
    *method = pixel_method_find(value);
    if (*method >= 0)
        return 0;
    return status_set(err, ERR_ARG,
                      "--method needs joint, agnostic, l1, successive or occam, not '%.40s'",
                      value);
}

static json_t *failures_json(const struct pixel_estimate *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->n_failures; i++)
        json_array_append_new(list,
                              json_pack("{s:i, s:o, s:o}", "index", (int)e->failures[i].index,
                                        "coefficient", calib_json_cplx(e->failures[i].coefficient),
                                        "log_odds", calib_json_number(e->failures[i].log_odds)));
    return list;
}

static void print_json(const struct dataset *ds, const char *method, double time_ms,
                       const struct pixel_estimate *e)
{
    const struct vec3 p = dataset_to_global(ds, e->position_m);
    json_t *out =
        json_pack("{s:s, s:o, s:o, s:o, s:f, s:i, s:f, s:b, s:b}", "method", method, "position_m",
                  calib_json_vec3(p), "gain", calib_json_cplx(e->gain), "failures",
                  failures_json(e), "residual", e->residual, "iterations", e->iterations, "time_ms",
                  time_ms, "converged", e->converged, "explained", e->explained);
    if (ds->has_position)
        json_object_set_new(out, "error_m", calib_json_number(vec3_dist(p, ds->true_position_m)));
    calib_json_print(out);
}

static void print_table(const struct dataset *ds, const char *method, double time_ms,
                        const struct pixel_estimate *e)
{
    const struct vec3 p = dataset_to_global(ds, e->position_m);
    printf("%s: (%.6f, %.6f, %.6f) m", method, p.x, p.y, p.z);
    if (ds->has_position)
        printf(", %.4g m off the truth", vec3_dist(p, ds->true_position_m));
    printf("; %.3g ms\n", time_ms);
    for (size_t i = 0; i < e->n_failures; i++) {
        const struct pixel_failure *f = &e->failures[i];
        printf("  pixel %5zu (column %zu, row %zu): %.3f at %+.3f rad, log-odds %.1f", f->index,
               f->index % ds->columns, f->index / ds->columns, cabs(f->coefficient),
               carg(f->coefficient), f->log_odds);
        if (ds->has_mask)
            printf(", truth %.3f at %+.3f", cabs(ds->true_mask[f->index]),
                   carg(ds->true_mask[f->index]));
        putchar('\n');
    }
    if (!e->explained)
        printf("  not explained: the residual %.4g is more than noise leaves; trust neither\n",
               e->residual);
    if (!e->converged)
        puts("  not converged");
}

/* time_ms: of the estimate alone, without its preparation. */
static int estimate(const struct dataset *ds, enum pixel_method method, struct pixel_estimate *out,
                    double *time_ms, struct status *err)
{
    const struct pixel_problem problem = dataset_problem(ds);
    const struct jlfd_data data = {ds->y, ds->noise_var, NULL};
    struct pixel_model *model = pixel_model_create(&problem, err);
    if (!model)
        return err->code;
    struct pixel_solver *solver = pixel_solver_create(model, method);
    const double start = now_ms();
    int rc = solver ? pixel_solver_run(solver, &data, out) : ERR_NO_MEMORY;
    *time_ms = now_ms() - start;
    pixel_solver_destroy(&solver);
    pixel_model_destroy(&model);
    if (rc)
        status_set(err, rc, "%s",
                   rc == ERR_NO_MEMORY ? "out of memory"
                                       : "these pilots and profiles do not determine a position");
    return rc;
}

int cmd_calib_pixels(int argc, char **argv)
{
    int method = PIXEL_METHOD_JOINT;
    double time_ms = 0;
    static struct pixel_estimate result;
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = PROGRAM,
        .synopsis = "Finds the user and the broken pixels of a surface in a dataset.",
        .operands = "FILE",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &method,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    struct dataset *ds = calib_file_read(PROGRAM, opt.operands, opt.n_operands, &code);
    if (!ds)
        return code;
    int rc = estimate(ds, method, &result, &time_ms, &err);
    if (rc)
        fprintf(stderr, PROGRAM ": %s: %s\n", opt.operands[0], err.text);
    else
        (opt.json ? print_json : print_table)(ds, pixel_method_name(method), time_ms, &result);
    dataset_destroy(&ds);
    if (rc == 0)
        return EXIT_DONE;
    return rc == ERR_ARG ? EXIT_USAGE : EXIT_FAILED;
}
