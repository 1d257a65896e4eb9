/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Configuration of mirador-ue: the YAML keys, and what follows from them. Setup only. Defaults are
 * profile lab; carrier, rate, waveform and schedule must say the same as the base station's. */
#pragma once
#include "base/config.h"
#include "base/sockets.h"
#include "host/link_config.h"
#include "host/link_port.h"

enum { UE_TEXT = 256 };

struct ue_cfg {
    struct link_radio radio; /* one channel each way */
    double lead_s;           /* how far ahead commands are given */
    struct link_waveform waveform;
    struct link_timing schedule;
    struct pilot_train train; /* which surface steps is not the user's business */
    struct link_data data;    /* keys link.* */
    struct link_port_cfg port;
    struct {
        int id, mode;
        char key_file[UE_TEXT];
        bool permit;
        double height_m, height_sigma_m, turnaround_ns;
    } user;
    struct {
        int lost_after;
        char state_dir[UE_TEXT];
        bool realtime, lock_memory;
        int cpus[16];
        size_t n_cpu;
    } run;
    int attack; /* enum attack_kind */
    int jam_after;
    char attack_key_file[UE_TEXT];
    char telemetry_endpoint[UE_TEXT], control_endpoint[UE_TEXT];
    char secret_key_file[UE_TEXT];
    char client_keys[8][SOCKETS_KEY_TEXT];
    size_t n_client_keys;
};

extern const struct config_table ue_config_table;

/* What can be wrong without a radio, of a struct ue_cfg (options_cfg.check). `file` and line lead
 * the message. Returns 0 or ERR_ARG. */
int ue_config_check(const void *ue_cfg, const char *file, struct status *err) MUST_CHECK;

/* Strings point into cfg. */
struct radio_cfg ue_config_radio(const struct ue_cfg *cfg);
struct waveform_cfg ue_config_waveform(const struct ue_cfg *cfg);
/* The base station's time table, by this end's configuration. */
int ue_config_schedule(const struct ue_cfg *cfg, struct schedule *s, struct status *err) MUST_CHECK;
