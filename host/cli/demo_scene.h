/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the base station and the users must be told about a scene, read from the completed scene
 * that `mirador-room --dump-config` prints. Setup only. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames/status.h"
#include "host/cli/children.h"
#include "host/cli/demo_preset.h"

enum { DEMO_RIS = 2, DEMO_USERS_MAX = 16, DEMO_TX_MAX = 32 };

struct demo_ris {
    char name[32], board[32];
    double position_m[3], normal[3], faces_m[3]; /* faces_m where no normal is given */
    bool has_normal;
    int columns, rows, bits;
    double states[16]; /* amplitude and phase of each state, [n_states] numbers; none: ideal */
    size_t n_states;
    double spacing_m;
};

struct demo_user {
    int id;
    char role[16];                   /* of its radio in the room */
    double height_m, height_sigma_m; /* what it reports */
    double enter_s;                  /* absent before, from the first cycle on */
};

struct demo_scene {
    double rate_hz, carrier_hz;
    double room_min_m[3], room_max_m[3];
    double wall_factor[6];       /* amplitudes, without the sign: x-, x+, y-, y+, z-, z+ */
    double tx_m[DEMO_TX_MAX][3]; /* of each TX channel; channel 0 senses */
    size_t n_tx;
    double rx_centre_m[3], rx_axis[3], rx_spacing_m;
    double boresight[3]; /* of the base station's antennas; null: they look everywhere */
    size_t n_rx;
    struct demo_ris ris[DEMO_RIS];
    struct demo_user users[DEMO_USERS_MAX];
    size_t n_users, n_listed; /* of the users, by the scene; the rest are drawn by the room */
    char path[32];            /* that the first user walks */
};

struct demo_wish {
    const char *scene, *path; /* path NULL = the scene's own */
    uint64_t seed;            /* of the users that are drawn */
    unsigned users;           /* 0 = as many as the scene lists */
};

/* Asks the room's program about a scene (a name of ours or a file).
 * preset: the radio that its base station has; NULL = as the scene says. Faults of the scene are
 * ERR_ARG with the room's own line, or ours. */
int demo_scene_read(const struct children *children, const struct demo_wish *wish,
                    const struct demo_preset *preset, struct demo_scene *out,
                    struct status *err) MUST_CHECK;

/* The same from the dump's text. */
int demo_scene_parse(const char *name, const char *text, const char *path, struct demo_scene *out,
                     struct status *err) MUST_CHECK;

/* Adds "--set KEY=VALUE" for everything that the base station must know of the scene. */
void demo_scene_tell_bs(const struct demo_scene *scene, struct command *command);
/* Adds that all TX channels carry data, instead of the one that senses. */
void demo_scene_tell_beams(const struct demo_scene *scene, struct command *command);
/* The same for the RIS controller; room: endpoint that the native boards report to. */
void demo_scene_tell_ris(const struct demo_scene *scene, const char *room, struct command *command);
/* The same for one user's terminal. */
void demo_scene_tell_ue(const struct demo_scene *scene, size_t user, struct command *command);

/* Adds the two words "--set" and "KEY=VALUE". */
void command_set(struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
