/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/ue_config.h"
#include "base/log.h"
#include "host/ue/attack.h"
#include <math.h>

#define CFG struct ue_cfg

static const struct config_key keys[] = {
    {"radio.args", CONFIG_STRING(CFG, radio.args), .def = "type=room,role=ue",
     .help = "UHD device args"},
    {"radio.rate_hz", CONFIG_DOUBLE(CFG, radio.rate_hz), .unit = "samples/s", .min = 1e5,
     .max = 1e9, .def = "100e6", .help = "sample rate of both directions"},
    {"radio.carrier_hz", CONFIG_DOUBLE(CFG, radio.carrier_hz), .unit = "Hz", .min = 1e6,
     .max = 1e11, .def = "5.8e9", .help = "carrier of both directions"},
    {"radio.tx_gain_db", CONFIG_DOUBLE(CFG, radio.tx_gain_db), .unit = "dB", .min = -30, .max = 120,
     .def = "27.04", .help = "with waveform.rms 0.25: 15 dBm from the simulated radio"},
    {"radio.rx_gain_db", CONFIG_DOUBLE(CFG, radio.rx_gain_db), .unit = "dB", .min = -30, .max = 120,
     .def = "20", .help = "full scale should stay 10 dB over the strongest burst"},
    {"radio.tx_channel", CONFIG_INT(CFG, radio.tx_channel), .min = 0, .max = 31, .def = "0",
     .help = "channel that answers"},
    {"radio.rx_channel", CONFIG_INT(CFG, radio.rx_channel), .min = 0, .max = 31, .def = "0",
     .help = "channel that listens"},
    {"radio.clock_source", CONFIG_STRING(CFG, radio.clock_source), .def = "",
     .help = "external, gpsdo, internal; empty: as the device is"},
    {"radio.time_source", CONFIG_STRING(CFG, radio.time_source), .def = "",
     .help = "external, gpsdo: device time 0 at the next PPS; empty: as it is"},
    {"radio.force_unlocked", CONFIG_BOOL(CFG, radio.force_unlocked), .def = "no",
     .help = "start without reference lock or PPS"},
    {"radio.rx_antenna", CONFIG_STRING(CFG, radio.rx_antenna), .def = "", .help = "port name"},
    {"radio.tx_antenna", CONFIG_STRING(CFG, radio.tx_antenna), .def = "", .help = "port name"},
    {"radio.tx_enable", CONFIG_BOOL(CFG, radio.tx_enable), .def = "no",
     .help = "allows a real device to transmit"},
    {"radio.max_eirp_dbm", CONFIG_DOUBLE(CFG, radio.max_eirp_dbm), .unit = "dBm", .min = -100,
     .max = 60, .def = "17.2", .help = "what you may radiate; gains that exceed it are refused"},
    {"radio.full_scale_dbm", CONFIG_DOUBLE(CFG, radio.full_scale_dbm), .unit = "dBm", .min = -100,
     .max = 60, .def = "0", .help = "output of a full-scale tone at 0 dB TX gain; 0 in the room"},
    {"radio.antenna_gain_dbi", CONFIG_DOUBLE(CFG, radio.antenna_gain_dbi), .unit = "dBi",
     .min = -30, .max = 60, .def = "2.15", .help = "peak gain of the transmit antenna"},
    {"radio.lead_s", CONFIG_DOUBLE(CFG, radio.lead_s), .unit = "s", .min = 1e-5, .max = 0.1,
     .def = "1e-3", .help = "commands reach the device at least this much ahead"},

    {"waveform.n", CONFIG_INT(CFG, waveform.n), .unit = "samples", .min = 32, .max = 8192,
     .def = "1024", .help = "period"},
    {"waveform.k", CONFIG_INT(CFG, waveform.k), .min = 3, .max = 8191, .def = "811",
     .help = "carriers, odd"},
    {"waveform.root", CONFIG_INT(CFG, waveform.root), .min = 1, .max = 8190, .def = "310",
     .help = "root of the sequence, about 0.382 k, coprime to it"},
    {"waveform.periods", CONFIG_INT(CFG, waveform.periods), .min = 1, .max = 64, .def = "8",
     .help = "periods averaged in a slot"},
    {"waveform.code_reps", CONFIG_INT(CFG, waveform.code_reps), .min = 2, .max = 64, .def = "8",
     .help = "repetitions of the 8-slot codes in the sensing burst"},
    {"waveform.rms", CONFIG_DOUBLE(CFG, waveform.rms), .min = 0.001, .max = 0.5, .def = "0.25",
     .help = "amplitude of the answer relative to full scale"},
    {"waveform.modulation", CONFIG_CHOICE(CFG, waveform.modulation, "bpsk|qpsk|qam16"),
     .def = "qam16", .help = "of the 40-bit sensing frame"},

    {"schedule.cycle_period_s", CONFIG_DOUBLE(CFG, schedule.cycle_period_s), .unit = "s",
     .min = 0.01, .max = 10, .def = "0.2", .help = "the base station's cycle"},
    {"schedule.response_delay_s", CONFIG_DOUBLE(CFG, schedule.response_delay_s), .unit = "s",
     .min = 0.001, .max = 1, .def = "0.02", .help = "start of the burst to start of the answer"},

    {"user.id", CONFIG_INT(CFG, user.id), .min = 0, .max = 1048575, .help = "20-bit user ID"},
    {"user.key_file", CONFIG_STRING(CFG, user.key_file),
     .help = "master key, made by 'mirador keys user add ID'"},
    {"user.permit", CONFIG_BOOL(CFG, user.permit), .def = "no",
     .help = "answer, and so let the base station locate this user; no: listen silently"},
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
             "answer, flip one bit of each answer, forge (flip one and mend the checksum)"},
    {"telemetry.endpoint", CONFIG_STRING(CFG, telemetry_endpoint), .def = "",
     .help = "PUB of topic 'ue'; empty: none"},
    {"telemetry.secret_key_file", CONFIG_STRING(CFG, secret_key_file), .def = "",
     .help = "CURVE key, needed to publish beyond this machine"},
    {"telemetry.client_keys", CONFIG_STRINGS(CFG, client_keys, n_client_keys),
     .help = "public keys (hex) of who may connect"},
};

const struct config_table ue_config_table = CONFIG_TABLE(struct ue_cfg, keys);

struct radio_cfg ue_config_radio(const struct ue_cfg *cfg)
{
    return (struct radio_cfg){
        .args = cfg->radio.args,
        .rate_hz = cfg->radio.rate_hz,
        .carrier_hz = cfg->radio.carrier_hz,
        .tx_gain_db = cfg->radio.tx_gain_db,
        .rx_gain_db = cfg->radio.rx_gain_db,
        .n_tx = 1,
        .n_rx = 1,
        .tx_channels = {(size_t)cfg->radio.tx_channel},
        .rx_channels = {(size_t)cfg->radio.rx_channel},
        .rx_antenna = cfg->radio.rx_antenna,
        .tx_antenna = cfg->radio.tx_antenna,
        .clock_source = cfg->radio.clock_source,
        .time_source = cfg->radio.time_source,
        .force_unlocked = cfg->radio.force_unlocked,
        .tx_enable = cfg->radio.tx_enable,
        .max_eirp_dbm = cfg->radio.max_eirp_dbm,
        .full_scale_dbm = cfg->radio.full_scale_dbm,
        .antenna_gain_dbi = cfg->radio.antenna_gain_dbi,
        .tx_rms = cfg->waveform.rms,
    };
}

struct waveform_cfg ue_config_waveform(const struct ue_cfg *cfg)
{
    return (struct waveform_cfg){
        .n = (size_t)cfg->waveform.n,
        .k = (size_t)cfg->waveform.k,
        .root = (unsigned)cfg->waveform.root,
        .periods = (size_t)cfg->waveform.periods,
        .slots_per_code = 8,
        .code_reps = (size_t)cfg->waveform.code_reps,
        .rate_hz = cfg->radio.rate_hz,
        .rms = cfg->waveform.rms,
    };
}

enum modem_scheme ue_config_scheme(const struct ue_cfg *cfg)
{
    static const enum modem_scheme schemes[] = {MODEM_BPSK, MODEM_QPSK, MODEM_QAM16};
    return schemes[cfg->waveform.modulation];
}

static int check_schedule(const struct ue_cfg *cfg, const struct waveform_cfg *wave,
                          const char **key, struct status *err)
{
    const size_t symbol = waveform_symbol_samps(wave);
    const double heard_s =
        (double)(waveform_burst_slots(wave) * waveform_slot_samps(wave) + 3 * symbol) /
        wave->rate_hz;
    *key = "schedule.response_delay_s";
    if (cfg->schedule.response_delay_s < heard_s + 2 * cfg->radio.lead_s)
        return status_set(err, ERR_ARG,
                          "schedule.response_delay_s %g leaves no time to answer: burst and "
                          "frames end after %.4f s; raise it here and at the base station",
                          cfg->schedule.response_delay_s, heard_s);
    *key = "schedule.cycle_period_s";
    if (cfg->schedule.cycle_period_s < cfg->schedule.response_delay_s + heard_s)
        return status_set(err, ERR_ARG,
                          "schedule.cycle_period_s %g is shorter than burst and answer; "
                          "use the base station's period",
                          cfg->schedule.cycle_period_s);
    return OK;
}

int ue_config_check(const void *ue_cfg, const char *file, struct status *err)
{
    const struct ue_cfg *cfg = ue_cfg;
    const struct waveform_cfg wave = ue_config_waveform(cfg);
    const char *key = "waveform";
    if (waveform_check(&wave, err) || check_schedule(cfg, &wave, &key, err))
        return config_blame(file, key, err);
    return OK;
}
