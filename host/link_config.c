/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/link_config.h"
#include "base/log.h"
#include "frames/response_frame.h"
#include "frames/sensing_frame.h"
#include "frames/sync_frame.h"

#define CFG struct link_radio
static const struct config_key radio_keys[] = {
    {"radio.args", CONFIG_STRING(CFG, args), .def = "type=room,role=bs", .help = "UHD device args"},
    {"radio.rate_hz", CONFIG_DOUBLE(CFG, rate_hz), .unit = "samples/s", .min = 1e5, .max = 1e9,
     .def = "100e6", .help = "sample rate of every channel"},
    {"radio.carrier_hz", CONFIG_DOUBLE(CFG, carrier_hz), .unit = "Hz", .min = 1e6, .max = 1e11,
     .def = "5.8e9", .help = "carrier of both directions"},
    {"radio.tx_gain_db", CONFIG_DOUBLE(CFG, tx_gain_db), .unit = "dB", .min = -30, .max = 120,
     .def = "27.04", .help = "with waveform.rms 0.25: 15 dBm from the simulated radio"},
    {"radio.rx_gain_db", CONFIG_DOUBLE(CFG, rx_gain_db), .unit = "dB", .min = -30, .max = 120,
     .def = "10", .help = "full scale should stay 10 dB over the TX-RX leak"},
    {"radio.tx_channels", CONFIG_INTS(CFG, tx_channels, n_tx), .min = 0, .max = 31, .min_items = 1,
     .def = "[0]", .help = "channels that send, all the same signal"},
    {"radio.rx_channels", CONFIG_INTS(CFG, rx_channels, n_rx), .min = 0, .max = 31, .min_items = 1,
     .def = "[0, 1, 2, 3]", .help = "channels of the array, along its axis"},
    {"radio.clock_source", CONFIG_STRING(CFG, clock_source), .def = "",
     .help = "external, gpsdo, internal; empty: as the device is"},
    {"radio.time_source", CONFIG_STRING(CFG, time_source), .def = "",
     .help = "external, gpsdo: device time 0 at the next PPS; empty: as it is"},
    {"radio.force_unlocked", CONFIG_BOOL(CFG, force_unlocked), .def = "no",
     .help = "start without reference lock or PPS, as --force-unsynchronised does"},
    {"radio.capture", CONFIG_CHOICE(CFG, capture, "gated|continuous"), .def = "gated",
     .help = "gated: a timed command per window, least data; continuous: one stream, cut by "
             "timestamp, for devices that mind commands more than data"},
    {"radio.rx_antenna", CONFIG_STRING(CFG, rx_antenna), .def = "", .help = "port name"},
    {"radio.tx_antenna", CONFIG_STRING(CFG, tx_antenna), .def = "", .help = "port name"},
    {"radio.tx_enable", CONFIG_BOOL(CFG, tx_enable), .def = "no",
     .help = "allows a real device to transmit"},
    {"radio.max_eirp_dbm", CONFIG_DOUBLE(CFG, max_eirp_dbm), .unit = "dBm", .min = -100, .max = 60,
     .def = "21.1", .help = "what you may radiate; gains that exceed it are refused"},
    {"radio.full_scale_dbm", CONFIG_DOUBLE(CFG, full_scale_dbm), .unit = "dBm", .min = -100,
     .max = 60, .def = "0", .help = "output of a full-scale tone at 0 dB TX gain; 0 in the room"},
    {"radio.antenna_gain_dbi", CONFIG_DOUBLE(CFG, antenna_gain_dbi), .unit = "dBi", .min = -30,
     .max = 60, .def = "6", .help = "peak gain of one transmit antenna"},
};
const struct config_table link_radio_table = CONFIG_TABLE(CFG, radio_keys);
#undef CFG

#define CFG struct link_waveform
static const struct config_key waveform_keys[] = {
    {"waveform.n", CONFIG_INT(CFG, n), .unit = "samples", .min = 32, .max = 8192, .def = "1024",
     .help = "period"},
    {"waveform.k", CONFIG_INT(CFG, k), .min = 3, .max = 8191, .def = "811",
     .help = "carriers, odd"},
    {"waveform.root", CONFIG_INT(CFG, root), .min = 1, .max = 8190, .def = "310",
     .help = "root of the sequence, about 0.382 k, coprime to it"},
    {"waveform.periods", CONFIG_INT(CFG, periods), .min = 1, .max = 64, .def = "8",
     .help = "periods averaged in a slot"},
    {"waveform.code_reps", CONFIG_INT(CFG, code_reps), .min = 1, .max = 64, .def = "8",
     .help = "repetitions of the 8-slot codes in the sensing burst"},
    {"waveform.sounding", CONFIG_CHOICE(CFG, sounding, "coded|frame"), .def = "coded",
     .help = "what senses: coded slots before the 40-bit frame, or that frame alone, [S1]; at both "
             "ends"},
    {"waveform.rms", CONFIG_DOUBLE(CFG, rms), .min = 0.001, .max = 0.5, .def = "0.25",
     .help = "amplitude relative to full scale"},
    {"waveform.modulation", CONFIG_CHOICE(CFG, modulation, "bpsk|qpsk|qam16"), .def = "qam16",
     .help = "of the 40-bit sensing frame"},
};
const struct config_table link_waveform_table = CONFIG_TABLE(CFG, waveform_keys);
#undef CFG

#define CFG struct link_timing
static const struct config_key timing_keys[] = {
    {"schedule.cycle_period_s", CONFIG_DOUBLE(CFG, cycle_period_s), .unit = "s", .min = 0.01,
     .max = 10, .def = "0.2", .help = "one cycle"},
    {"schedule.response_delay_s", CONFIG_DOUBLE(CFG, response_delay_s), .unit = "s", .min = 0.001,
     .max = 1, .def = "0.02", .help = "start of the burst to start of the response"},
    {"schedule.switch_s", CONFIG_DOUBLE(CFG, switch_s), .unit = "s", .min = 0, .max = 0.1,
     .def = "10e-6", .help = "guard: a radio of either end turns from sending to hearing, or back"},
    {"schedule.turnaround_s", CONFIG_DOUBLE(CFG, turnaround_s), .unit = "s", .min = 0, .max = 1,
     .def = "500e-6", .help = "guard: between downlink and uplink, and before the next cycle"},
    {"schedule.ris_settle_s", CONFIG_DOUBLE(CFG, settle_s), .unit = "s", .min = 0, .max = 1,
     .def = "100e-6", .help = "guard: from the surfaces' last step to a slot of data"},
};
const struct config_table link_timing_table = CONFIG_TABLE(CFG, timing_keys);
#undef CFG

#define TRAIN struct pilot_train
static const struct config_key pilots_keys[] = {
    {"pixels.every", CONFIG_INT(TRAIN, every), .unit = "cycles", .min = 0, .max = 1000, .def = "0",
     .help = "an answer carries pilots every so often, to find broken pixels; 0: never"},
    {"pixels.pilots", CONFIG_INT(TRAIN, n), .min = PILOTS_MIN, .max = PILOTS_MAX, .def = "60",
     .help = "of one train, even: random profiles and their inverses"},
    {"pixels.periods", CONFIG_INT(TRAIN, periods), .min = 1, .max = 8, .def = "1",
     .help = "of the sequence in one pilot, after its prefix"},
    {"pixels.delay_s", CONFIG_DOUBLE(TRAIN, delay_s), .unit = "s", .min = 0.001, .max = 5,
     .def = "0.06", .help = "start of the burst to start of the train"},
};
const struct config_table link_pilots_table = CONFIG_TABLE(TRAIN, pilots_keys);

#define DATA struct link_data
static const struct config_key data_keys[] = {
    {"link.enabled", CONFIG_BOOL(DATA, enabled), .def = "no",
     .help = "a slot of data each way in every cycle; at both ends"},
    {"link.downlink_s", CONFIG_DOUBLE(DATA, downlink_s), .unit = "s", .min = 1e-6, .max = 10,
     .def = "2e-3", .help = "slot to the user; whole OFDM symbols are used"},
    {"link.downlink_delay_s", CONFIG_DOUBLE(DATA, downlink_delay_s), .unit = "s", .min = 0,
     .max = 10, .def = "0.08", .help = "start of the burst to start of the downlink"},
    {"link.uplink_s", CONFIG_DOUBLE(DATA, uplink_s), .unit = "s", .min = 1e-6, .max = 10,
     .def = "1e-3", .help = "slot from the user"},
    {"link.mcs", CONFIG_INT(DATA, mcs), .min = 0, .max = DATA_MCS_COUNT - 1, .def = "4",
     .help = "modulation and code of slots without traffic, which carry known data; docs/link.md"},
    {"link.uplink_delay_s", CONFIG_DOUBLE(DATA, uplink_delay_s), .unit = "s", .min = 0, .max = 10,
     .def = "0.1", .help = "start of the burst to start of the uplink"},
};
const struct config_table link_data_table = CONFIG_TABLE(DATA, data_keys);

struct schedule_cfg link_schedule_cfg(const struct waveform_cfg *wave,
                                      const struct link_timing *timing,
                                      const struct pilot_train *train, const struct link_data *data)
{
    const struct waveform_cfg pilot = pilot_train_waveform(train, *wave);
    return (struct schedule_cfg){
        .rate_hz = wave->rate_hz,
        .period_s = timing->cycle_period_s,
        .response_delay_s = timing->response_delay_s,
        .slot_samps = waveform_slot_samps(wave),
        .n_slot = wave->slots_per_code,
        .n_rep = wave->code_reps,
        .symbol_samps = waveform_symbol_samps(wave),
        .sensing_symbols = 3,
        .response_symbols = 2,
        .pilots = train->every > 0 ? (size_t)train->n : 0,
        .pilot_samps = waveform_slot_samps(&pilot),
        .pilots_delay_s = train->delay_s,
        .data = data->enabled,
        .downlink_s = data->downlink_s,
        .downlink_delay_s = data->downlink_delay_s,
        .uplink_s = data->uplink_s,
        .uplink_delay_s = data->uplink_delay_s,
        .switch_s = timing->switch_s,
        .turnaround_s = timing->turnaround_s,
        .settle_s = timing->settle_s,
    };
}

struct radio_cfg link_radio_cfg(const struct link_radio *r, double tx_rms)
{
    struct radio_cfg out = {
        .args = r->args,
        .rate_hz = r->rate_hz,
        .carrier_hz = r->carrier_hz,
        .tx_gain_db = r->tx_gain_db,
        .rx_gain_db = r->rx_gain_db,
        .n_tx = r->n_tx,
        .n_rx = r->n_rx,
        .rx_antenna = r->rx_antenna,
        .tx_antenna = r->tx_antenna,
        .clock_source = r->clock_source,
        .time_source = r->time_source,
        .force_unlocked = r->force_unlocked,
        .capture = (enum radio_capture_mode)r->capture,
        .tx_enable = r->tx_enable,
        .max_eirp_dbm = r->max_eirp_dbm,
        .full_scale_dbm = r->full_scale_dbm,
        .antenna_gain_dbi = r->antenna_gain_dbi,
        .tx_rms = tx_rms,
    };
    for (size_t i = 0; i < r->n_tx; i++)
        out.tx_channels[i] = (size_t)r->tx_channels[i];
    for (size_t i = 0; i < r->n_rx; i++)
        out.rx_channels[i] = (size_t)r->rx_channels[i];
    return out;
}

struct waveform_cfg link_waveform_cfg(const struct link_waveform *waveform, double rate_hz)
{
    return (struct waveform_cfg){
        .n = (size_t)waveform->n,
        .k = (size_t)waveform->k,
        .root = (unsigned)waveform->root,
        .periods = (size_t)waveform->periods,
        .slots_per_code = 8,
        .code_reps = waveform->sounding == LINK_SOUNDING_FRAME ? 0 : (size_t)waveform->code_reps,
        .rate_hz = rate_hz,
        .rms = waveform->rms,
    };
}

enum modem_scheme link_scheme(const struct link_waveform *waveform)
{
    static const enum modem_scheme schemes[] = {MODEM_BPSK, MODEM_QPSK, MODEM_QAM16};
    return schemes[waveform->modulation];
}

struct frame_modem_cfg link_frame_modem(enum link_frame frame, size_t n_carrier, size_t n_ant,
                                        enum modem_scheme sensing)
{
    static const size_t n_byte[LINK_FRAMES] = {
        [LINK_SENSING] = SENSING_FRAME_BYTES,
        [LINK_SYNC] = SYNC_FRAME_BYTES,
        [LINK_RESPONSE] = RESPONSE_FRAME_BYTES,
    };
    return (struct frame_modem_cfg){
        .n_byte = n_byte[frame],
        .n_carrier = n_carrier,
        .n_ant = n_ant,
        .scheme = frame == LINK_SENSING ? sensing : MODEM_QPSK,
        .golay = frame != LINK_SENSING,
    };
}

int link_waveform_check(const struct link_waveform *waveform, double rate_hz, const char **key,
                        struct status *err)
{
    static const char *const names[LINK_FRAMES] = {"sensing", "sync", "response"};
    const struct waveform_cfg wave = link_waveform_cfg(waveform, rate_hz);
    struct status why = {0};
    *key = "waveform";
    if (waveform_check(&wave, err))
        return err->code;
    *key = "waveform.k";
    for (enum link_frame f = LINK_SENSING; f < LINK_FRAMES; f++) {
        const struct frame_modem_cfg modem = link_frame_modem(f, wave.k, 1, link_scheme(waveform));
        if (frame_modem_check(&modem, &why))
            return status_set(err, why.code,
                              "waveform.k %zu: the %s frame does not fit (%s): raise waveform.k, "
                              "and waveform.n above it",
                              wave.k, names[f], why.text);
    }
    *key = "waveform.code_reps";
    if (wave.code_reps == 1)
        return status_set(err, ERR_ARG,
                          "waveform.code_reps 1: a burst so short is not found by the terminal; "
                          "use 2 or more at both ends");
    return OK;
}
