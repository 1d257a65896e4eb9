/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An experiment as YAML: a scenario, the keys of it that vary, what is measured, what is drawn.
 * docs/sweeps.md lists the keys. */
#pragma once
#include "base/config.h"

#define SWEEP_MAX_AXES    4
#define SWEEP_MAX_VALUES  64
#define SWEEP_MAX_FIGURES 12
#define SWEEP_MAX_CURVES  16

struct sweep_axis {
    char keys[4][64]; /* of the scenario; all get the same value */
    size_t n_keys;
    char values[SWEEP_MAX_VALUES][64]; /* as in --set KEY=VALUE */
    size_t n_values;
    char label[64]; /* in figures */
};

enum sweep_style { SWEEP_LINES, SWEEP_IMAGES };

struct sweep_figure {
    char name[48]; /* of the file: PREFIX-NAME */
    char title[120], x_label[64], y_label[64];
    char curves[SWEEP_MAX_CURVES][96]; /* "COLUMN TEXT": a column of the CSV and its legend */
    size_t n_curves;
    char only[SWEEP_MAX_AXES][128]; /* "KEY=VALUE" of an axis: draw its points alone */
    size_t n_only;
    int style; /* enum sweep_style */
    bool log_x, log_y;
    double y_min, y_max; /* NaN: as the data is */
};

struct sweep_file {
    char title[120];
    int kind; /* index, see sweep_plan.h */
    char methods[8][16];
    size_t n_methods;
    bool bounds;
    int iterations, trials;
    uint64_t seed;
    char vary[4][16];
    size_t n_vary;
    char scenario[32][128]; /* "KEY=VALUE" */
    size_t n_scenario;
    struct sweep_axis axes[SWEEP_MAX_AXES];
    size_t n_axes;
    struct sweep_figure figures[SWEEP_MAX_FIGURES];
    size_t n_figures;
};

/* All keys with their help. */
extern const struct config_table sweep_file_table;
