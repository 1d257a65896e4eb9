/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Layout of the shared segment; private to sim/air*.c. Everything below the configuration is
 * guarded by the robust mutex, except the atomics. A critical section writes data first and the
 * counter that makes it visible last, so the death of its owner leaves a consistent state. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "sim/air.h"
#include "sim/air_fault.h"

enum {
    AIR_VERSION = 3,
    AIR_N_WAITER = 64,
    AIR_N_READER = 64,
    AIR_N_PACKET = 256, /* log entries of a port; contiguous sends share one */
    AIR_N_DRIFT = 64,   /* windows of a radio without its reference */
};
#define AIR_MAGIC  0x4d69724169723031ull
#define AIR_PREFIX "/mirador-"

struct air_packet {
    int64_t k0, n;     /* first sample, on the antenna's device clock (latency included); count */
    uint64_t ring0;    /* position of sample k0 in the endless ring */
    float scale;       /* sqrt(W) per count of sc16 */
    float phase_rad;   /* LO phase */
    double carrier_hz; /* nominal, clock error not included */
};

struct air_tx_port {
    uint64_t written;      /* samples ever committed */
    uint64_t first, count; /* entries first .. first + count - 1 are in the log */
    int64_t hold_k; /* mid-burst: the clock may not pass this sample; AIR_NEVER: no burst open */
    int64_t hold_wall_ns; /* when the hold was last moved */
    struct air_packet log[AIR_N_PACKET];
};

struct air_radio_slot {
    int state; /* enum air_radio_state */
    int pid;
    uint64_t pid_start;
    int64_t joined_tick;
    uint32_t generation;
    int entered; /* has waited in recv since it joined */
};

struct air_waiter { /* a thread that takes part in the gate */
    int pid, tid;   /* pid 0: free */
    int radio;
    int blocked;
    int64_t until;   /* tick it waits for, valid while blocked */
    int64_t wall_ns; /* when it last left a wait */
    uint64_t stream; /* the streamer it last read */
};

struct air_reader { /* an RX stream: what it may still need is kept */
    int pid;        /* 0: free */
    int radio;
    int64_t low; /* first tick still needed; AIR_NEVER: idle */
};

struct air_drift {
    int64_t at, until;
    double rate; /* extra samples per tick */
};

struct air_drift_list {
    uint32_t n;
    struct air_drift window[AIR_N_DRIFT];
};

struct air_seg {
    uint64_t magic;
    uint32_t version, header_size;
    uint64_t total_size;
    int owner_pid;
    uint64_t owner_start;
    struct air_cfg cfg;
    uint64_t sets_off, set_stride, tx_off, tx_stride; /* bytes */
    uint32_t n_tx_total, n_rx_total;                  /* ports of all radios */
    uint32_t tx_base[AIR_MAX_RADIOS], rx_base[AIR_MAX_RADIOS];

    pthread_mutex_t lock;
    _Atomic uint32_t seq; /* futex word: moves at every change worth waking up for */
    _Atomic int64_t now, horizon;
    _Atomic int owner_gone;
    int64_t wall0_ns; /* creation; the ungated clock counts from here */
    int64_t pace_wall_ns, pace_tick;
    int64_t wanted, reaped_wall_ns;
    int held; /* the clock would go further but for an open burst: wake it when that grows */

    struct air_radio_slot radios[AIR_MAX_RADIOS];
    struct air_waiter waiters[AIR_N_WAITER];
    struct air_reader readers[AIR_N_READER];

    uint64_t ev_written, ev_taken, ev_done;
    struct air_event events[AIR_N_EVENT];

    uint64_t set_begun, set_committed; /* ids */
    uint64_t snap_first, snap_count;
    struct air_snap snaps[AIR_N_SNAP];

    struct air_tx_port ports[AIR_MAX_RADIOS][AIR_MAX_PORTS];

    uint64_t n_faults; /* set before any device joins */
    struct air_fault faults[AIR_N_FAULT];
    struct air_fault_state fault_state[AIR_N_FAULT];
    struct air_drift_list drift[AIR_MAX_RADIOS];
    _Atomic uint64_t counts[AIR_MAX_RADIOS][AIR_N_COUNT], count_moves;
};

struct air {
    struct air_seg *seg;
    size_t size;
    int fd;
    bool creator;
    char path[80]; /* shared-memory name; "" when private */
};

/* Storage of a set: n_tx_total x n_rx_total links. */
static inline struct air_link *air_links(const struct air *air, uint64_t id)
{
    const struct air_seg *s = air->seg;
    return (struct air_link *)((char *)air->seg + s->sets_off + id % s->cfg.n_sets * s->set_stride);
}
static inline int16_t *air_ring(const struct air *air, unsigned radio, unsigned port)
{
    const struct air_seg *s = air->seg;
    return (int16_t *)((char *)air->seg + s->tx_off + (s->tx_base[radio] + port) * s->tx_stride);
}
/* Device sample index (double: fractional) <-> room tick. */
static inline double air_clock_ratio(const struct air *air, unsigned radio)
{
    return 1.0 + 1e-6 * air->seg->cfg.radios[radio].ppm;
}

void air_lock(struct air *air);
void air_unlock(struct air *air);

#define AIR_POLL_NS 100000000ll /* how often sleepers look for the dead */
/* Under the lock, at that wall time; does nothing if the last look was less than AIR_POLL_NS ago.
 */
void air_reap_locked(struct air *air, int64_t wall_ns);
