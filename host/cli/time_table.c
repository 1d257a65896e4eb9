/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/time_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { ROWS_MAX = 32, BAR = 64 };

struct row {
    const char *name, *after, *before; /* after NULL: a window */
    double begin_s, length_s, free_s;
};

struct rows {
    struct row row[ROWS_MAX];
    size_t n;
    double period_s;
};

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "?";
}

static int by_time(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->begin_s != y->begin_s)
        return x->begin_s > y->begin_s ? 1 : -1;
    return (x->after != NULL) - (y->after != NULL);
}

static void collect(const json_t *table, struct rows *rows)
{
    const char *const lists[] = {"windows", "guards"};
    *rows = (struct rows){.period_s = number(table, "period_s")};
    for (size_t k = 0; k < 2; k++) {
        const json_t *list = json_object_get(table, lists[k]);
        for (size_t i = 0; i < json_array_size(list) && rows->n < ROWS_MAX; i++) {
            const json_t *one = json_array_get(list, i);
            rows->row[rows->n++] = (struct row){
                .name = word(one, "name"),
                .after = k ? word(one, "after") : NULL,
                .before = k ? word(one, "before") : NULL,
                .begin_s = number(one, "begin_s"),
                .length_s = number(one, "length_s"),
                .free_s = number(one, "free_s"),
            };
        }
    }
    qsort(rows->row, rows->n, sizeof rows->row[0], by_time);
}

int time_table_check(const json_t *table, struct status *err)
{
    const json_t *windows = json_object_get(table, "windows");
    if (number(table, "period_s") > 0 && json_array_size(windows) > 0 &&
        json_is_array(json_object_get(table, "guards")))
        return OK;
    return status_set(err, ERR_FORMAT,
                      "no time table in the answer: is this a miradord, and as new as we are?");
}

static void print_bar(const struct rows *rows, const struct row *r, FILE *out)
{
    const double scale = BAR / rows->period_s;
    const int from = (int)fmin(BAR - 1, fmax(0, floor(r->begin_s * scale)));
    const int to = (int)fmin(BAR, fmax(from + 1, ceil((r->begin_s + r->length_s) * scale)));
    for (int i = 0; i < BAR; i++)
        fputc(i < from || i >= to ? ' ' : r->after ? '.' : '#', out);
}

static double at(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* Nothing from a daemon that does not tell. */
static void print_energy(const json_t *energy, double period_s, FILE *out)
{
    const json_t *place = json_object_get(energy, "place_m");
    size_t i;
    json_t *path;
    if (!energy)
        return;
    fprintf(out, "sensing: %.4g mJ a second, %.1f dBm for %.3f ms every %g s\n",
            1e3 * at(energy, "power_w"), at(energy, "tx_dbm"), 1e3 * at(energy, "burst_s"),
            period_s);
    fprintf(
        out,
        "free space, a user of %g dBsm at (%g, %g, %g), noise figure %g dB, surfaces in focus:\n",
        at(energy, "rcs_dbsm"), json_number_value(json_array_get(place, 0)),
        json_number_value(json_array_get(place, 1)), json_number_value(json_array_get(place, 2)),
        at(energy, "noise_figure_db"));
    json_array_foreach(json_object_get(energy, "paths"), i, path)
    {
        if (json_is_null(json_object_get(path, "e_n0_db")))
            fprintf(out, "  L%zu: nothing arrives\n", i + 1);
        else
            fprintf(out, "  L%zu: %.1f dBm, E/N0 %.1f dB, bound of its length %.3g m\n", i + 1,
                    at(path, "rx_dbm"), at(path, "e_n0_db"), at(path, "sigma_m"));
    }
}

void time_table_text(const json_t *table, FILE *out)
{
    struct rows rows;
    collect(table, &rows);
    fprintf(out, "one cycle of %g ms: # windows, . guards\n", 1e3 * rows.period_s);
    for (size_t i = 0; i < rows.n; i++) {
        const struct row *r = &rows.row[i];
        fprintf(out, "%9.3f .. %8.3f ms |", 1e3 * r->begin_s, 1e3 * (r->begin_s + r->length_s));
        print_bar(&rows, r, out);
        if (r->after)
            fprintf(out, "| guard: %s, %.3f of %.3f ms before the %s\n", r->name, 1e3 * r->length_s,
                    1e3 * r->free_s, r->before);
        else
            fprintf(out, "| %s, %.3f ms\n", r->name, 1e3 * r->length_s);
    }
    print_energy(json_object_get(table, "energy"), rows.period_s, out);
}

/* --- the picture */

enum { ROW_PX = 26, TOP_PX = 56, LEFT_PX = 210, RIGHT_PX = 380, WIDE_PX = 900 };

/* Names come from a daemon: as text, never as markup. */
static void print_escaped(const char *text, FILE *out)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        default:
            fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
        }
}

/* A round step that makes eight to twenty marks. */
static double step_of(double period_s)
{
    const double rough = period_s / 10, power = pow(10, floor(log10(rough)));
    return rough / power < 2 ? 2 * power : rough / power < 5 ? 5 * power : 10 * power;
}

static void print_axis(const struct rows *rows, int bottom, FILE *out)
{
    const double step = step_of(rows->period_s);
    for (int i = 0; i * step <= rows->period_s * 1.0001; i++) {
        const double x = LEFT_PX + WIDE_PX * i * step / rows->period_s;
        fprintf(out,
                "<line x1='%.2f' y1='%d' x2='%.2f' y2='%d' stroke='#ddd'/>"
                "<text x='%.2f' y='%d' text-anchor='middle' fill='#666'>%g</text>\n",
                x, TOP_PX - 6, x, bottom, x, TOP_PX - 12, 1e3 * i * step);
    }
}

static const char *fill_of(const struct row *r)
{
    static const char *const colours[][2] = {
        {"sensing burst", "#2563eb"},    {"sensing capture", "#93c5fd"},
        {"response capture", "#d97706"}, {"pilots", "#7c3aed"},
        {"downlink", "#15803d"},         {"uplink", "#be123c"},
    };
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        if (!r->after && strcmp(colours[i][0], r->name) == 0)
            return colours[i][1];
    return r->after ? "url(#guard)" : "#444";
}

static void print_row(const struct rows *rows, size_t i, FILE *out)
{
    const struct row *r = &rows->row[i];
    const double scale = WIDE_PX / rows->period_s;
    const int y = TOP_PX + (int)i * ROW_PX;
    fprintf(out, "<text x='%d' y='%d' text-anchor='end'>%s", LEFT_PX - 8, y + 16,
            r->after ? "guard: " : "");
    print_escaped(r->name, out);
    fprintf(out, "</text><rect x='%.2f' y='%d' width='%.2f' height='%d' fill='%s'/>",
            LEFT_PX + scale * r->begin_s, y + 3, fmax(1.5, scale * r->length_s), ROW_PX - 8,
            fill_of(r));
    fprintf(out, "<text x='%d' y='%d' fill='#444'>%.3f to %.3f ms", LEFT_PX + WIDE_PX + 12, y + 16,
            1e3 * r->begin_s, 1e3 * (r->begin_s + r->length_s));
    if (r->after) {
        fprintf(out, ", %.3f free before ", 1e3 * r->free_s);
        print_escaped(r->before, out);
    }
    fputs("</text>\n", out);
}

void time_table_svg(const json_t *table, FILE *out)
{
    struct rows rows;
    collect(table, &rows);
    const int bottom = TOP_PX + (int)rows.n * ROW_PX;
    fprintf(out,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' "
            "font-family='system-ui, sans-serif' font-size='13'>\n"
            "<defs><pattern id='guard' width='6' height='6' patternUnits='userSpaceOnUse' "
            "patternTransform='rotate(45)'><rect width='6' height='6' fill='#eee'/>"
            "<line x1='0' y1='0' x2='0' y2='6' stroke='#999' stroke-width='3'/></pattern></defs>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n"
            "<text x='%d' y='22' font-size='15'>one cycle of %g ms (axis in ms)</text>\n",
            LEFT_PX + WIDE_PX + RIGHT_PX, bottom + 16, LEFT_PX, 1e3 * rows.period_s);
    print_axis(&rows, bottom, out);
    for (size_t i = 0; i < rows.n; i++)
        print_row(&rows, i, out);
    fputs("</svg>\n", out);
}
