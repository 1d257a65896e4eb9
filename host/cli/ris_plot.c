/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/ris_plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "host/cli/gnuplot.h"

#define DARKEST_DB (-40.0) /* of the colour scale; the CSV has every level as it is */

static FILE *open_csv(const char *prefix, struct status *err)
{
    char path[512];
    FILE *f = NULL;
    if ((size_t)snprintf(path, sizeof path, "%s.csv", prefix) < sizeof path)
        f = fopen(path, "w");
    if (f == NULL)
        status_set(err, ERR_IO, "%s.csv: cannot write: %s; choose another --out", prefix,
                   strerror(errno));
    return f;
}

static int close_csv(const char *prefix, FILE *f, struct status *err)
{
    int bad = ferror(f);
    if (fclose(f) != 0 || bad)
        return status_set(err, ERR_IO, "%s.csv: cannot write: %s; make room on the disk", prefix,
                          strerror(errno));
    return OK;
}

/* The script goes through a temporary file: names stay out of the shell, and nobody waits on a full
 * pipe. */
static FILE *open_script(struct status *err)
{
    FILE *f = tmpfile();
    if (f == NULL)
        status_set(err, ERR_IO, "no temporary file: %s; set TMPDIR", strerror(errno));
    return f;
}

/* Closes the script. */
static int run_gnuplot(FILE *script, struct status *err)
{
    int rc = gnuplot_run(script, err);
    fclose(script);
    return rc;
}

static void named(FILE *f, const char *command, const char *prefix, const char *suffix)
{
    char name[512];
    snprintf(name, sizeof name, "%s%s", prefix, suffix);
    fprintf(f, "%s ", command);
    gnuplot_quoted(f, name);
}

static void write_levels(FILE *f, const struct ris_region *r, const double *level_db)
{
    fprintf(f, "x_m,y_m,level_db\n");
    for (size_t j = 0; j < r->n_y; j++)
        for (size_t i = 0; i < r->n_x; i++) {
            double u = r->n_x > 1 ? (double)i / (double)(r->n_x - 1) : 0;
            double v = r->n_y > 1 ? (double)j / (double)(r->n_y - 1) : 0;
            fprintf(f, "%.6g,%.6g,%.6g\n", r->x_m[0] + u * (r->x_m[1] - r->x_m[0]),
                    r->y_m[0] + v * (r->y_m[1] - r->y_m[0]), level_db[j * r->n_x + i]);
        }
}

static void level_script(FILE *f, const char *prefix, const char *title)
{
    fprintf(f, "set datafile separator ','\nset title ");
    gnuplot_quoted(f, title);
    fprintf(f,
            " noenhanced\nset xlabel 'x [m]'\nset ylabel 'y [m]'\nset cblabel 'dB under focus'\n"
            "set size ratio -1\nset cbrange [%g:0]\nset palette defined (0 '#0d0887', 0.33 "
            "'#9c179e', 0.66 '#ed7953', 1 '#f0f921')\nset autoscale fix\nunset key\n",
            DARKEST_DB);
    static const char *const kinds[] = {"pngcairo size 900,760", "svg size 900,760"};
    static const char *const suffixes[] = {".png", ".svg"};
    for (int i = 0; i < 2; i++) {
        fprintf(f, "set terminal %s\n", kinds[i]);
        named(f, "set output", prefix, suffixes[i]);
        named(f, "\nplot", prefix, ".csv");
        fprintf(f, " skip 1 using 1:2:3 with image\n");
    }
}

int ris_plot_levels(const char *prefix, const char *title, const struct ris_region *region,
                    const double *level_db, struct status *err)
{
    FILE *csv = open_csv(prefix, err);
    if (csv == NULL)
        return err->code;
    write_levels(csv, region, level_db);
    int rc = close_csv(prefix, csv, err);
    FILE *script = rc == OK && title != NULL ? open_script(err) : NULL;
    if (script == NULL)
        return err->code;
    level_script(script, prefix, title);
    return run_gnuplot(script, err);
}

static void pattern_script(FILE *f, const char *prefix, const char *title, struct ris_shape s)
{
    fprintf(f, "set datafile separator ','\nset terminal pngcairo size 700,700\n");
    named(f, "set output", prefix, ".png");
    fprintf(f, "\nset title ");
    gnuplot_quoted(f, title);
    fprintf(f,
            " noenhanced\nset size ratio -1\nset xlabel 'column'\nset ylabel 'row'\n"
            "set cblabel 'state'\nset cbrange [0:%u]\nset palette gray\nset autoscale fix\n"
            "unset key\n",
            (1u << s.bits) - 1);
    named(f, "plot", prefix, ".csv");
    fprintf(f, " skip 1 using 1:2:3 with image pixels\n");
}

int ris_plot_pattern(const char *prefix, const char *title, struct ris_shape shape,
                     const uint8_t *pattern, struct status *err)
{
    FILE *csv = open_csv(prefix, err);
    if (csv == NULL)
        return err->code;
    fprintf(csv, "column,row,state\n");
    for (unsigned m = 0; m < (unsigned)shape.columns * shape.rows; m++)
        fprintf(csv, "%u,%u,%u\n", m % shape.columns, m / shape.columns,
                ris_pattern_get(shape, pattern, m));
    int rc = close_csv(prefix, csv, err);
    FILE *script = rc == OK ? open_script(err) : NULL;
    if (script == NULL)
        return err->code;
    pattern_script(script, prefix, title, shape);
    return run_gnuplot(script, err);
}
