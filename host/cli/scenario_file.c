/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/scenario_file.h"

#include <math.h>
#include <string.h>

#include "base/log.h"

struct failure {
    int index;
    double amplitude, phase_rad;
};

struct values {
    double carrier_hz, spacing_x_m, spacing_y_m;
    int columns, rows, pilots, profiles, n_fail;
    double ris_m[3], rotation[3][3], bs_m[3], user_m[3], distance_m;
    size_t n_rotation;
    double amplitude, phase_rad, power, snr_db, rice_db, probability, prior, nearest_m, farthest_m;
    uint64_t profile_seed, mask_seed, noise_seed, scatter_seed;
    struct failure failures[PIXEL_MAX_FAILURES];
    size_t n_failures;
};

static const struct config_key failure_keys[] = {
    {"index", CONFIG_INT(struct failure, index), .min = 0, .max = 65535,
     .help = "element: row * columns + column"},
    {"amplitude", CONFIG_DOUBLE(struct failure, amplitude), .min = 0, .max = 2, .def = "0",
     .help = "of its coefficient; 0: dead"},
    {"phase_rad", CONFIG_DOUBLE(struct failure, phase_rad), .unit = "rad", .min = -7, .max = 7,
     .def = "0", .help = "of its coefficient"},
};
static const struct config_table failure_table = CONFIG_TABLE(struct failure, failure_keys);

static const struct config_key keys[] = {
    {"carrier_hz", CONFIG_DOUBLE(struct values, carrier_hz), .unit = "Hz", .min = 1e6, .max = 1e13,
     .def = "28e9", .help = "carrier"},
    {"ris.columns", CONFIG_INT(struct values, columns), .min = 1, .max = 65536, .def = "20",
     .help = "elements along local x"},
    {"ris.rows", CONFIG_INT(struct values, rows), .min = 1, .max = 65536, .def = "20",
     .help = "elements along local y"},
    {"ris.spacing_x_m", CONFIG_DOUBLE(struct values, spacing_x_m), .unit = "m", .min = 1e-6,
     .max = 10, .def = CONFIG_UNSET, .help = "half a wavelength if left out"},
    {"ris.spacing_y_m", CONFIG_DOUBLE(struct values, spacing_y_m), .unit = "m", .min = 1e-6,
     .max = 10, .def = CONFIG_UNSET, .help = "half a wavelength if left out"},
    {"ris.position_m", CONFIG_VEC3(struct values, ris_m), .unit = "m", .min = -1e4, .max = 1e4,
     .def = "[0, 0, 0]", .help = "centre"},
    {"ris.rotation", CONFIG_VEC3S(struct values, rotation, n_rotation), .min = -1, .max = 1,
     .help = "three rows of the matrix local to global; left out: none"},
    {"bs.position_m", CONFIG_VEC3(struct values, bs_m), .unit = "m", .min = -1e4, .max = 1e4,
     .def = "[-8.660254037844386, 8.660254037844386, 8.660254037844386]", .help = "base station"},
    {"user.position_m", CONFIG_VEC3(struct values, user_m), .unit = "m", .min = -1e4, .max = 1e4,
     .def = "[1.7320508075688774, 1.7320508075688774, 1.7320508075688774]", .help = "user"},
    {"user.distance_m", CONFIG_DOUBLE(struct values, distance_m), .unit = "m", .min = 1e-3,
     .max = 1e5, .def = CONFIG_UNSET,
     .help = "from the centre of the RIS, in the direction of user.position_m"},
    {"pilots.count", CONFIG_INT(struct values, pilots), .min = 1, .max = DATASET_MAX_PILOTS,
     .def = "20", .help = "T"},
    {"pilots.profiles", CONFIG_CHOICE(struct values, profiles, "random|one_bit"), .def = "random",
     .help = "phases of the profiles"},
    {"pilots.profile_seed", CONFIG_U64(struct values, profile_seed), .def = "1", .help = "of W"},
    {"pilots.snr_db", CONFIG_DOUBLE(struct values, snr_db), .unit = "dB", .min = -100, .max = 200,
     .def = "30", .help = "|gain|^2 power / noise_var"},
    {"pilots.noise_seed", CONFIG_U64(struct values, noise_seed), .def = "1",
     .help = "of the noise"},
    {"pilots.power", CONFIG_DOUBLE(struct values, power), .min = 1e-12, .max = 1e12, .def = "1",
     .help = "P"},
    {"gain.amplitude", CONFIG_DOUBLE(struct values, amplitude), .min = 1e-12, .max = 1e12,
     .def = "1", .help = "|beta|"},
    {"gain.phase_rad", CONFIG_DOUBLE(struct values, phase_rad), .unit = "rad", .min = -7, .max = 7,
     .def = "0.7", .help = "arg beta"},
    {"rice.k_db", CONFIG_DOUBLE(struct values, rice_db), .unit = "dB", .min = -100, .max = 300,
     .def = CONFIG_UNSET, .help = "Rice factor of the way RIS - user; left out: no scattering"},
    {"rice.seed", CONFIG_U64(struct values, scatter_seed), .def = "1", .help = "of the scattering"},
    {"failures.count", CONFIG_INT(struct values, n_fail), .min = 0, .max = 65536, .def = "0",
     .help = "so many elements fail at random"},
    {"failures.probability", CONFIG_DOUBLE(struct values, probability), .min = 0, .max = 1,
     .def = "0", .help = "each element fails with this probability (where count is 0)"},
    {"failures.seed", CONFIG_U64(struct values, mask_seed), .def = "1", .help = "of both"},
    {"failures.list", CONFIG_LIST(struct values, failures, n_failures, &failure_table),
     .help = "further elements that fail, given outright"},
    {"prior.p_fail", CONFIG_DOUBLE(struct values, prior), .min = 1e-9, .max = 0.999, .def = "0.02",
     .help = "what the estimator is told"},
    {"search.nearest_m", CONFIG_DOUBLE(struct values, nearest_m), .unit = "m", .min = 1e-3,
     .max = 1e4, .def = "1", .help = "search range from here"},
    {"search.farthest_m", CONFIG_DOUBLE(struct values, farthest_m), .unit = "m", .min = 1e-3,
     .max = 1e5, .def = "10", .help = "to here"},
};
static const struct config_table table = CONFIG_TABLE(struct values, keys);

static struct vec3 user_of(const struct values *v)
{
    const struct vec3 ris = vec3_of(v->ris_m), user = vec3_of(v->user_m);
    const double d = vec3_dist(ris, user);
    if (isnan(v->distance_m) || !(d > 0))
        return user;
    return vec3_add(ris, vec3_scale(vec3_sub(user, ris), v->distance_m / d));
}

static void fill_geometry(const struct values *v, struct scenario *s)
{
    s->carrier_hz = v->carrier_hz;
    s->columns = (size_t)v->columns;
    s->rows = (size_t)v->rows;
    s->spacing_m[0] = v->spacing_x_m;
    s->spacing_m[1] = v->spacing_y_m;
    s->ris_m = vec3_of(v->ris_m);
    s->bs_m = vec3_of(v->bs_m);
    s->user_m = user_of(v);
    if (v->n_rotation == 3)
        memcpy(s->rotation, v->rotation, sizeof s->rotation);
    s->range_m[0] = v->nearest_m;
    s->range_m[1] = v->farthest_m;
}

static void fill_signal(const struct values *v, struct scenario *s)
{
    s->n_pilots = (size_t)v->pilots;
    s->profiles = v->profiles == 1 ? SCENARIO_ONE_BIT : SCENARIO_RANDOM_PHASE;
    s->profile_seed = v->profile_seed;
    s->mask_seed = v->mask_seed;
    s->noise_seed = v->noise_seed;
    s->scatter_seed = v->scatter_seed;
    s->gain = v->amplitude * cexp(I * v->phase_rad);
    s->power = v->power;
    s->snr_db = v->snr_db;
    s->n_fail = (size_t)v->n_fail;
    s->p_fail = v->probability;
    s->k_factor = isnan(v->rice_db) ? INFINITY : pow(10, v->rice_db / 10);
    s->prior = v->prior;
}

int scenario_file_read(const char *path, const struct config_sets *sets, struct scenario_file *out,
                       struct status *err)
{
    static struct values v;
    int rc = config_load(&table, path, sets, &v, err);
    if (rc)
        return rc;
    if (v.n_rotation != 0 && v.n_rotation != 3)
        return status_set(err, ERR_ARG, "%s: ris.rotation has %zu rows, expected 3",
                          path ? path : "defaults", v.n_rotation);
    memset(out, 0, sizeof *out);
    out->scenario = scenario_default();
    fill_geometry(&v, &out->scenario);
    fill_signal(&v, &out->scenario);
    for (size_t i = 0; i < v.n_failures; i++) {
        out->failed[i] = (size_t)v.failures[i].index;
        out->coefficient[i] = v.failures[i].amplitude * cexp(I * v.failures[i].phase_rad);
    }
    out->scenario.failed = out->failed;
    out->scenario.coefficient = out->coefficient;
    out->scenario.n_given = v.n_failures;
    return 0;
}
