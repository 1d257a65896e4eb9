/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/scene.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sim/draw.h"
#include "sim/pixels.h"
#include "sim/vec3.h"
#include "sim/walkers.h"

#define CLEARANCE_M 0.3 /* of drawn scatterers from antennas and surfaces */

static const struct config_key scatterer_keys[] = {
    {"position_m", CONFIG_VEC3(struct scene_scatterer, position_m), .unit = "m", .min = -1e4,
     .max = 1e4},
    {"rcs_dbsm", CONFIG_DOUBLE(struct scene_scatterer, rcs_dbsm), .unit = "dBsm", .min = -80,
     .max = 40},
};
static const struct config_table scatterer_table =
    CONFIG_TABLE(struct scene_scatterer, scatterer_keys);

static const struct config_key failure_keys[] = {
    {"kind", CONFIG_CHOICE(struct scene_failure, kind, "dead|stuck|biased"), .def = "dead"},
    {"elements", CONFIG_INTS(struct scene_failure, elements, n_elements), .min = 0,
     .max = SCENE_MAX_ELEMENTS - 1, .help = "row * columns + column"},
    {"block", CONFIG_INTS(struct scene_failure, block, n_block), .min = 0, .max = 64,
     .help = "cluster: column, row, columns, rows"},
    {"amplitude", CONFIG_DOUBLE(struct scene_failure, amplitude), .min = 0, .max = 1, .def = "0",
     .help = "biased: the commanded coefficient is scaled by this ..."},
    {"phase_rad", CONFIG_DOUBLE(struct scene_failure, phase_rad), .unit = "rad", .min = -7,
     .max = 7, .def = "0", .help = "... and turned by this"},
    {"state", CONFIG_INT(struct scene_failure, state), .min = 0, .max = 7, .def = "0",
     .help = "stuck: the state it shows"},
    {"at_s", CONFIG_DOUBLE(struct scene_failure, at_s), .unit = "s", .min = 0, .max = 1e9,
     .def = "0", .help = "breaks, room time"},
    {"for_s", CONFIG_DOUBLE(struct scene_failure, for_s), .unit = "s", .min = 0, .max = 1e9,
     .def = "0", .help = "heals after so long; 0: never"},
};
static const struct config_table failure_table = CONFIG_TABLE(struct scene_failure, failure_keys);

static const struct config_key ris_keys[] = {
    {"name", CONFIG_STRING(struct scene_ris, name), .help = "for messages"},
    {"board", CONFIG_STRING(struct scene_ris, board), .help = "board name in its reports"},
    {"position_m", CONFIG_VEC3(struct scene_ris, position_m), .unit = "m", .min = -1e4, .max = 1e4,
     .help = "centre"},
    {"facing_m", CONFIG_VEC3S(struct scene_ris, facing_m, n_facing), .unit = "m", .min = -1e4,
     .max = 1e4, .def = "[]", .help = "faces the horizontal bisector of these points"},
    {"normal", CONFIG_VEC3(struct scene_ris, normal), .def = CONFIG_UNSET,
     .help = "direction it faces, when facing_m is empty"},
    {"columns", CONFIG_INT(struct scene_ris, columns), .min = 1, .max = 64, .def = "16"},
    {"rows", CONFIG_INT(struct scene_ris, rows), .min = 1, .max = 64, .def = "16"},
    {"bits", CONFIG_INT(struct scene_ris, bits), .min = 1, .max = 3, .def = "1",
     .help = "phase states per element: 2^bits"},
    {"states", CONFIG_DOUBLES(struct scene_ris, states, n_states), .min = -7, .max = 7, .def = "[]",
     .help = "amplitude, phase [rad] of state 0, of state 1, ...; none: even steps of amplitude 1"},
    {"spacing_m", CONFIG_DOUBLE(struct scene_ris, spacing_m), .unit = "m", .min = 1e-4, .max = 1,
     .def = CONFIG_UNSET, .help = "default half a wavelength"},
    {"loss_db", CONFIG_DOUBLE(struct scene_ris, loss_db), .unit = "dB", .min = 0, .max = 40,
     .def = "1.5", .help = "of an element"},
    {"trigger_pin", CONFIG_INT(struct scene_ris, trigger_pin), .min = 0, .max = 31, .def = "0",
     .help = "pin of the base station's GPIO bank FP0 that the trigger line hangs on"},
    {"failures", CONFIG_LIST(struct scene_ris, failures, n_failures, &failure_table),
     .help = "pixels that break, unknown to the board"},
};
static const struct config_table ris_table = CONFIG_TABLE(struct scene_ris, ris_keys);

static const struct config_key path_keys[] = {
    {"name", CONFIG_STRING(struct scene_path, name)},
    {"speed_mps", CONFIG_DOUBLE(struct scene_path, speed_mps), .unit = "m/s", .min = 0, .max = 30,
     .def = "1.0"},
    {"loop", CONFIG_BOOL(struct scene_path, loop), .def = "true",
     .help = "walk on from the last waypoint to the first"},
    {"waypoints_m", CONFIG_VEC3S(struct scene_path, waypoints_m, n_waypoints), .unit = "m",
     .min = -1e4, .max = 1e4, .min_items = 1},
};
static const struct config_table path_table = CONFIG_TABLE(struct scene_path, path_keys);

static const struct config_key user_keys[] = {
    {"id", CONFIG_INT(struct scene_user, id), .min = 0, .max = 1048575, .def = "1"},
    {"radio", CONFIG_STRING(struct scene_user, radio), .def = "ue",
     .help = "role that its device asks for"},
    {"rcs_dbsm", CONFIG_DOUBLE(struct scene_user, rcs_dbsm), .unit = "dBsm", .min = -80, .max = 40,
     .def = "-3", .help = "echo, at the antenna's place"},
    {"enter_s", CONFIG_DOUBLE(struct scene_user, enter_s), .unit = "s", .min = 0, .max = 1e6,
     .def = "0", .help = "absent before"},
    {"away_s", CONFIG_DOUBLES(struct scene_user, away_s, n_away), .unit = "s", .min = 0, .max = 1e6,
     .def = "[]", .help = "behind a wall from, to, from, to ... after entering"},
    {"smooth_s", CONFIG_DOUBLE(struct scene_user, smooth_s), .unit = "s", .min = 0, .max = 10,
     .def = "0.6", .help = "rounds the corners over this time; 0: plain corners"},
    {"isolation_db", CONFIG_DOUBLE(struct scene_user, isolation_db), .unit = "dB", .min = 0,
     .max = 200, .def = "35", .help = "of its own radio, transmit to receive"},
    {"leak_m", CONFIG_DOUBLE(struct scene_user, leak_m), .unit = "m", .min = 0, .max = 10,
     .def = "0.05", .help = "length of that leak"},
    {"path", CONFIG_STRING(struct scene_user, path), .def = "", .help = "default: the first"},
    {"paths", CONFIG_LIST(struct scene_user, paths, n_paths, &path_table), .min_items = 1},
};
static const struct config_table user_table = CONFIG_TABLE(struct scene_user, user_keys);

#define ARRAY_KEYS(at, field, many)                                                                \
    {at ".positions_m",                                                                            \
     CONFIG_VEC3S(struct scene, field.positions_m, field.n),                                       \
     .unit = "m",                                                                                  \
     .min = -1e4,                                                                                  \
     .max = 1e4,                                                                                   \
     .def = "[]",                                                                                  \
     .help = "antennas one by one, or:"},                                                          \
        {at ".count", CONFIG_INT(struct scene, field.count), .min = 1, .max = SCENE_MAX_PORTS,     \
         .def = many},                                                                             \
        {at ".centre_m",                                                                           \
         CONFIG_VEC3(struct scene, field.centre_m),                                                \
         .unit = "m",                                                                              \
         .min = -1e4,                                                                              \
         .max = 1e4,                                                                               \
         .def = CONFIG_UNSET,                                                                      \
         .help = "centre of the line"},                                                            \
        {at ".first_m",                                                                            \
         CONFIG_VEC3(struct scene, field.first_m),                                                 \
         .unit = "m",                                                                              \
         .min = -1e4,                                                                              \
         .max = 1e4,                                                                               \
         .def = CONFIG_UNSET,                                                                      \
         .help = "or its first antenna"},                                                          \
        {at ".axis", CONFIG_VEC3(struct scene, field.axis), .def = "[-1, 1, 0]",                   \
         .help = "direction of the line"},                                                         \
    {                                                                                              \
        at ".spacing_m", CONFIG_DOUBLE(struct scene, field.spacing_m),                             \
            .unit = "m", .min = 1e-4, .max = 100, .def = CONFIG_UNSET,                             \
            .help = "default half a wavelength"                                                    \
    }

static const struct config_key scene_keys[] = {
    {"carrier_hz", CONFIG_DOUBLE(struct scene, carrier_hz), .unit = "Hz", .min = 1e8, .max = 1e11,
     .def = "5.8e9"},
    {"rate_hz", CONFIG_DOUBLE(struct scene, rate_hz), .unit = "samples/s", .min = 1e5, .max = 5e8,
     .def = "100e6", .help = "sample rate of every radio in the room"},
    {"seed", CONFIG_U64(struct scene, seed), .def = "1", .help = "clutter, fading, noise"},
    {"update_s", CONFIG_DOUBLE(struct scene, update_s), .unit = "s", .min = 1e-4, .max = 0.1,
     .def = "1.5e-3", .help = "the channel follows the users in steps of this, phases always"},
    {"room.min_m", CONFIG_VEC3(struct scene, room_min_m), .unit = "m", .min = -1e4, .max = 1e4,
     .def = "[0, 0, 0]"},
    {"room.max_m", CONFIG_VEC3(struct scene, room_max_m), .unit = "m", .min = -1e4, .max = 1e4},
    {"room.wall_factor", CONFIG_DOUBLES(struct scene, wall_factor, n_wall_factor), .min = -1,
     .max = 1, .def = "[0.3]",
     .help = "amplitude of the image in face x-, x+, y-, y+, z-, z+; one number: all six; 0: none"},
    {"clutter.count", CONFIG_INT(struct scene, clutter_count), .min = 0,
     .max = SCENE_MAX_SCATTERERS, .def = "0", .help = "scatterers drawn uniformly in the room"},
    {"clutter.rcs_mean_dbsm", CONFIG_DOUBLE(struct scene, clutter_mean_dbsm), .unit = "dBsm",
     .min = -80, .max = 40, .def = "-10"},
    {"clutter.rcs_sigma_db", CONFIG_DOUBLE(struct scene, clutter_sigma_db), .unit = "dB", .min = 0,
     .max = 40, .def = "8"},
    {"clutter.scatterers", CONFIG_LIST(struct scene, scatterers, n_scatterers, &scatterer_table)},
    ARRAY_KEYS("bs.tx", bs_tx, "1"),
    ARRAY_KEYS("bs.rx", bs_rx, "4"),
    {"bs.tx_pair_m", CONFIG_DOUBLE(struct scene, bs_tx_pair_m), .unit = "m", .min = 0, .max = 1,
     .def = "0",
     .help =
         "each transmit antenna is two in phase, this far apart along bs.tx.axis: it is deaf at "
         "the sine lambda / (2 x) to their broadside; 0: it is one"},
    {"bs.isolation_db", CONFIG_DOUBLE(struct scene, bs_isolation_db), .unit = "dB", .min = 0,
     .max = 200, .def = "35", .help = "each transmit to each receive antenna"},
    {"bs.antenna.isotropic", CONFIG_BOOL(struct scene, bs_antenna.isotropic), .def = "false"},
    {"bs.antenna.peak_power_gain", CONFIG_DOUBLE(struct scene, bs_antenna.peak_power_gain),
     .min = 1e-3, .max = 1e4, .def = "4", .help = "linear; the pattern is cos^2"},
    {"bs.antenna.boresight", CONFIG_VEC3(struct scene, bs_antenna.boresight),
     .def = "[1, 1, -0.15]"},
    {"bs.antenna.floor", CONFIG_DOUBLE(struct scene, bs_antenna.floor), .min = 0, .max = 1,
     .def = "0.03", .help = "least cosine, so least amplitude relative to the peak"},
    {"radio.noise_figure_db", CONFIG_DOUBLE(struct scene, radio.noise_figure_db), .unit = "dB",
     .min = 0, .max = 60, .def = "8"},
    {"radio.adc_bits", CONFIG_DOUBLE(struct scene, radio.adc_bits), .min = 0, .max = 24,
     .def = "11.3", .help = "effective; 0: ideal"},
    {"radio.phase_noise_dbc_hz", CONFIG_DOUBLE(struct scene, radio.phase_noise_dbc_hz),
     .unit = "dBc/Hz", .min = -300, .max = -40, .def = "-88"},
    {"radio.phase_noise_corner_hz", CONFIG_DOUBLE(struct scene, radio.phase_noise_corner_hz),
     .unit = "Hz", .min = 0, .max = 1e7, .def = "100e3", .help = "flat up to here; 0: none"},
    {"radio.gain_spread_db", CONFIG_DOUBLE(struct scene, radio.gain_spread_db), .unit = "dB",
     .min = 0, .max = 20, .def = "0.5", .help = "each channel within +- this"},
    {"radio.iq_gain_db", CONFIG_DOUBLE(struct scene, radio.iq_gain_db), .unit = "dB", .min = -6,
     .max = 6, .def = "0", .help = "imbalance of the receive mixers: I over Q"},
    {"radio.iq_phase_deg", CONFIG_DOUBLE(struct scene, radio.iq_phase_deg), .unit = "degrees",
     .min = -30, .max = 30, .def = "0", .help = "how far I and Q are from 90 degrees"},
    {"radio.dc_offset", CONFIG_DOUBLE(struct scene, radio.dc_offset), .min = 0, .max = 0.5,
     .def = "0", .help = "part of full scale, at an angle of its own per channel"},
    {"radio.clock_spread_ppm", CONFIG_DOUBLE(struct scene, radio.clock_spread_ppm), .unit = "ppm",
     .min = 0, .max = 50, .def = "2.5", .help = "carrier and sample clock of each device, +-"},
    {"radio.latency_samps", CONFIG_INT(struct scene, radio.latency_samps), .unit = "samples",
     .min = 160, .max = 100000, .def = "164", .help = "start-up delay of transmit"},
    {"ris", CONFIG_LIST(struct scene, ris, n_ris, &ris_table)},
    {"fading.rice_k", CONFIG_DOUBLE(struct scene, rice_k), .min = 0, .max = 1e6, .def = "0",
     .help = "power ratio of Rice fading on every hop of a user; 0: no fading"},
    {"fading.coherence_s", CONFIG_DOUBLE(struct scene, fading_coherence_s), .unit = "s",
     .min = 1e-3, .max = 1e3, .def = "0.2"},
    {"users", CONFIG_LIST(struct scene, users, n_users, &user_table)},
};
const struct config_table scene_table = {CONFIG_KEYS(struct scene, scene_keys),
                                         .presets = "scenes/"};

static int bad(struct status *err, const char *file, const char *what, const char *cure)
{
    return status_set(err, ERR_ARG, "%s: %s; %s", file, what, cure);
}

/* --- completing what was read ------------------------------------------------------------- */

static int complete_array(const struct scene *scene, const char *file, const char *at,
                          struct scene_array *array, struct status *err)
{
    if (array->n > 0)
        return 0;
    bool centred = !isnan(array->centre_m[0]);
    if (centred == !isnan(array->first_m[0]) || vec3_unit(array->axis) <= 0) {
        char what[64];
        snprintf(what, sizeof what, "the place of %s is not clear", at);
        return bad(err, file, what, "give positions_m, or an axis and one of centre_m and first_m");
    }
    double spacing = isnan(array->spacing_m) ? scene_wavelength_m(scene) / 2 : array->spacing_m;
    for (int i = 0; i < array->count; i++) {
        double steps = centred ? i - (array->count - 1) / 2.0 : i;
        vec3_axpy(centred ? array->centre_m : array->first_m, steps * spacing, array->axis,
                  array->positions_m[i]);
    }
    array->n = (size_t)array->count;
    return 0;
}

static int complete_ris(const struct scene *scene, const char *file, struct scene_ris *ris,
                        struct status *err)
{
    static const double up[3] = {0, 0, 1};
    if (ris->n_states != 0 && ris->n_states != (size_t)2 << ris->bits)
        return bad(err, file, "a RIS has another number of 'states' than its bits can show",
                   "give amplitude and phase of each state, or none");
    if (isnan(ris->spacing_m))
        ris->spacing_m = scene_wavelength_m(scene) / 2;
    if (ris->n_facing > 0) {
        memset(ris->normal, 0, sizeof ris->normal);
        for (size_t i = 0; i < ris->n_facing; i++) {
            double d[3];
            vec3_sub(ris->facing_m[i], ris->position_m, d);
            vec3_unit(d);
            vec3_axpy(ris->normal, 1, d, ris->normal);
        }
        ris->normal[2] = 0;
    }
    vec3_cross(up, ris->normal, ris->x_axis);
    if (isnan(ris->normal[0]) || vec3_unit(ris->normal) <= 0 || vec3_unit(ris->x_axis) <= 1e-9)
        return bad(err, file, "a RIS faces nowhere, or straight up or down",
                   "give facing_m or a normal that is not vertical");
    vec3_cross(ris->normal, ris->x_axis, ris->y_axis);
    return pixels_check(ris, file, err);
}

static bool inside(const struct scene *scene, const double p[3])
{
    for (int i = 0; i < 3; i++)
        if (!(p[i] >= scene->room_min_m[i] && p[i] <= scene->room_max_m[i]))
            return false;
    return true;
}

static int complete_user(const struct scene *scene, const char *file, struct scene_user *user,
                         struct status *err)
{
    const char *names[SCENE_MAX_PATHS];
    for (size_t i = 0; i < user->n_paths; i++) {
        struct scene_path *path = &user->paths[i];
        names[i] = path->name;
        for (size_t w = 0; w < path->n_waypoints; w++)
            if (!inside(scene, path->waypoints_m[w]))
                return status_set(err, ERR_ARG,
                                  "%s: waypoint %zu of path '%s' lies outside the room; move it "
                                  "inside room.min_m..room.max_m",
                                  file, w, path->name);
    }
    user->path_index = 0;
    for (size_t i = 0; user->path[0] && i < user->n_paths; i++) {
        user->path_index = i;
        if (!strcmp(user->path, user->paths[i].name))
            return 0;
    }
    if (!user->path[0])
        return 0;
    const char *near = config_nearest(user->path, names, user->n_paths);
    return status_set(err, ERR_ARG, "%s: user %d has no path '%s'; did you mean '%s'?", file,
                      user->id, user->path, near ? near : names[0]);
}

static bool clear_of_antennas(const struct scene *scene, const double p[3])
{
    for (size_t i = 0; i < scene->bs_tx.n; i++)
        if (vec3_distance(p, scene->bs_tx.positions_m[i]) < CLEARANCE_M)
            return false;
    for (size_t i = 0; i < scene->bs_rx.n; i++)
        if (vec3_distance(p, scene->bs_rx.positions_m[i]) < CLEARANCE_M)
            return false;
    for (size_t i = 0; i < scene->n_ris; i++)
        if (vec3_distance(p, scene->ris[i].position_m) < CLEARANCE_M)
            return false;
    return true;
}

/* Scatterer i has draws of its own, so that a longer list begins as a shorter one. */
static void draw_scatterer(const struct scene *scene, uint64_t i, struct scene_scatterer *out)
{
    for (uint64_t attempt = 0; attempt < 64; attempt++) {
        uint64_t index = (i * 64 + attempt) * 4;
        for (int axis = 0; axis < 3; axis++) {
            double u = draw_uniform(scene->seed, DRAW_CLUTTER, index + (uint64_t)axis);
            out->position_m[axis] =
                scene->room_min_m[axis] + u * (scene->room_max_m[axis] - scene->room_min_m[axis]);
        }
        if (clear_of_antennas(scene, out->position_m))
            break;
    }
    double normal[2];
    draw_normal_pair(scene->seed, DRAW_CLUTTER_RCS, i, normal);
    out->rcs_dbsm = scene->clutter_mean_dbsm + scene->clutter_sigma_db * normal[0];
}

static int complete_room(const char *file, struct scene *scene, struct status *err)
{
    for (int i = 0; i < 3; i++)
        if (!(scene->room_max_m[i] > scene->room_min_m[i]))
            return bad(err, file, "room.max_m is not above room.min_m", "swap or correct them");
    if (scene->n_wall_factor == 1)
        for (int face = 1; face < 6; face++)
            scene->wall_factor[face] = scene->wall_factor[0];
    else if (scene->n_wall_factor != 6)
        return bad(err, file, "room.wall_factor has neither one nor six numbers",
                   "give one for all faces, or x-, x+, y-, y+, z-, z+");
    if (vec3_unit(scene->bs_antenna.boresight) <= 0)
        return bad(err, file, "bs.antenna.boresight is zero", "give a direction");
    if (scene->n_scatterers + (size_t)scene->clutter_count > SCENE_MAX_SCATTERERS)
        return bad(err, file, "more than 256 scatterers", "list or draw fewer");
    return 0;
}

static int check_inside(const char *file, const struct scene *scene, struct status *err)
{
    bool ok = true;
    for (size_t i = 0; i < scene->bs_tx.n; i++)
        ok = ok && inside(scene, scene->bs_tx.positions_m[i]);
    for (size_t i = 0; i < scene->bs_rx.n; i++)
        ok = ok && inside(scene, scene->bs_rx.positions_m[i]);
    if (!ok)
        return bad(err, file, "an antenna of the base station lies outside the room",
                   "move bs.tx, bs.rx or the walls");
    for (size_t i = 0; i < scene->n_ris; i++)
        if (!inside(scene, scene->ris[i].position_m))
            return status_set(err, ERR_ARG, "%s: RIS '%s' lies outside the room; move it", file,
                              scene->ris[i].name);
    return 0;
}

/* Boards and roles are how others find what they belong to. */
static int check_names(const char *file, const struct scene *scene, struct status *err)
{
    for (size_t i = 0; i < scene->n_ris; i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(scene->ris[i].board, scene->ris[k].board))
                return bad(err, file, "two RISs name the same board", "give each its own");
    for (size_t i = 0; i < scene->n_users; i++) {
        if (!strcmp(scene->users[i].radio, "bs"))
            return bad(err, file, "a user has the base station's radio 'bs'",
                       "give it another role");
        for (size_t k = 0; k < i; k++)
            if (!strcmp(scene->users[i].radio, scene->users[k].radio))
                return bad(err, file, "two users have the same radio", "give each its own role");
    }
    return 0;
}

static int check_away(const char *file, const struct scene_user *user, struct status *err)
{
    bool ok = user->n_away % 2 == 0;
    for (size_t i = 1; i < user->n_away; i++)
        ok = ok && user->away_s[i] > user->away_s[i - 1];
    return ok ? 0
              : bad(err, file, "users.away_s is no list of begins and ends in order of time",
                    "give from, to, from, to ...");
}

static int complete(const char *file, const struct scene_options *options, struct scene *scene,
                    struct status *err)
{
    if (options && options->seed)
        scene->seed = *options->seed;
    int rc = complete_room(file, scene, err);
    if (!rc && options && options->users)
        rc = walkers_complete(scene, file, options->users, err);
    if (!rc)
        rc = complete_array(scene, file, "bs.tx", &scene->bs_tx, err);
    if (!rc)
        rc = complete_array(scene, file, "bs.rx", &scene->bs_rx, err);
    for (size_t i = 0; !rc && i < scene->n_ris; i++)
        rc = complete_ris(scene, file, &scene->ris[i], err);
    if (!rc && options && options->path && scene->n_users)
        snprintf(scene->users[0].path, SCENE_NAME_SIZE, "%s", options->path);
    if (!rc)
        rc = check_names(file, scene, err);
    for (size_t i = 0; !rc && i < scene->n_users; i++)
        rc = check_away(file, &scene->users[i], err);
    for (size_t i = 0; !rc && i < scene->n_users; i++)
        rc = complete_user(scene, file, &scene->users[i], err);
    if (!rc)
        rc = check_inside(file, scene, err);
    for (int i = 0; !rc && i < scene->clutter_count; i++)
        draw_scatterer(scene, (uint64_t)i, &scene->scatterers[scene->n_scatterers++]);
    return rc;
}

int scene_parse(const char *name, const char *text, size_t length,
                const struct scene_options *options, struct scene *out, struct status *err)
{
    int rc =
        config_parse(&scene_table, name, text, length, options ? options->sets : NULL, out, err);
    return rc ? rc : complete(name, options, out, err);
}

int scene_load(const char *name, const struct scene_options *options, struct scene *out,
               struct status *err)
{
    int rc = config_load(&scene_table, name, options ? options->sets : NULL, out, err);
    return rc ? rc : complete(name, options, out, err);
}

void scene_ris_element(const struct scene_ris *ris, size_t index, double position_m[3])
{
    assert(index < (size_t)(ris->columns * ris->rows));
    double column = (double)(index % (size_t)ris->columns) - (ris->columns - 1) / 2.0;
    double row = (double)(index / (size_t)ris->columns) - (ris->rows - 1) / 2.0;
    vec3_axpy(ris->position_m, column * ris->spacing_m, ris->x_axis, position_m);
    vec3_axpy(position_m, row * ris->spacing_m, ris->y_axis, position_m);
}
