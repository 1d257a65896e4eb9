/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/state_dir.h"
#include "host/cli/sweep_output.h"

static void quoted(FILE *f, const char *text)
{
    if (!strpbrk(text, ",\"\n")) {
        fputs(text, f);
        return;
    }
    fputc('"', f);
    for (; *text; text++)
        fprintf(f, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', f);
}

static void axes_head(FILE *f, const struct sweep_plan *plan)
{
    for (size_t a = 0; a < plan->file.n_axes; a++) {
        quoted(f, plan->file.axes[a].keys[0]);
        fputc(',', f);
    }
    if (plan->kind->row)
        fprintf(f, "%s,", plan->kind->row);
}

static void axes_values(FILE *f, const struct sweep_plan *plan, size_t point, size_t row)
{
    size_t index[SWEEP_MAX_AXES];
    sweep_plan_place(plan, point, index);
    for (size_t a = 0; a < plan->file.n_axes; a++) {
        quoted(f, plan->file.axes[a].values[index[a]]);
        fputc(',', f);
    }
    if (plan->kind->row)
        fprintf(f, "%zu,", row);
}

static void number(FILE *f, double v, int digits)
{
    if (isnan(v))
        fputs("NaN", f);
    else
        fprintf(f, "%.*g", digits, v);
}

static void csv_head(FILE *f, const struct sweep_plan *plan)
{
    axes_head(f, plan);
    fputs("trials", f);
    for (size_t c = 0; c < plan->n_columns; c++)
        for (int s = 0; s < EXPERIMENT_STATISTICS; s++)
            if (plan->columns[c].statistics & 1u << s)
                fprintf(f, ",%s_%s", plan->columns[c].name, experiment_statistic_name(s));
    fputc('\n', f);
}

static void csv_row(FILE *f, const struct sweep_store *store, size_t point, size_t row,
                    double *scratch)
{
    const struct sweep_plan *plan = store->plan;
    const double *first = store->values + point * plan->n_trials * plan->width;
    axes_values(f, plan, point, row);
    fprintf(f, "%zu", plan->n_trials);
    for (size_t c = 0; c < plan->n_columns; c++)
        for (int s = 0; s < EXPERIMENT_STATISTICS; s++) {
            if (!(plan->columns[c].statistics & 1u << s))
                continue;
            fputc(',', f);
            number(f,
                   experiment_reduce(s, first + row * plan->n_columns + c, plan->n_trials,
                                     plan->width, scratch),
                   10);
        }
    fputc('\n', f);
}

/* Written in memory first: the file is replaced whole. */
static int finish(FILE *f, char **text, size_t *n, const char *prefix, const char *suffix,
                  struct status *err)
{
    char path[600];
    bool bad = ferror(f);
    int rc;
    if (fclose(f) || bad)
        rc = status_set(err, ERR_NO_MEMORY, "%s%s: out of memory", prefix, suffix);
    else if ((size_t)snprintf(path, sizeof path, "%s%s", prefix, suffix) >= sizeof path)
        rc = status_set(err, ERR_NO_SPACE, "%s: the path is too long", prefix);
    else
        rc = file_replace(path, *text, *n, 0644, err);
    free(*text);
    return rc;
}

int sweep_write_csv(const struct sweep_store *store, const char *prefix, struct status *err)
{
    const struct sweep_plan *plan = store->plan;
    char *text = NULL;
    size_t n = 0;
    double *scratch = malloc(plan->n_trials * sizeof *scratch);
    FILE *f = scratch ? open_memstream(&text, &n) : NULL;
    if (!f) {
        free(scratch);
        return status_set(err, ERR_NO_MEMORY, "%s.csv: out of memory", prefix);
    }
    csv_head(f, plan);
    for (size_t p = 0; p < plan->n_points; p++)
        for (size_t r = 0; r < plan->n_rows; r++)
            csv_row(f, store, p, r, scratch);
    free(scratch);
    return finish(f, &text, &n, prefix, ".csv", err);
}

int sweep_check_csv(const struct sweep_plan *plan, const char *prefix, struct status *err)
{
    char path[600], *want = NULL, *got = NULL;
    size_t n = 0, size = 0;
    snprintf(path, sizeof path, "%s.csv", prefix);
    FILE *head = open_memstream(&want, &n), *csv = fopen(path, "r");
    if (head) {
        csv_head(head, plan);
        fclose(head);
    }
    int rc = 0;
    if (!csv)
        rc = status_set(err, ERR_IO, "%s: cannot read: %s; run the sweep first", path,
                        strerror(errno));
    else if (getline(&got, &size, csv) < 0 || !want || strcmp(got, want) != 0)
        rc = status_set(err, ERR_ARG,
                        "%s: its columns are those of another experiment; run the sweep again",
                        path);
    if (csv)
        fclose(csv);
    free(want);
    free(got);
    return rc;
}

static void trial_rows(FILE *f, const struct sweep_store *store, size_t item)
{
    const struct sweep_plan *plan = store->plan;
    const double *v = store->values + item * plan->width;
    for (size_t r = 0; r < plan->n_rows; r++, v += plan->n_columns) {
        axes_values(f, plan, item / plan->n_trials, r);
        fprintf(f, "%zu", item % plan->n_trials);
        for (size_t c = 0; c < plan->n_columns; c++) {
            fputc(',', f);
            number(f, v[c], 17);
        }
        fputc('\n', f);
    }
}

int sweep_write_trials(const struct sweep_store *store, const char *prefix, struct status *err)
{
    const struct sweep_plan *plan = store->plan;
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return status_set(err, ERR_NO_MEMORY, "%s-trials.csv: out of memory", prefix);
    axes_head(f, plan);
    fputs("trial", f);
    for (size_t c = 0; c < plan->n_columns; c++)
        fprintf(f, ",%s", plan->columns[c].name);
    fputc('\n', f);
    for (size_t i = 0; i < store->n_items; i++)
        trial_rows(f, store, i);
    return finish(f, &text, &n, prefix, "-trials.csv", err);
}
