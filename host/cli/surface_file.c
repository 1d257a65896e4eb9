/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/surface_file.h"

#include "base/log.h"
#include "dsp/cplx.h"

struct values {
    double bs_m[3], ris1_m[3], ris2_m[3], user_m[3], box_min_m[3], box_max_m[3];
    double carrier_hz, threshold_db, cycle_s, answer_s, steer_deg, range_m, offset_m;
    int antennas, columns, rows, bits, cells, grid, users, which;
};

static const struct config_key keys[] = {
    {"bs_m", CONFIG_VEC3(struct values, bs_m), .unit = "m", .min = -1e5, .max = 1e5,
     .def = "[0, 0, 10]", .help = "base station"},
    {"ris1_m", CONFIG_VEC3(struct values, ris1_m), .unit = "m", .min = -1e5, .max = 1e5,
     .def = "[50, 0, 6]", .help = "first surface; it faces the base station and the box"},
    {"ris2_m", CONFIG_VEC3(struct values, ris2_m), .unit = "m", .min = -1e5, .max = 1e5,
     .def = "[0, 50, 6]", .help = "second surface"},
    {"surface", CONFIG_CHOICE(struct values, which, "weaker|ris1|ris2"), .def = "weaker",
     .help = "whose level kinds coverage and map tell; a position needs both"},
    {"user_m", CONFIG_VEC3(struct values, user_m), .unit = "m", .min = -1e5, .max = 1e5,
     .def = "[25, 25, 1.5]", .help = "what beams are focused on"},
    {"box.min_m", CONFIG_VEC3(struct values, box_min_m), .unit = "m", .min = -1e5, .max = 1e5,
     .def = "[10, 10, 1]", .help = "users are between this corner"},
    {"box.max_m", CONFIG_VEC3(struct values, box_max_m), .unit = "m", .min = -1e5, .max = 1e5,
     .def = "[40, 40, 1.8]", .help = "and this"},
    {"carrier_hz", CONFIG_DOUBLE(struct values, carrier_hz), .unit = "Hz", .min = 1e6, .max = 1e12,
     .def = "10e9", .help = "elements and antennas stand half a wavelength apart"},
    {"bs.antennas", CONFIG_INT(struct values, antennas), .min = 1, .max = 1024, .def = "31",
     .help = "of the base station"},
    {"bs.steer_deg", CONFIG_DOUBLE(struct values, steer_deg), .unit = "deg", .min = -89, .max = 89,
     .def = "0", .help = "kind beamwidth: off broadside"},
    {"ris.columns", CONFIG_INT(struct values, columns), .min = 1, .max = 64, .def = "3",
     .help = "elements of each surface"},
    {"ris.rows", CONFIG_INT(struct values, rows), .min = 1, .max = 64, .def = "1",
     .help = "the same"},
    {"ris.bits", CONFIG_INT(struct values, bits), .min = 0, .max = 3, .def = "0",
     .help = "of an element; 0: any phase"},
    {"codebook.cells", CONFIG_INT(struct values, cells), .min = 1, .max = 16, .def = "4",
     .help = "focused beams a side of the box"},
    {"grid", CONFIG_INT(struct values, grid), .min = 2, .max = 128, .def = "41",
     .help = "places a side of the box"},
    {"threshold_db", CONFIG_DOUBLE(struct values, threshold_db), .unit = "dB", .min = -200,
     .max = 0, .def = "-25", .help = "a place is lit from this level on, under focus"},
    {"cycle_s", CONFIG_DOUBLE(struct values, cycle_s), .unit = "s", .min = 1e-6, .max = 1e6,
     .def = "1", .help = "from burst to burst"},
    {"answer_s", CONFIG_DOUBLE(struct values, answer_s), .unit = "s", .min = 0, .max = 1e6,
     .def = "0.1", .help = "from a burst to its position"},
    {"users", CONFIG_INT(struct values, users), .min = 1, .max = 10000000, .def = "20000",
     .help = "drawn for the waits"},
    {"range_m", CONFIG_DOUBLE(struct values, range_m), .unit = "m", .min = 1e-3, .max = 1e6,
     .def = "35", .help = "kind beamwidth: the user's distance"},
    {"offset_m", CONFIG_DOUBLE(struct values, offset_m), .unit = "m", .min = 0, .max = 1e6,
     .def = "0.5", .help = "kind beamwidth: how far the beam misses the user"},
};
static const struct config_table table = CONFIG_TABLE(struct values, keys);

int surface_file_read(const struct config_sets *sets, struct surface_trial *out, struct status *err)
{
    struct values v;
    int rc = config_load(&table, NULL, sets, &v, err);
    if (rc)
        return rc;
    for (int i = 0; i < 3; i++)
        if (v.box_min_m[i] > v.box_max_m[i] || (i < 2 && v.box_min_m[i] == v.box_max_m[i]))
            return status_set(err, ERR_ARG, "box.min_m must lie below box.max_m");
    *out = (struct surface_trial){
        .bs_m = vec3_of(v.bs_m),
        .ris_m = {vec3_of(v.ris1_m), vec3_of(v.ris2_m)},
        .which = (enum surface_which)v.which,
        .user_m = vec3_of(v.user_m),
        .carrier_hz = v.carrier_hz,
        .n_ant = (size_t)v.antennas,
        .columns = (size_t)v.columns,
        .rows = (size_t)v.rows,
        .bits = (unsigned)v.bits,
        .cells = (size_t)v.cells,
        .box_min_m = vec3_of(v.box_min_m),
        .box_max_m = vec3_of(v.box_max_m),
        .grid = (size_t)v.grid,
        .threshold_db = v.threshold_db,
        .cycle_s = v.cycle_s,
        .answer_s = v.answer_s,
        .n_users = (size_t)v.users,
        .steer_rad = v.steer_deg * PI / 180,
        .range_m = v.range_m,
        .offset_m = v.offset_m,
        .seed = 1,
    };
    return 0;
}
