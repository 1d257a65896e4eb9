/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/sweep_file.h"

#include "host/cli/sweep_plan.h"

static const struct config_key axis_keys[] = {
    {"keys", CONFIG_STRINGS(struct sweep_axis, keys, n_keys), .min_items = 1,
     .help = "keys of the scenario; all get the same value"},
    {"values", CONFIG_STRINGS(struct sweep_axis, values, n_values), .min_items = 1,
     .help = "one after the other"},
    {"label", CONFIG_STRING(struct sweep_axis, label), .def = "", .help = "in figures"},
};
static const struct config_table axis_table = CONFIG_TABLE(struct sweep_axis, axis_keys);

static const struct config_key figure_keys[] = {
    {"name", CONFIG_STRING(struct sweep_figure, name), .help = "of the files: EXPERIMENT-NAME"},
    {"title", CONFIG_STRING(struct sweep_figure, title), .def = "", .help = "above the figure"},
    {"x_label", CONFIG_STRING(struct sweep_figure, x_label), .def = "",
     .help = "left out: that of the first axis, or what the rows of a trial are"},
    {"y_label", CONFIG_STRING(struct sweep_figure, y_label), .def = "", .help = ""},
    {"curves", CONFIG_STRINGS(struct sweep_figure, curves, n_curves), .min_items = 1,
     .help = "\"COLUMN TEXT\": a column of the CSV and its legend"},
    {"only", CONFIG_STRINGS(struct sweep_figure, only, n_only),
     .help = "\"KEY=VALUE\" of further axes: leave out all other points"},
    {"style", CONFIG_CHOICE(struct sweep_figure, style, "lines|images"), .def = "lines",
     .help = "images: one picture for each curve (kinds mask and map)"},
    {"log_x", CONFIG_BOOL(struct sweep_figure, log_x), .def = "no", .help = "logarithmic"},
    {"log_y", CONFIG_BOOL(struct sweep_figure, log_y), .def = "no", .help = "logarithmic"},
    {"y_min", CONFIG_DOUBLE(struct sweep_figure, y_min), .def = CONFIG_UNSET,
     .help = "of y; of the colours of images"},
    {"y_max", CONFIG_DOUBLE(struct sweep_figure, y_max), .def = CONFIG_UNSET, .help = "the same"},
};
static const struct config_table figure_table = CONFIG_TABLE(struct sweep_figure, figure_keys);

static const struct config_key keys[] = {
    {"title", CONFIG_STRING(struct sweep_file, title), .def = "", .help = "one line"},
    {"kind", CONFIG_CHOICE(struct sweep_file, kind, SWEEP_KINDS), .def = "pixels",
     .help = "what a trial measures"},
    {"methods", CONFIG_STRINGS(struct sweep_file, methods, n_methods),
     .help = "estimators: joint, agnostic, l1, successive, occam"},
    {"bounds", CONFIG_BOOL(struct sweep_file, bounds), .def = "yes",
     .help = "CRB-perfect, CRB-KnownLoc, MCRB, LB of every trial"},
    {"iterations", CONFIG_INT(struct sweep_file, iterations), .min = 2, .max = 80, .def = "20",
     .help = "rows of kind convergence"},
    {"trials", CONFIG_INT(struct sweep_file, trials), .min = 1, .max = 10000000,
     .help = "of every point"},
    {"seed", CONFIG_U64(struct sweep_file, seed), .def = "1", .help = "of all trials"},
    {"vary", CONFIG_STRINGS(struct sweep_file, vary, n_vary), .def = "[mask, noise, scatter]",
     .help = "what is drawn anew in each trial: profiles, mask, noise, scatter"},
    {"scenario", CONFIG_STRINGS(struct sweep_file, scenario, n_scenario),
     .help = "\"KEY=VALUE\": what differs from the default scenario"},
    {"axes", CONFIG_LIST(struct sweep_file, axes, n_axes, &axis_table),
     .help = "what varies from point to point; the last varies fastest"},
    {"figures", CONFIG_LIST(struct sweep_file, figures, n_figures, &figure_table),
     .help = "x is the first axis (or the row), the other axes make curves of their own"},
};
const struct config_table sweep_file_table = CONFIG_TABLE(struct sweep_file, keys);
