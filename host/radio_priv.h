/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of the radio share. Not for users of radio.h. */
#pragma once
#include "host/radio.h"
#include <pthread.h>
#include <stdatomic.h>
#include <uhd/usrp/usrp.h>

enum { TX_POOL = 8, RX_WASTE_SAMPS = 4096 };

enum radio_count {
    COUNT_RX_OVERFLOW,
    COUNT_RX_SEQUENCE,
    COUNT_RX_LATE,
    COUNT_RX_TIMEOUT,
    COUNT_RX_BAD,
    COUNT_RX_GAP,
    COUNT_RX_GAP_SAMPS,
    COUNT_TX_BURST,
    COUNT_TX_ACK,
    COUNT_TX_LATE,
    COUNT_TX_UNDERFLOW,
    COUNT_TX_SEQUENCE,
    COUNT_PULSE,
    COUNT_UNLOCKED,
    N_COUNTS
};

struct tx_slot {
    int64_t tick; /* -1 when free */
    uhd_tx_metadata_handle md;
};

struct radio {
    uhd_usrp_handle usrp;
    pthread_mutex_t usrp_lock; /* the handle's last_error is written without one */
    int64_t rate;
    size_t n_tx, n_rx;
    bool may_transmit;
    bool has_lock_sensor;

    uhd_rx_streamer_handle rx;
    uhd_rx_metadata_handle rx_md;
    struct sc16
        rx_waste[RX_WASTE_SAMPS]; /* where flushed samples go, all channels over each other */

    uhd_tx_streamer_handle tx;
    uhd_async_metadata_handle async_md;
    struct tx_slot pool[TX_POOL];
    size_t pool_next;

    bool trigger;
    char trigger_bank[16];
    uint32_t trigger_mask;

    _Atomic uint64_t counts[N_COUNTS];
};

static inline void radio_count_add(struct radio *radio, enum radio_count which, uint64_t n)
{
    atomic_fetch_add_explicit(&radio->counts[which], n, memory_order_relaxed);
}

static inline int64_t tick_of_time(const struct radio *radio, int64_t full, double frac)
{
    return full * radio->rate + (int64_t)(frac * (double)radio->rate + 0.5);
}

static inline void time_of_tick(const struct radio *radio, int64_t tick, int64_t *full,
                                double *frac)
{
    *full = tick / radio->rate;
    *frac = (double)(tick - *full * radio->rate) / (double)radio->rate;
}

int radio_rx_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err) MUST_CHECK;
void radio_rx_close(struct radio *radio);
int radio_tx_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err) MUST_CHECK;
void radio_tx_close(struct radio *radio);
int radio_trigger_open(struct radio *radio, const struct radio_cfg *cfg,
                       struct status *err) MUST_CHECK;

/* Fills *err with "what: text of UHD" and returns its code, ERR_RADIO. Takes usrp_lock. */
int radio_uhd_error(struct radio *radio, struct status *err, const char *what);

/* UHD's calls for one direction: the same shapes under two names. */
struct radio_side {
    const char *name, *gain_key, *failure;
    uhd_error (*set_rate)(uhd_usrp_handle, double, size_t);
    uhd_error (*set_freq)(uhd_usrp_handle, uhd_tune_request_t *, size_t, uhd_tune_result_t *);
    uhd_error (*set_gain)(uhd_usrp_handle, double, size_t, const char *);
    uhd_error (*set_antenna)(uhd_usrp_handle, const char *, size_t);
    uhd_error (*get_rate)(uhd_usrp_handle, size_t, double *);
    uhd_error (*get_gain)(uhd_usrp_handle, size_t, const char *, double *);
};

struct radio_channel { /* what is wanted of one */
    size_t index;
    double rate_hz, carrier_hz, gain_db;
    const char *antenna; /* NULL or "": the device's own choice */
};

/* Setup only. Rate, frequency, gain and antenna, read back. ERR_RADIO, or ERR_ARG when the device
 * has no such rate or gain. */
int radio_channel_setup(struct radio *radio, const struct radio_side *side,
                        const struct radio_channel *want, struct status *err) MUST_CHECK;
