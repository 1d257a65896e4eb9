/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/export_table.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "host/cli/gnuplot.h"

enum { HEAT_ROWS = 400 }; /* of a heat map; longer recordings are thinned */

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void begin(FILE *f, const char *picture, int width, int height)
{
    fprintf(f,
            "# Written by mirador record export. Draws again in its own folder.\n"
            "set terminal pngcairo size %d,%d font 'sans,11' background rgb 'white'\nset output ",
            width, height);
    gnuplot_quoted(f, picture);
    fprintf(f, "\nset datafile missing NaN\nset grid lc rgb '#dddddd'\n");
}

static void track(FILE *f, const struct export_table *t)
{
    fputs("$fix << EOD\n", f);
    for (size_t i = 0; i < t->n; i++)
        if (!isnan(t->rows[i].position_m[0]))
            fprintf(f, "%.4f %.4f %.4f\n", t->rows[i].position_m[0], t->rows[i].position_m[1],
                    t->rows[i].time_s - t->rows[0].time_s);
    fputs("EOD\nset size ratio -1\nset xlabel 'x [m]'\nset ylabel 'y [m]'\nset cblabel 'time [s]'\n"
          "set title 'positions'\nset palette defined (0 '#1f5fbf', 1 '#d9822b')\n"
          "plot $fix using 1:2 with lines lc rgb '#bbbbbb' notitle, "
          "$fix using 1:2:3 with points pt 7 ps 0.6 lc palette notitle\n",
          f);
}

static void snr(FILE *f, const struct export_table *t)
{
    fputs("$snr << EOD\n", f);
    for (size_t i = 0; i < t->n; i++)
        fprintf(f, "%.3f %.2f %.2f %.2f\n", t->rows[i].time_s - t->rows[0].time_s,
                t->rows[i].snr_db[0], t->rows[i].snr_db[1], t->rows[i].snr_db[2]);
    fputs("EOD\nset xlabel 'time [s]'\nset ylabel 'E/N0 [dB]'\nset title 'paths'\n"
          "set key outside right top\nplot $snr using 1:2 with linespoints pt 7 ps 0.5 lc rgb "
          "'#1f5fbf' title 'L1, echo', $snr using 1:3 with linespoints pt 5 ps 0.5 lc rgb "
          "'#d9822b' title 'L2, over RIS 1', $snr using 1:4 with linespoints pt 9 ps 0.5 lc rgb "
          "'#2a8f4f' title 'L3, over RIS 2'\n",
          f);
}

static void heat(FILE *f, const struct export_table *t, int stream, size_t step)
{
    fprintf(f, "$stream%d << EOD\n", stream);
    for (size_t i = 0; i < t->n; i += step) {
        const struct export_row *row = &t->rows[i];
        for (int b = 0; row->response == RESPONSE_PERMITTED && b < REPORT_PROFILE_BINS; b++)
            fprintf(f, "%.3f %.3f %.2f\n", row->time_s - t->rows[0].time_s, b * t->profile_step_m,
                    10 * log10(fmax((double)row->profile[stream][b], 1e-30)));
        if (row->response == RESPONSE_PERMITTED)
            fputs("\n", f);
    }
    fputs("EOD\n", f);
}

static void profiles(FILE *f, const struct export_table *t)
{
    static const char *const titles[REPORT_STREAMS] = {"static stream", "stream of RIS 1",
                                                       "stream of RIS 2"};
    const size_t step = t->n / HEAT_ROWS + 1;
    double longest = 0;
    for (size_t i = 0; i < 3 * t->n; i++)
        longest = fmax(longest, t->rows[i / 3].length_m[i % 3]);
    for (int s = 0; s < REPORT_STREAMS; s++)
        heat(f, t, s, step);
    fputs("set multiplot layout 1,3\nset view map\nset pm3d map corners2color c1\nunset key\n"
          "set xlabel 'time [s]'\nset ylabel 'path length [m]'\nset cblabel 'dB'\n"
          "set palette defined (0 '#ffffff', 0.4 '#9ecae1', 0.7 '#3182bd', 1 '#08306b')\n",
          f);
    if (longest > 0)
        fprintf(f, "set yrange [0:%.0f]\n", 2 * longest);
    for (int s = 0; s < REPORT_STREAMS; s++)
        fprintf(f,
                "set title '%s'\nstats $stream%d using 3 nooutput\n"
                "set cbrange [STATS_max-40:STATS_max]\nsplot $stream%d using 1:2:3 with pm3d\n",
                titles[s], s, s);
    fputs("unset multiplot\n", f);
}

static int draw(const char *prefix, const char *what, const struct export_table *t,
                void (*body)(FILE *f, const struct export_table *t), int width, struct status *err)
{
    char script[560], picture[560];
    snprintf(script, sizeof script, "%s-%s.gp", prefix, what);
    snprintf(picture, sizeof picture, "%s-%s.png", file_name(prefix), what);
    FILE *f = fopen(script, "w");
    if (!f)
        return status_set(err, ERR_IO, "%.200s: cannot be written", script);
    begin(f, picture, width, 480);
    body(f, t);
    if (fclose(f))
        return status_set(err, ERR_IO, "%.200s: cannot be written", script);
    return gnuplot_run_file(script, err);
}

int export_plot(const char *prefix, const struct export_table *t, struct status *err)
{
    bool any = false, shown = false;
    for (size_t i = 0; i < t->n; i++) {
        any |= t->rows[i].outcome == FIX_DONE;
        shown |= t->rows[i].response == RESPONSE_PERMITTED;
    }
    int rc = any ? draw(prefix, "track", t, track, 640, err) : OK;
    rc = rc || !any ? rc : draw(prefix, "snr", t, snr, 960, err);
    return rc || !shown ? rc : draw(prefix, "profiles", t, profiles, 1500, err);
}
