/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The radio: one USRP (or the simulated room behind the same calls) through UHD's C API. Times are
 * ticks, int64 counts of samples; tick 0 is the device time 0 of the first start, and ticks go on
 * across a jump of the device's time and across radio_reopen. Samples are sc16.
 *
 * Threads: any one thread may receive, any one thread may transmit; time and trigger calls may come
 * from every thread (a lock inside). radio_reopen needs all others to keep away. All buffers are
 * the caller's, one per channel, in the order of cfg.rx_channels / cfg.tx_channels. After
 * radio_open nothing here allocates except UHD itself. docs/radio.md: what is done about faults. */
#pragma once
#include "dsp/cplx.h"
#include "frames/status.h"
#include "host/cycle_fault.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RADIO_CHANNELS_MAX = 32, RADIO_RX_MAX = 8 }; /* of one direction; of them received */

struct radio_trigger_cfg {
    bool enable;      /* drive a RIS trigger line */
    const char *bank; /* "FP0"; NULL = "FP0" */
    unsigned pin;     /* 0..11 */
    const char
        *source; /* "CONNECTOR:SOURCE" where pins have sources (X410, N310); NULL, "": as is */
};

/* How samples are asked for: a timed command per window, or one stream that never ends, out of
 * which windows are cut by timestamp. */
enum radio_capture_mode { RADIO_GATED, RADIO_CONTINUOUS };

struct radio_cfg {     /* strings outlive the radio */
    const char *args;  /* UHD device args, for example "type=room,room=lab,role=bs" */
    double rate_hz;    /* a whole number of samples per second */
    double carrier_hz; /* both directions */
    double tx_gain_db; /* every TX channel */
    double rx_gain_db; /* every RX channel */
    size_t n_tx, n_rx; /* 0..RADIO_CHANNELS_MAX, 0..RADIO_RX_MAX; at least one of them > 0 */
    size_t tx_channels[RADIO_CHANNELS_MAX];
    size_t rx_channels[RADIO_CHANNELS_MAX];
    const char *rx_antenna;   /* NULL or "": the device's default */
    const char *tx_antenna;   /* NULL or "": the device's default */
    const char *clock_source; /* NULL or "": the device's default; else ref_locked is required */
    const char
        *time_source;    /* NULL or "": device time stays as it is; else set to 0 at the next PPS */
    bool force_unlocked; /* start though the reference is not locked or there is no PPS */
    enum radio_capture_mode capture;
    bool paced;              /* device time keeps pace with CLOCK_MONOTONIC: all but a gated room */
    bool tx_enable;          /* needed to transmit with anything but type=room */
    double max_eirp_dbm;     /* radio_open refuses gains that exceed it */
    double full_scale_dbm;   /* output of a full-scale tone at 0 dB TX gain (0 in the room) */
    double antenna_gain_dbi; /* peak gain of one TX antenna */
    double tx_rms;           /* rms of the waveform relative to full scale, 0..1; 0 counts as 1 */
    struct radio_trigger_cfg trigger;
};

/* What may be set anew while it runs: all channels, one direction each for the gains. */
struct radio_setting {
    double carrier_hz, tx_gain_db, rx_gain_db;
};

struct radio_counters { /* since radio_open; telemetry */
    uint64_t rx_overflows, rx_sequence_errors, rx_late_commands, rx_timeouts, rx_bad_packets;
    uint64_t rx_gaps, rx_gap_samps; /* overflow or lost packet; lengths from timestamps */
    uint64_t rx_restarts;           /* of a stream that had stopped */
    uint64_t tx_bursts, tx_acks, tx_lates, tx_underflows, tx_sequence_errors;
    uint64_t tx_unacked; /* bursts of which nothing was heard in time */
    uint64_t trigger_pulses, unlocked, pps_missing, time_jumps, losses, resyncs;
};

struct radio_block { /* what radio_rx_read got */
    int64_t tick;    /* of sample 0 of the buffers: always the tick asked for */
    size_t n_valid;  /* samples really received; the rest of the buffers is zero */
    uint32_t faults; /* FAULT_RX_GAP: a gap inside; FAULT_RX_LOST: nothing, or no end;
                      * FAULT_TIME: timestamps jumped inside */
};

struct radio;

/* Setup only, seconds. NULL with *err: ERR_ARG (cfg), ERR_NOT_FOUND (no such device), ERR_STATE (no
 * reference lock, no permission to transmit), ERR_RADIO (text of UHD). Rates and gains that the
 * device rounds by more than 1 Hz or 1 dB are refused. */
struct radio *radio_open(const struct radio_cfg *cfg, struct status *err);
void radio_close(struct radio **radio);

/* What radio_open would refuse before it looks for a device: ERR_ARG (sizes, rate, power over
 * max_eirp_dbm) or ERR_STATE (a real device without tx_enable). */
int radio_check(const struct radio_cfg *cfg, struct status *err) MUST_CHECK;

/* True if `args` names the simulated room. */
bool radio_args_is_room(const char *args);

/* Device time now. Returns 0 or ERR_RADIO. */
int radio_now(struct radio *radio, int64_t *tick) MUST_CHECK;

/* RX thread. Asks the device for n samples on all RX channels from `tick` on; several requests may
 * be outstanding, in order. Returns 0 or ERR_RADIO. */
int radio_rx_request(struct radio *radio, int64_t tick, size_t n) MUST_CHECK;
/* RX thread. Waits for the samples of the oldest outstanding request and sorts them into buf
 * [n_rx][n] by their timestamps: what is missing is zero. `wait_s` is how long, on the device's
 * clock, past the end of the block to wait for it. Returns 0 (look at block->faults),
 * ERR_TIMEOUT (nothing came), ERR_STATE (the request was late and dropped), ERR_RADIO. */
int radio_rx_read(struct radio *radio, int64_t tick, size_t n, struct sc16 *const *buf,
                  double wait_s, struct radio_block *block) MUST_CHECK;
/* Both of the above for one block. */
int radio_capture(struct radio *radio, int64_t tick, size_t n, struct sc16 *const *buf,
                  double wait_s, struct radio_block *block) MUST_CHECK;
/* RX thread, continuous capture: drops what has arrived of samples well before tick `before`,
 * without waiting, so that nothing overflows while the thread has other things to wait for. */
void radio_rx_drain(struct radio *radio, int64_t before);
/* RX thread. Empties what failed requests left behind. */
void radio_rx_flush(struct radio *radio);

/* Before the threads start, continuous capture: all samples from then on, those between the windows
 * too, go to `stream` (sample_stream.h) as well. It outlives the radio. */
struct sample_stream;
void radio_stream_to(struct radio *radio, struct sample_stream *stream);

/* TX thread. Makes the metadata of a burst at `tick` ahead of time (it allocates inside UHD). */
int radio_tx_prepare(struct radio *radio, int64_t tick) MUST_CHECK;
/* TX thread. Queues one whole burst of n samples, buf [n_tx][n], that starts at `tick`. Blocks at
 * most while UHD's buffers are full. Returns 0, ERR_TIMEOUT (only part was taken), ERR_STATE
 * (transmission is not enabled), ERR_RADIO. A burst that comes late is dropped whole and shows in
 * the counters. */
int radio_tx_burst(struct radio *radio, int64_t tick, const struct sc16 *const *buf,
                   size_t n) MUST_CHECK;
/* What became of the last burst (enum cycle_fault; 0: acknowledged, or nothing was sent). Waits for
 * its acknowledgement until 10 ms past its end; after an error this wait is also what makes the
 * transmitter ready for a fresh timed burst. Call it from the thread that receives, while no burst
 * is being sent. */
uint32_t radio_tx_settle(struct radio *radio);
/* TX thread. Takes what messages there are, without waiting. */
void radio_tx_poll(struct radio *radio);

/* Pulse on the trigger line, rising edge at `tick`, while nothing is transmitted; the line also
 * rises with each burst by ATR. Issue it after the RX requests of the same time: command queues do
 * not reorder. Returns 0, ERR_STATE (no trigger configured), ERR_RADIO. */
int radio_trigger_pulse(struct radio *radio, int64_t tick, int64_t width) MUST_CHECK;

void radio_counters(const struct radio *radio, struct radio_counters *out); /* any thread */
/* ref_locked now, true where the device has no such sensor */
bool radio_locked(struct radio *radio);

/* Once a cycle, by the thread that receives, between two blocks. Looks at the device's time,
 * reference and PPS, mends what can be mended, and returns what touches the coming cycle:
 * FAULT_TIME, FAULT_UNSYNCHRONISED (until the reference is back and the time set anew), or
 * FAULT_RADIO_DOWN, after which only radio_reopen helps. */
uint32_t radio_watch(struct radio *radio);

/* Setup work, seconds: closes what is left of the device and opens it again with everything that
 * was set last. On an error the radio stays down and every call fails at once with ERR_RADIO. */
int radio_reopen(struct radio *radio, struct status *err) MUST_CHECK;
bool radio_is_down(const struct radio *radio); /* any thread */

/* TX thread, between two cycles. All channels, from `tick` on, both directions; LO phases are
 * random afterwards. ERR_ARG: not what the device offers. ERR_RADIO. */
int radio_retune(struct radio *radio, int64_t tick, double carrier_hz) MUST_CHECK;
/* Likewise, all channels of one direction. ERR_ARG also when max_eirp_dbm forbids it. */
int radio_gain(struct radio *radio, int64_t tick, bool transmit, double gain_db) MUST_CHECK;
/* TX thread, likewise: what of *want differs from what is set. *in_force: what holds from then on.
 * On ERR_ARG or ERR_RADIO, with the reason in *err, what was set before is set again. ERR_STATE: it
 * is down, and nothing was done. */
int radio_set(struct radio *radio, int64_t tick, const struct radio_setting *want,
              struct radio_setting *in_force, struct status *err) MUST_CHECK;
/* What radio_set would refuse without asking the device: ERR_ARG. cfg: as opened. */
int radio_check_setting(const struct radio_cfg *cfg, const struct radio_setting *want,
                        struct status *err) MUST_CHECK;
/* Moves with every retune, gain and reopening: calibrations of an earlier value are void. */
uint32_t radio_tuning(const struct radio *radio);
