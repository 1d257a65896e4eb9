/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Configuration of miradord: the YAML keys, and what follows from them (radio, waveform, geometry,
 * schedule). Setup only. Defaults are profile lab. */
#pragma once
#include "base/config.h"
#include "base/sockets.h"
#include "dsp/fix.h"
#include "dsp/wall_paths.h"
#include "host/link_config.h"
#include "host/link_port.h"
#include "host/schedule.h"

struct profile_set; /* profile_set.h */

enum {
    BS_USERS_MAX = 16,
    BS_RIS = 2,
    BS_TEXT = LINK_TEXT,
    BS_NAME = LINK_NAME,
    BS_CPUS_MAX = 16,
};

/* No path of an indoor room that matters is longer. */
static const double bs_room_path_m = 60;

/* What the surfaces show. */
enum bs_ris_mode {
    BS_RIS_WIDE,    /* one profile that lights the whole region */
    BS_RIS_STATIC,  /* [S1] (14): one profile for one place */
    BS_RIS_TRACKED, /* the beam of a codebook that suits the tracked user; wide without one */
};

/* Whether the echoes of the burst count in a fix, beside the user's own signal. */
enum bs_echoes { BS_ECHOES_AUTO, BS_ECHOES_YES, BS_ECHOES_NO };

/* How paths are told apart. */
enum bs_identity {
    BS_IDENTITY_CODED,    /* the surfaces change from slot to slot, each by its own code */
    BS_IDENTITY_STEERING, /* they stand still; where a path comes from says which it is */
};
const char *bs_identity_name(enum bs_identity identity); /* "coded" ... */

/* By what, in mode steering. */
enum bs_identity_by {
    BS_BY_FIT,         /* the joint fit of delays and angles */
    BS_BY_CORRELATION, /* [S1] (35): each path's antenna vector; jointly, with the lengths */
    BS_BY_MUSIC, /* the same with the signal subspace of the carriers in place of the vector */
};

struct bs_board {
    char name[BS_NAME];
    double position_m[3], faces_m[3];
    double normal[3]; /* NaN: horizontal bisector of the base station and faces_m */
    int columns, rows, bits;
    double spacing_m;
    double switch_s; /* it takes to show another profile */
};

struct bs_user {
    int id;
    char key_file[BS_TEXT];
    double rate_hz; /* cycles that ask this user, per second; 0: shares what is left */
    int priority;   /* whose turn comes first when not all can have theirs */
};

enum bs_beam { BS_BEAM_POSITION, BS_BEAM_RECIPROCITY };

struct bs_cfg {
    struct link_radio radio;
    struct {
        bool enable;
        char bank[LINK_NAME], source[LINK_NAME];
        int pin;
    } trigger; /* keys radio.trigger* */
    struct link_waveform waveform;
    struct {
        struct link_timing air;
        double first_cycle_s;
    } schedule;
    struct {
        double tx_m[RADIO_CHANNELS_MAX][3];
        size_t n_tx;
        double rx_centre_m[3], rx_axis[3], rx_spacing_m;
        double boresight[3];
    } geometry;
    struct {
        double min_m[3], max_m[3], user_z_m[2];
        double wall_factor[6]; /* of face x-, x+, y-, y+, z-, z+; one: of all */
        size_t n_user_z, n_wall_factor;
    } room;
    struct {
        char endpoint[BS_TEXT];
        double latch_delay_s;
        int timeout_ms, ack_ms;
        struct bs_board boards[BS_RIS];
        size_t n_boards;
        double region_x_m[2], region_y_m[2], region_z_m[2];
        size_t n_region_x, n_region_y, n_region_z;
        int region_grid;
        int mode;           /* enum bs_ris_mode */
        double static_m[3]; /* the user's place of the static profiles; NaN: the region's middle */
        int beams_side;     /* tracked: side x side beams */
        double hysteresis_db; /* tracked: another beam must be so much better */
    } ris;
    struct {
        int mode; /* enum bs_identity */
        int by;   /* enum bs_identity_by */
    } identity;
    struct {
        bool automatic;
        int cycles;
        double max_age_s, refresh_s;
    } background;
    struct {
        double max_age_s, max_temperature_step_c, max_delay_drift_m;
    } calib;
    struct {
        double sigma_direct_m, sigma_ris_m, height_sigma_m;
        double false_alarm, min_peak_db;
        double map_evidence;
        int echoes; /* enum bs_echoes */
        bool cooperative, map;
    } estimate;
    struct {
        struct pilot_train train;
        double forget_s, model_error, alarm, p_fail;
        int lag; /* cycles from a pilot to the adoption of what it taught */
    } pixels;
    struct link_data data;     /* keys link.* */
    int beam;                  /* enum bs_beam: link.beam */
    struct link_port_cfg port; /* likewise */
    struct {
        char folder[BS_TEXT], file[BS_TEXT]; /* file "": nothing is recorded at start */
        bool stream, wait;                   /* of a continuous capture, beside the windows */
        double pretrigger_s, checkpoint_s, stream_s;
        int queue_cycles;
    } record;
    struct bs_user users[BS_USERS_MAX];
    size_t n_users;
    struct {
        uint64_t first;
    } cycle;
    struct {
        bool gated, lock_memory, realtime;
        int cpus[BS_CPUS_MAX];
        size_t n_cpu;
        double latency_budget_s;
        char state_dir[BS_TEXT];
        double debug_truth_m[3]; /* NaN: none */
        int stop_after;          /* cycles, 0 = run on */
    } run;
    char telemetry_endpoint[BS_TEXT], control_endpoint[BS_TEXT];
    char telemetry_remote[BS_TEXT], control_remote[BS_TEXT]; /* empty: none */
    char audit_file[BS_TEXT];
    char secret_key_file[BS_TEXT];
    char client_keys[8][SOCKETS_KEY_TEXT];
    size_t n_client_keys;
};

extern const struct config_table bs_config_table;

/* Everything that can be wrong with a struct bs_cfg without a radio (options_cfg.check): geometry,
 * waveform, schedule. `file` and line lead the message. Returns 0 or ERR_ARG / ERR_GEOMETRY;
 * warnings go to the log. */
int bs_config_check(const void *bs_cfg, const char *file, struct status *err) MUST_CHECK;

/* What the parts of the daemon are made from. Strings point into cfg. */
struct radio_cfg bs_config_radio(const struct bs_cfg *cfg);
struct waveform_cfg bs_config_waveform(const struct bs_cfg *cfg);
struct anchors bs_config_anchors(const struct bs_cfg *cfg);
struct room_box bs_config_room(const struct bs_cfg *cfg);
struct wall_map bs_config_walls(const struct bs_cfg *cfg);
struct vec3 bs_config_antenna(const struct bs_cfg *cfg, size_t rx); /* position of RX channel rx */
int bs_config_panel(const struct bs_cfg *cfg, size_t board, struct panel *panel) MUST_CHECK;
/* Whether so many cycles per second serve n_rest users without a rate and the others at theirs.
 * ERR_NO_SPACE with the numbers. */
int bs_config_rates(double rates_hz, size_t n_rest, double period_s, struct status *err) MUST_CHECK;
/* Whether this cannot be, and why: coded with a board that takes longer than a slot to change, or
 * steering with one receive antenna. *key: what to look at in the file, may be NULL. */
int bs_config_identity(const struct bs_cfg *cfg, enum bs_identity identity, const char **key,
                       struct status *err) MUST_CHECK;
/* The same of the boards that are there, for what no file says; sets: [BS_RIS]. Without a trigger a
 * board steps neither through a code nor through pilots. */
int bs_config_boards(const struct bs_cfg *cfg, enum bs_identity identity,
                     const struct profile_set *sets, struct status *err) MUST_CHECK;
int bs_config_schedule(const struct bs_cfg *cfg, struct schedule *s, struct status *err) MUST_CHECK;
