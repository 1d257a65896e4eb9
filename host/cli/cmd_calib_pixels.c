/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador calib pixels: position and broken pixels out of a dataset. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/options.h"
#include "calib/jlfd_beam.h"
#include "calib/jlfd_l1.h"
#include "calib/jlfd_successive.h"
#include "host/cli/calib_file.h"
#include "host/cli/cmd_calib.h"

#define PROGRAM "mirador calib pixels"

struct task {
    const struct pixel_model *model;
    struct jlfd_data data;
    double time_ms; /* of the estimate alone, without its preparation */
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int run_joint(struct task *task, struct pixel_estimate *out)
{
    const struct jlfd_beam_cfg cfg = {0, 0};
    struct jlfd_beam *ws = jlfd_beam_create(task->model, &cfg);
    if (!ws)
        return ERR_NO_MEMORY;
    const double start = now_ms();
    int rc = jlfd_beam_run(ws, &task->data, out);
    task->time_ms = now_ms() - start;
    jlfd_beam_destroy(&ws);
    return rc;
}

static int run_agnostic(struct task *task, struct pixel_estimate *out)
{
    struct varpro_fit fit;
    struct agnostic *ws = agnostic_create(task->model);
    if (!ws)
        return ERR_NO_MEMORY;
    const double start = now_ms();
    int rc = agnostic_run(ws, task->data.y, NULL, &fit);
    task->time_ms = now_ms() - start;
    if (rc == 0)
        jlfd_report(task->model, &task->data, &fit, NULL, 0, out);
    agnostic_destroy(&ws);
    return rc;
}

static int run_l1(struct task *task, struct pixel_estimate *out)
{
    struct jlfd_l1 *ws = jlfd_l1_create(task->model);
    if (!ws)
        return ERR_NO_MEMORY;
    const double start = now_ms();
    int rc = jlfd_l1_run(ws, &task->data, out);
    task->time_ms = now_ms() - start;
    jlfd_l1_destroy(&ws);
    return rc;
}

static int run_successive(struct task *task, struct pixel_estimate *out)
{
    struct jlfd_successive *ws = jlfd_successive_create(task->model, SUCCESSIVE_PUBLISHED);
    if (!ws)
        return ERR_NO_MEMORY;
    const double start = now_ms();
    int rc = jlfd_successive_run(ws, &task->data, out);
    task->time_ms = now_ms() - start;
    jlfd_successive_destroy(&ws);
    return rc;
}

static const struct method {
    const char *name;
    int (*run)(struct task *task, struct pixel_estimate *out);
} methods[] = {
    {"joint", run_joint},
    {"agnostic", run_agnostic},
    {"l1", run_l1},
    {"successive", run_successive},
};
#define N_METHODS (sizeof methods / sizeof *methods)

static const struct option_spec specs[] = {
    {"method", 'm', "NAME", "joint, agnostic, l1 or successive (joint)"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    const struct method **method = context;
    (void)name; /* the only one */
    for (size_t i = 0; i < N_METHODS; i++)
        if (strcmp(value, methods[i].name) == 0) {
            *method = &methods[i];
            return 0;
        }
    return status_set(err, ERR_ARG, "--method needs joint, agnostic, l1 or successive, not '%.40s'",
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

static void print_json(const struct dataset *ds, const char *method, const struct task *task,
                       const struct pixel_estimate *e)
{
    const struct vec3 p = dataset_to_global(ds, e->position_m);
    json_t *out =
        json_pack("{s:s, s:o, s:o, s:o, s:f, s:i, s:f, s:b, s:b}", "method", method, "position_m",
                  calib_json_vec3(p), "gain", calib_json_cplx(e->gain), "failures",
                  failures_json(e), "residual", e->residual, "iterations", e->iterations, "time_ms",
                  task->time_ms, "converged", e->converged, "explained", e->explained);
    if (ds->has_position)
        json_object_set_new(out, "error_m", calib_json_number(vec3_dist(p, ds->true_position_m)));
    calib_json_print(out);
}

static void print_table(const struct dataset *ds, const char *method, const struct task *task,
                        const struct pixel_estimate *e)
{
    const struct vec3 p = dataset_to_global(ds, e->position_m);
    printf("%s: (%.6f, %.6f, %.6f) m", method, p.x, p.y, p.z);
    if (ds->has_position)
        printf(", %.4g m off the truth", vec3_dist(p, ds->true_position_m));
    printf("; %.3g ms\n", task->time_ms);
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

static int estimate(const struct dataset *ds, const struct method *method, struct task *task,
                    struct pixel_estimate *out, struct status *err)
{
    const struct pixel_problem problem = dataset_problem(ds);
    struct pixel_model *model = pixel_model_create(&problem, err);
    if (!model)
        return err->code;
    task->model = model;
    task->data = (struct jlfd_data){ds->y, ds->noise_var, NULL};
    int rc = method->run(task, out);
    pixel_model_destroy(&model);
    if (rc)
        status_set(err, rc, "%s",
                   rc == ERR_NO_MEMORY ? "out of memory"
                                       : "these pilots and profiles do not determine a position");
    return rc;
}

int cmd_calib_pixels(int argc, char **argv)
{
    const struct method *method = &methods[0];
    static struct pixel_estimate result;
    struct options opt;
    struct task task = {0};
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
    int rc = estimate(ds, method, &task, &result, &err);
    if (rc)
        fprintf(stderr, PROGRAM ": %s: %s\n", opt.operands[0], err.text);
    else
        (opt.json ? print_json : print_table)(ds, method->name, &task, &result);
    dataset_destroy(&ds);
    if (rc == 0)
        return EXIT_DONE;
    return rc == ERR_ARG ? EXIT_USAGE : EXIT_FAILED;
}
