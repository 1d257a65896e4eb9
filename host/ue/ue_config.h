/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Configuration of mirador-ue: the YAML keys, and what follows from them. Setup only. Defaults are
 * profile lab; radio, waveform and schedule must say the same as the base station's. */
#pragma once
#include "base/config.h"
#include "dsp/modem.h"
#include "dsp/waveform.h"
#include "host/radio.h"

enum { UE_TEXT = 256, UE_NAME = 32 };

struct ue_cfg {
    struct {
        char args[UE_TEXT], clock_source[UE_NAME], time_source[UE_NAME];
        char rx_antenna[UE_NAME], tx_antenna[UE_NAME];
        double rate_hz, carrier_hz, tx_gain_db, rx_gain_db;
        int tx_channel, rx_channel;
        bool tx_enable, force_unlocked;
        double max_eirp_dbm, full_scale_dbm, antenna_gain_dbi;
        double lead_s; /* how far ahead commands are given */
    } radio;
    struct {
        int n, k, root, periods, code_reps, modulation;
        double rms;
    } waveform;
    struct {
        double cycle_period_s, response_delay_s;
    } schedule;
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
    char telemetry_endpoint[UE_TEXT];
    char secret_key_file[UE_TEXT];
    char client_keys[8][72];
    size_t n_client_keys;
};

extern const struct config_table ue_config_table;

/* What can be wrong without a radio, of a struct ue_cfg (options_cfg.check). `file` and line lead
 * the message. Returns 0 or ERR_ARG. */
int ue_config_check(const void *ue_cfg, const char *file, struct status *err) MUST_CHECK;

/* Strings point into cfg. */
struct radio_cfg ue_config_radio(const struct ue_cfg *cfg);
struct waveform_cfg ue_config_waveform(const struct ue_cfg *cfg);
enum modem_scheme ue_config_scheme(const struct ue_cfg *cfg);
