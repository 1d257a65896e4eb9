/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The scene of a simulated room, read from YAML (docs/scenes.md names every key) and completed:
 * unit vectors, antenna positions and clutter are filled in by scene_load. Plain data, about 500
 * kB: keep it on the heap. Setup only. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "frames/status.h"

#define SCENE_LIGHT_MPS 299792458.0

enum {
    SCENE_MAX_RIS = 2,
    SCENE_MAX_PORTS = 32, /* antennas of one direction of one device */
    SCENE_MAX_USERS = 16,
    SCENE_MAX_PATHS = 8,
    SCENE_MAX_AWAY = 16, /* begins and ends, of one user */
    SCENE_MAX_WAYPOINTS = 64,
    SCENE_MAX_SCATTERERS = 256,
    SCENE_MAX_ELEMENTS = 4096, /* of one RIS */
    SCENE_NAME_SIZE = 32,
    SCENE_MAX_FAILURES = 32, /* entries of one RIS */
};

/* Antennas of one direction at the base station: a list, or a line from its centre or first one. */
struct scene_array {
    double positions_m[SCENE_MAX_PORTS][3]; /* complete after scene_load */
    size_t n;
    int count;
    double centre_m[3], first_m[3], axis[3];
    double spacing_m;
};

/* Amplitude pattern sqrt(peak_power_gain) * max(cos(angle to boresight), floor). */
struct scene_antenna {
    bool isotropic;
    double peak_power_gain;
    double boresight[3]; /* unit vector after scene_load */
    double floor;
};

struct scene_radio {
    double noise_figure_db;
    double adc_bits; /* effective */
    double phase_noise_dbc_hz, phase_noise_corner_hz;
    double gain_spread_db;           /* each channel uniform within +- this */
    double iq_gain_db, iq_phase_deg; /* imbalance of the receive mixer */
    double dc_offset;                /* of full scale */
    double clock_spread_ppm;
    int latency_samps; /* start-up delay of transmit against receive */
};

struct scene_scatterer {
    double position_m[3];
    double rcs_dbsm;
};

enum scene_pixel { SCENE_PIXEL_DEAD, SCENE_PIXEL_STUCK, SCENE_PIXEL_BIASED };

/* Pixels that do not do what their board was told. */
struct scene_failure {
    int kind;         /* enum scene_pixel */
    int elements[64]; /* row * columns + column */
    size_t n_elements;
    int block[4]; /* column, row, columns, rows */
    size_t n_block;
    double amplitude, phase_rad; /* BIASED: factor on the commanded coefficient */
    int state;                   /* STUCK: shown for ever */
    double at_s, for_s;          /* room time; for_s 0: never heals */
};

struct scene_ris {
    char name[SCENE_NAME_SIZE], board[SCENE_NAME_SIZE];
    double position_m[3];
    double facing_m[4][3]; /* faces the horizontal bisector of these points, or: */
    size_t n_facing;
    double normal[3]; /* unit vector after scene_load */
    int columns, rows, bits;
    double states[16]; /* amplitude and phase of each state in turn; none: even steps */
    size_t n_states;
    double spacing_m, loss_db;
    int trigger_pin;             /* of the base station's bank FP0 */
    double x_axis[3], y_axis[3]; /* columns run along x, rows along y; x = up cross normal */
    struct scene_failure failures[SCENE_MAX_FAILURES];
    size_t n_failures;
};

struct scene_path {
    char name[SCENE_NAME_SIZE];
    double speed_mps;
    bool loop; /* walks from the last waypoint back to the first; else stops at the last */
    double waypoints_m[SCENE_MAX_WAYPOINTS][3];
    size_t n_waypoints;
};

struct scene_user {
    int id;
    char radio[16]; /* the role that its device asks for */
    double rcs_dbsm;
    double enter_s;              /* absent before */
    double away_s[SCENE_MAX_AWAY]; /* behind a wall from, to, from, to ... after entering */
    size_t n_away;
    double smooth_s;             /* corners are rounded over this time; 0 = plain */
    double leak_m, isolation_db; /* of the user's own radio, transmit into receive */
    char path[SCENE_NAME_SIZE];
    struct scene_path paths[SCENE_MAX_PATHS];
    size_t n_paths;
    size_t path_index; /* of path in paths, set by scene_load */
};

struct scene {
    double carrier_hz, rate_hz;
    uint64_t seed;
    double update_s; /* the channel follows the users in steps of this */
    double room_min_m[3], room_max_m[3];
    double wall_factor[6]; /* amplitude of the image in face x-, x+, y-, y+, z-, z+ */
    size_t n_wall_factor;
    int clutter_count;
    double clutter_mean_dbsm, clutter_sigma_db;
    struct scene_scatterer scatterers[SCENE_MAX_SCATTERERS]; /* listed ones, then drawn ones */
    size_t n_scatterers;
    struct scene_array bs_tx, bs_rx;
    struct scene_antenna bs_antenna;
    double bs_tx_pair_m; /* each transmit antenna is two in phase, this far apart; 0: one */
    double bs_isolation_db;
    struct scene_radio radio;
    struct scene_ris ris[SCENE_MAX_RIS];
    size_t n_ris;
    double rice_k; /* power ratio of fading on user hops; 0 = none */
    double fading_coherence_s;
    struct scene_user users[SCENE_MAX_USERS];
    size_t n_users;
};

/* What the command line may replace; zero or NULL = as the file says. */
struct scene_options {
    const struct config_sets *sets;
    const uint64_t *seed;
    const char *path; /* of the first user */
    size_t users;     /* how many; those the file does not list are drawn (walkers.h) */
};

/* Reads and completes a scene. name: a file, or the name of a scene that we ship ("lab").
 * ERR_ARG, ERR_IO or ERR_NOT_FOUND with the reason, where and the cure in *err. */
int scene_load(const char *name, const struct scene_options *options, struct scene *out,
               struct status *err) MUST_CHECK;

/* The same from memory; name stands for the file in messages. */
int scene_parse(const char *name, const char *text, size_t length,
                const struct scene_options *options, struct scene *out,
                struct status *err) MUST_CHECK;

/* Key table of a scene, for --dump-config. */
extern const struct config_table scene_table;

static inline double scene_wavelength_m(const struct scene *scene)
{
    return SCENE_LIGHT_MPS / scene->carrier_hz;
}

/* Position of element index = row * columns + column, global. */
void scene_ris_element(const struct scene_ris *ris, size_t index, double position_m[3]);
