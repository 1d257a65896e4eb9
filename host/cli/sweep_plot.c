/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/state_dir.h"
#include "host/cli/gnuplot.h"
#include "host/cli/sweep_output.h"

/* The same thing looks the same in every figure: bounds are lines, what was measured has points. */
static const struct look {
    const char *prefix, *colour;
    int point; /* 0: a line alone, in dashes; -1: unbroken */
} looks[] = {
    {"crb_perfect", "#999999", 0},
    {"crb_knownloc", "#222222", 0},
    {"lb_", "#c77d9b", 0},
    {"mcrb", "#7b4fa3", 0},
    {"bias", "#0fa3b1", 0},
    {"agnostic", "#b03030", 9},
    {"l1", "#d9822b", 5},
    {"successive", "#2a8f4f", 13},
    {"occam", "#0fa3b1", 11},
    {"joint_trusted", "#6fb1f5", 6},
    {"joint", "#1f5fbf", 7},
    {"theory", "#222222", 0},
    {"analytic_cramer", "#222222", 0},
    {"analytic_bit", "#222222", 0},
    {"analytic_wnls", "#222222", 0},
    {"analytic_frame", "#222222", 0},
    {"analytic", "#222222", 0},
    {"wnls", "#1f5fbf", 7},
    {"cramer", "#d9822b", 4},
    {"success", "#1f5fbf", 7},
    {"ber", "#1f5fbf", 7},
    {"bs_", "#222222", -1},
    {"ris1", "#1f5fbf", -1},
    {"ris2", "#d9822b", -1},
    {"focus", "#b03030", 4},
    {"wide", "#1f5fbf", 7},
    {"codebook", "#2a8f4f", 13},
    {"tracked", "#d9822b", 5},
    {"approximate", "#222222", 0},
    {"half_power", "#1f5fbf", 7},
    {"null", "#d9822b", 4},
    {"toa", "#b03030", 9},
    {"identity", "#2a8f4f", 5},
    {"mrt", "#7b4fa3", 11},
    {"", "#555555", 6},
};

static const char *const colours[] = {"#1f5fbf", "#d9822b", "#2a8f4f", "#b03030",
                                      "#7b4fa3", "#0fa3b1", "#c2185b", "#555555"};
#define N_COLOURS (sizeof colours / sizeof *colours)

static const struct look *look_of(const char *curve)
{
    const struct look *look = looks;
    while (strncmp(curve, look->prefix, strlen(look->prefix)) != 0)
        look++;
    return look;
}

/* Axes from this one on make curves: x runs along the first axis, or along the rows of a trial. */
static size_t first_series_axis(const struct sweep_plan *plan)
{
    return plan->kind->row ? 0 : 1;
}

/* Number of a column in the CSV, from 1. */
static size_t csv_column(const struct sweep_plan *plan, const char *name)
{
    size_t at = plan->file.n_axes + (plan->kind->row != NULL) + 1, wanted;
    enum experiment_statistic statistic;
    if (!sweep_plan_column(plan, name, &wanted, &statistic))
        return 0;
    for (size_t c = 0; c <= wanted; c++)
        for (int s = 0; s < EXPERIMENT_STATISTICS; s++) {
            if (plan->columns[c].statistics & 1u << s)
                at++;
            if (c == wanted && s == (int)statistic)
                return at;
        }
    return 0;
}

static bool drawn(const struct sweep_plan *plan, const struct sweep_figure *fig,
                  const size_t *index)
{
    char text[160];
    bool named = false, hit = false;
    for (size_t a = first_series_axis(plan); a < plan->file.n_axes; a++) {
        const struct sweep_axis *axis = plan->file.axes + a;
        size_t n = strlen(axis->keys[0]);
        named = hit = false;
        snprintf(text, sizeof text, "%s=%s", axis->keys[0], axis->values[index[a]]);
        for (size_t i = 0; i < fig->n_only; i++) {
            bool here = strncmp(fig->only[i], axis->keys[0], n) == 0 && fig->only[i][n] == '=';
            named = named || here;
            hit = hit || (here && strcmp(fig->only[i], text) == 0);
        }
        if (named && !hit)
            return false;
    }
    return true;
}

/* ", T 20", of a label with a unit ", SNR 20 dB". */
static int axis_text(const struct sweep_axis *axis, const char *value, char *text, size_t size)
{
    const char *label = axis->label[0] ? axis->label : axis->keys[0];
    const int name = (int)strcspn(label, "[");
    if (!label[name])
        return snprintf(text, size, ", %s %s", label, value);
    const char *unit = label + name + 1;
    return snprintf(text, size, ", %.*s%s %.*s", name, label, value, (int)strcspn(unit, "]"), unit);
}

/* What the further axes are in this series; nothing where `only` leaves one value. */
static void series_text(const struct sweep_plan *plan, const struct sweep_figure *fig,
                        const size_t *index, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t a = first_series_axis(plan); a < plan->file.n_axes; a++) {
        const struct sweep_axis *axis = plan->file.axes + a;
        size_t shown = 0, other[SWEEP_MAX_AXES];
        memcpy(other, index, sizeof other);
        for (other[a] = 0; other[a] < axis->n_values; other[a]++)
            shown += drawn(plan, fig, other);
        if (shown > 1 && used < size)
            used += (size_t)axis_text(axis, axis->values[index[a]], text + used, size - used);
    }
}

static void legend(FILE *f, const char *curve, const char *series)
{
    char text[240];
    const char *space = strchr(curve, ' ');
    snprintf(text, sizeof text, "%s%s", space ? space + 1 : curve, series);
    gnuplot_quoted(f, text);
}

/* Two series differ by their dashes; of more, each has its own colour, and points or, of lines
 * alone, dashes tell what. */
static void line_style(FILE *f, const struct look *look, size_t series, size_t n_series)
{
    const bool many = n_series > 2;
    fprintf(f, " with %s lc rgb '%s' lw 2 dt %zu", look->point > 0 ? "linespoints" : "lines",
            many ? colours[series % N_COLOURS] : look->colour,
            many && look->point ? 1
            : many              ? (size_t)(look - looks) % 4 + 2
                                : series + (look->point ? 1 : 2));
    if (look->point > 0)
        fprintf(f, " ps 0.9 pt %d", look->point);
}

/* An expression that is true in the rows of the CSV whose further axes have these values. */
static void row_filter(FILE *f, const struct sweep_plan *plan, const size_t *index)
{
    fprintf(f, "1");
    for (size_t a = first_series_axis(plan); a < plan->file.n_axes; a++) {
        fprintf(f, " && strcol(%zu) eq ", a + 1);
        gnuplot_quoted(f, plan->file.axes[a].values[index[a]]);
    }
}

/* One curve of one series: the rows of the CSV whose further axes have these values. */
static void curve_plot(FILE *f, const struct sweep_plan *plan, const struct sweep_figure *fig,
                       size_t curve, const size_t *index, size_t series, size_t n_series)
{
    char name[96], text[160];
    const bool by_row = plan->kind->row != NULL;
    const size_t x = by_row ? plan->file.n_axes + 1 + (plan->kind->leading ? 2 : 0) : 1;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(fig->curves[curve], " "), fig->curves[curve]);
    series_text(plan, fig, index, text, sizeof text);
    fprintf(f, "    csv using (");
    row_filter(f, plan, index);
    fprintf(f, " ? $%zu : NaN):%zu", x, csv_column(plan, name));
    line_style(f, look_of(name), series, n_series);
    fprintf(f, " title ");
    legend(f, fig->curves[curve], text);
}

/* True if point p is the first of a series that is drawn; x runs along the first axis or the rows.
 */
static bool begins_series(const struct sweep_plan *plan, const struct sweep_figure *fig, size_t p,
                          size_t *index)
{
    sweep_plan_place(plan, p, index);
    return (plan->kind->row || plan->file.n_axes == 0 || index[0] == 0) && drawn(plan, fig, index);
}

static size_t count_series(const struct sweep_plan *plan, const struct sweep_figure *fig)
{
    size_t index[SWEEP_MAX_AXES] = {0}, n = 0;
    for (size_t p = 0; p < plan->n_points; p++)
        n += begins_series(plan, fig, p, index);
    return n;
}

/* Every combination of the axes that make curves. */
static void lines(FILE *f, const struct sweep_plan *plan, const struct sweep_figure *fig)
{
    size_t index[SWEEP_MAX_AXES] = {0}, series = 0;
    const size_t n_series = count_series(plan, fig);
    const char *separator = "plot \\\n";
    for (size_t p = 0; p < plan->n_points; p++) {
        if (!begins_series(plan, fig, p, index))
            continue;
        for (size_t c = 0; c < fig->n_curves; c++) {
            fputs(separator, f);
            curve_plot(f, plan, fig, c, index, series, n_series);
            separator = ", \\\n";
        }
        series++;
    }
    fputc('\n', f);
}

/* The one that a picture shows: the first that `only` leaves. */
static void first_drawn(const struct sweep_plan *plan, const struct sweep_figure *fig,
                        size_t *index)
{
    for (size_t p = 0; p < plan->n_points; p++) {
        sweep_plan_place(plan, p, index);
        if (drawn(plan, fig, index))
            return;
    }
}

static void images(FILE *f, const struct sweep_plan *plan, const struct sweep_figure *fig)
{
    const size_t base = plan->file.n_axes + 3; /* the two leading columns: x and y */
    size_t index[SWEEP_MAX_AXES] = {0};
    first_drawn(plan, fig, index);
    fprintf(
        f,
        "set multiplot layout 1,%zu margins char 8, char 8, char 4, char 4 spacing char 16 title ",
        fig->n_curves);
    gnuplot_quoted(f, fig->title);
    fprintf(f,
            " noenhanced\nunset key\nset size ratio -1\nset autoscale fix\nset xlabel '%s' "
            "noenhanced\nset ylabel '%s' noenhanced\nset palette defined (0 '#0d0887', 0.33 "
            "'#9c179e', 0.66 '#ed7953', 1 '#f0f921')\nset cbrange [%g:%g]\n",
            fig->x_label[0] ? fig->x_label : plan->columns[0].name,
            fig->y_label[0] ? fig->y_label : plan->columns[1].name,
            isnan(fig->y_min) ? 0 : fig->y_min, isnan(fig->y_max) ? 1 : fig->y_max);
    for (size_t c = 0; c < fig->n_curves; c++) {
        char name[96];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(fig->curves[c], " "), fig->curves[c]);
        fprintf(f, "set title ");
        legend(f, fig->curves[c], "");
        fprintf(f, " noenhanced\nplot csv using (");
        row_filter(f, plan, index);
        fprintf(f, " ? $%zu : NaN):%zu:%zu with image pixels\n", base, base + 1,
                csv_column(plan, name));
    }
    fprintf(f, "unset multiplot\n");
}

static void frame(FILE *f, const struct sweep_plan *plan, const struct sweep_figure *fig)
{
    const struct sweep_axis *axis = plan->file.axes;
    const char *x = fig->x_label[0]   ? fig->x_label
                    : plan->kind->row ? plan->kind->row
                    : axis->label[0]  ? axis->label
                                      : axis->keys[0];
    fprintf(f, "set title ");
    gnuplot_quoted(f, fig->title);
    fprintf(f, " noenhanced\nset xlabel ");
    gnuplot_quoted(f, x);
    fprintf(f, " noenhanced\nset ylabel ");
    gnuplot_quoted(f, fig->y_label);
    fprintf(f, " noenhanced\nset key below height 1 noenhanced\nset autoscale xfix\nset grid lc "
               "rgb '#dddddd'\n");
    if (fig->log_x)
        fprintf(f, "set logscale x\n");
    if (fig->log_y)
        fprintf(f, "set logscale y\nset format y '%s'\n", fig->y_min < 1e-3 ? "10^{%T}" : "%h");
    if (!isnan(fig->y_min))
        fprintf(f, "set yrange [%.10g:]\n", fig->y_min);
    if (!isnan(fig->y_max))
        fprintf(f, "set yrange [:%.10g]\n", fig->y_max);
}

static void script(FILE *f, const struct sweep_plan *plan, const struct sweep_figure *fig,
                   const char *base)
{
    const bool wide = fig->style == SWEEP_IMAGES;
    const size_t width = wide ? 400 * fig->n_curves : 980;
    const size_t key_rows = wide ? 0 : (fig->n_curves * count_series(plan, fig) + 2) / 3;
    fprintf(f,
            "# SPDX-License-Identifier: GPL-3.0-or-later\n"
            "# Written by mirador sweep. Draws again in its own folder: gnuplot %s-%s.gp\n"
            "set datafile separator ','\nset datafile missing NaN\nset datafile columnheaders\n"
            "csv = ",
            base, fig->name);
    char name[600];
    snprintf(name, sizeof name, "%s.csv", base);
    gnuplot_quoted(f, name);
    fputc('\n', f);
    if (!wide)
        frame(f, plan, fig);
    static const char *const terminals[] = {"pngcairo", "svg"};
    static const char *const suffixes[] = {"png", "svg"};
    for (int i = 0; i < 2; i++) {
        fprintf(f,
                "set terminal %s size %zu,%zu font 'sans,11' background rgb 'white'\nset output ",
                terminals[i], width, 420 + (wide ? 0 : 100) + 18 * (key_rows + 1));
        snprintf(name, sizeof name, "%s-%s.%s", base, fig->name, suffixes[i]);
        gnuplot_quoted(f, name);
        fputc('\n', f);
        (wide ? images : lines)(f, plan, fig);
    }
}

static int draw_one(const struct sweep_plan *plan, const struct sweep_figure *fig,
                    const char *prefix, struct status *err)
{
    char path[600], *text = NULL;
    size_t n = 0;
    const char *slash = strrchr(prefix, '/');
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return status_set(err, ERR_NO_MEMORY, "%s: out of memory", prefix);
    script(f, plan, fig, slash ? slash + 1 : prefix);
    if (fclose(f)) {
        free(text);
        return status_set(err, ERR_NO_MEMORY, "%s: out of memory", prefix);
    }
    snprintf(path, sizeof path, "%s-%s.gp", prefix, fig->name);
    int rc = file_replace(path, text, n, 0644, err);
    free(text);
    return rc ? rc : gnuplot_run_file(path, err);
}

int sweep_draw(const struct sweep_plan *plan, const char *prefix, struct status *err)
{
    for (size_t i = 0; i < plan->file.n_figures; i++) {
        int rc = draw_one(plan, plan->file.figures + i, prefix, err);
        if (rc)
            return rc;
    }
    return 0;
}
