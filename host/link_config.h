/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Configuration of one end of the air: radio, waveform and timing. Base station and terminal read
 * the same keys; carrier, rate, waveform and timing must say the same at both ends. Defaults are
 * profile lab at the base station. Setup only. */
#pragma once
#include "base/config.h"
#include "dsp/data_code.h"
#include "dsp/waveform.h"
#include "host/pilot_train.h"
#include "host/radio.h"
#include "host/schedule.h"

enum { LINK_TEXT = 256, LINK_NAME = 32 };

struct link_radio {
    char args[LINK_TEXT], clock_source[LINK_NAME], time_source[LINK_NAME];
    char rx_antenna[LINK_NAME], tx_antenna[LINK_NAME];
    double rate_hz, carrier_hz, tx_gain_db, rx_gain_db;
    int tx_channels[RADIO_CHANNELS_MAX], rx_channels[RADIO_CHANNELS_MAX];
    size_t n_tx, n_rx;
    bool tx_enable, force_unlocked;
    int capture; /* enum radio_capture_mode */
    double max_eirp_dbm, full_scale_dbm, antenna_gain_dbi;
};

/* What a burst is made of, before the frames. */
enum link_sounding {
    LINK_SOUNDING_CODED, /* slots that the surfaces step through */
    LINK_SOUNDING_FRAME, /* nothing: the frame's own symbols sense, [S1] III-C */
};

struct link_waveform {
    int n, k, root, periods, code_reps, modulation;
    int sounding; /* enum link_sounding */
    double rms;
};

struct link_timing {
    double cycle_period_s, response_delay_s;
    double switch_s, turnaround_s, settle_s; /* guards of the data link's slots */
};

struct link_data { /* the data link: what both ends must know of it */
    bool enabled;
    double downlink_s, uplink_s, downlink_delay_s, uplink_delay_s;
    int mcs; /* of slots without traffic */
};

/* Parts (CONFIG_PART) of a program's own table: radio.*, waveform.*, schedule.*, pixels.*, link.*.
 */
extern const struct config_table link_radio_table, link_waveform_table, link_timing_table,
    link_pilots_table, link_data_table; /* the pilots': of struct pilot_train */

enum link_frame { LINK_SENSING, LINK_SYNC, LINK_RESPONSE, LINK_FRAMES };

/* The modem of a frame. sensing: modulation of the sensing frame; the others have their own. */
struct frame_modem_cfg link_frame_modem(enum link_frame frame, size_t n_carrier, size_t n_ant,
                                        enum modem_scheme sensing);
/* A waveform that carries everything both ends send. ERR_ARG with the cure; *key: what to look at
 * in the file. */
int link_waveform_check(const struct link_waveform *waveform, double rate_hz, const char **key,
                        struct status *err) MUST_CHECK;

/* The time table that both ends lay out. prepare_s is left 0: it is the base station's. */
struct schedule_cfg link_schedule_cfg(const struct waveform_cfg *waveform,
                                      const struct link_timing *timing,
                                      const struct pilot_train *train,
                                      const struct link_data *data);

/* What the radio and the waveform are made from. Strings point into the argument. */
struct radio_cfg link_radio_cfg(const struct link_radio *radio, double tx_rms);
struct waveform_cfg link_waveform_cfg(const struct link_waveform *waveform, double rate_hz);
enum modem_scheme link_scheme(const struct link_waveform *waveform);
