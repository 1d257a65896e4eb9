/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/ue_config.h"
#include "base/log.h"
#include "host/ue/attack.h"
#include <math.h>
#include <string.h>

#define CFG struct ue_cfg

static const struct config_key keys[] = {
    {"radio.lead_s", CONFIG_DOUBLE(CFG, lead_s), .unit = "s", .min = 1e-5, .max = 0.1,
     .def = "1e-3", .help = "commands reach the device at least this much ahead"},

    {"user.id", CONFIG_INT(CFG, user.id), .min = 0, .max = 1048575, .help = "20-bit user ID"},
    {"user.key_file", CONFIG_STRING(CFG, user.key_file),
     .help = "master key, made by 'mirador keys user add ID'"},
    {"user.permit", CONFIG_BOOL(CFG, user.permit), .def = "no",
     .help = "answer, and so let the base station locate this user; no: listen silently, until "
             "'mirador ue permit'"},
    {"user.mode", CONFIG_INT(CFG, user.mode), .min = 0, .max = 3, .def = "2",
     .help = "mode field of the answer"},
    {"user.height_m", CONFIG_DOUBLE(CFG, user.height_m), .unit = "m", .min = 0, .max = 40.95,
     .def = "1.2", .help = "height of the antenna, reported with the answer"},
    {"user.height_sigma_m", CONFIG_DOUBLE(CFG, user.height_sigma_m), .unit = "m", .min = 0.001,
     .max = 0.3, .def = "0.03", .help = "standard deviation of that height"},
    {"user.turnaround_ns", CONFIG_DOUBLE(CFG, user.turnaround_ns), .unit = "ns", .min = -51.2,
     .max = 51.1, .def = "0", .help = "the device's own delay between hearing and answering"},

    {"run.lost_after", CONFIG_INT(CFG, run.lost_after), .unit = "cycles", .min = 1, .max = 1000,
     .def = "5", .help = "silent cycles until the search starts again"},
    {"run.state_dir", CONFIG_STRING(CFG, run.state_dir), .def = "/var/lib/mirador",
     .help = "holds the last accepted cycle"},
    {"run.realtime", CONFIG_BOOL(CFG, run.realtime), .def = "yes",
     .help = "SCHED_FIFO, where permitted"},
    {"run.lock_memory", CONFIG_BOOL(CFG, run.lock_memory), .def = "yes",
     .help = "mlockall, with run.realtime"},
    {"run.cpus", CONFIG_INTS(CFG, run.cpus, run.n_cpu), .min = 0, .max = 1023, .def = "[]",
     .help = "CPUs to stay on, with run.realtime; empty: any"},
    {"exercise.attack", CONFIG_CHOICE(CFG, attack, ATTACK_CHOICES), .def = "none",
     .help = "makes this terminal misbehave on purpose, to test a base station: replay its first "
             "answer, flip one bit of each answer, forge (flip one and mend the checksum), "
             "jam (send where others answer)"},
    {"exercise.jam_after", CONFIG_INT(CFG, jam_after), .unit = "cycles", .min = 0, .max = 1000,
     .def = "0",
     .help =
         "likewise, with attack jam: only in the cycle so long after one of its own; 0: in all"},
    {"exercise.key_file", CONFIG_STRING(CFG, attack_key_file), .def = "",
     .help =
         "likewise: seals each answer with this key, another user's or nobody's; empty: its own"},
    {"control.endpoint", CONFIG_STRING(CFG, control_endpoint),
     .def = "ipc:///run/mirador/ue-control.sock",
     .help = "ROUTER for 'mirador ue', ipc; empty: permission is what user.permit says"},
    {"telemetry.endpoint", CONFIG_STRING(CFG, telemetry_endpoint), .def = "",
     .help = "PUB of topic 'ue'; empty: none"},
    {"telemetry.secret_key_file", CONFIG_STRING(CFG, secret_key_file), .def = "",
     .help = "CURVE key, needed to publish beyond this machine"},
    {"telemetry.client_keys", CONFIG_STRINGS(CFG, client_keys, n_client_keys),
     .help = "public keys (hex) of who may connect"},
};

static const struct config_default radio_defaults[] = {
    {"radio.args", "type=room,role=ue"}, {"radio.rx_gain_db", "20"},
    {"radio.rx_channels", "[0]"},        {"radio.max_eirp_dbm", "17.2"},
    {"radio.antenna_gain_dbi", "2.15"},
};
static const struct config_part parts[] = {
    {CONFIG_PART(CFG, radio, &link_radio_table), CONFIG_PART_DEFAULTS(radio_defaults)},
    {CONFIG_PART(CFG, waveform, &link_waveform_table)},
    {CONFIG_PART(CFG, schedule, &link_timing_table)},
    {CONFIG_PART(CFG, train, &link_pilots_table)},
    {CONFIG_PART(CFG, data, &link_data_table)},
    {CONFIG_PART(CFG, port, &link_port_table)},
};
const struct config_table ue_config_table = {CONFIG_KEYS(CFG, keys), CONFIG_PARTS(parts),
                                             .presets = "ue-"};

struct radio_cfg ue_config_radio(const struct ue_cfg *cfg)
{
    return link_radio_cfg(&cfg->radio, cfg->waveform.rms);
}

struct waveform_cfg ue_config_waveform(const struct ue_cfg *cfg)
{
    return link_waveform_cfg(&cfg->waveform, cfg->radio.rate_hz);
}

int ue_config_schedule(const struct ue_cfg *cfg, struct schedule *s, struct status *err)
{
    const struct waveform_cfg wave = ue_config_waveform(cfg);
    const struct schedule_cfg sc =
        link_schedule_cfg(&wave, &cfg->schedule, &cfg->train, &cfg->data);
    return schedule_init(s, &sc, err);
}

static int check_schedule(const struct ue_cfg *cfg, const struct waveform_cfg *wave,
                          const char **key, struct status *err)
{
    struct schedule schedule;
    const size_t symbol = waveform_symbol_samps(wave);
    const double heard_s =
        (double)(waveform_burst_slots(wave) * waveform_slot_samps(wave) + 3 * symbol) /
        wave->rate_hz;
    *key = "schedule.response_delay_s";
    if (cfg->schedule.response_delay_s < heard_s + 2 * cfg->lead_s)
        return status_set(err, ERR_ARG,
                          "schedule.response_delay_s %g leaves no time to answer: burst and "
                          "frames end after %.4f s; raise it here and at the base station",
                          cfg->schedule.response_delay_s, heard_s);
    *key = "schedule";
    return ue_config_schedule(cfg, &schedule, err);
}

static int check_link(const struct ue_cfg *cfg, const char **key, struct status *err)
{
    const struct radio_cfg radio = ue_config_radio(cfg);
    *key = cfg->radio.n_tx != 1 ? "radio.tx_channels" : "radio.rx_channels";
    if (cfg->radio.n_tx != 1 || cfg->radio.n_rx != 1)
        return status_set(err, ERR_ARG, "%s: a terminal has one channel each way; name one", *key);
    *key = "radio";
    return radio_check(&radio, err);
}

static int check_port(const struct ue_cfg *cfg, const char **key, struct status *err)
{
    if (!cfg->data.enabled || cfg->port.kind != LINK_PORT_TUN)
        return OK;
    return link_port_check(&cfg->port, false, (uint32_t)cfg->user.id, key, err);
}

/* Frames alone are looked for at every sample of a cycle, N products each (sync_pilot). */
static int check_sounding(const struct ue_cfg *cfg, const char **key, struct status *err)
{
    const double products = cfg->schedule.cycle_period_s * cfg->radio.rate_hz * cfg->waveform.n,
                 most = 1e9;
    *key = "waveform.sounding";
    if (cfg->waveform.sounding != LINK_SOUNDING_FRAME || products <= most)
        return OK;
    return status_set(err, ERR_ARG,
                      "waveform.sounding frame: to look for a frame anywhere in a cycle of %g s "
                      "takes %.0f s of a processor at %g S/s: it is for narrow bands, lower "
                      "radio.rate_hz or use coded",
                      cfg->schedule.cycle_period_s, products / most, cfg->radio.rate_hz);
}

/* Who reaches it can give the user's permission. */
static int check_control(const struct ue_cfg *cfg, const char **key, struct status *err)
{
    const char *endpoint = cfg->control_endpoint;
    *key = "control.endpoint";
    if (!endpoint[0] || strncmp(endpoint, "ipc://", 6) == 0)
        return OK;
    return status_set(
        err, ERR_ARG,
        "control.endpoint '%.100s': who reaches it gives the user's permission, so it "
        "stays on this machine: ipc:///run/mirador/ue-control.sock",
        endpoint);
}

int ue_config_check(const void *ue_cfg, const char *file, struct status *err)
{
    const struct ue_cfg *cfg = ue_cfg;
    const struct waveform_cfg wave = ue_config_waveform(cfg);
    const char *key = "waveform";
    if (link_waveform_check(&cfg->waveform, cfg->radio.rate_hz, &key, err) ||
        check_link(cfg, &key, err) || check_schedule(cfg, &wave, &key, err) ||
        check_port(cfg, &key, err) || check_sounding(cfg, &key, err) ||
        check_control(cfg, &key, err))
        return config_blame(&ue_config_table, file, key, err);
    return OK;
}
