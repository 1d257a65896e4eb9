/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bad days of a room: a list of faults in the shared segment that the simulated devices obey,
 * each in its own process, and counts of what they really did. What a fault does is a function of
 * room time and of what the program does, so a gated run repeats to the bit. docs/simulator.md
 * describes every kind; sim/faults.h reads scripts.
 *
 * One-shot kinds fire at an opportunity (a capture, a burst, a command) whose tick lies at or after
 * at_tick; windows hold from at_tick to until_tick. All functions are thread-safe; RT-safe, except
 * air_faults_set. */
#pragma once
#include "sim/air.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Identifier and name in a script. Order: one-shots of the receiver, of the transmitter, of
 * commands, then windows and steps. */
#define AIR_FAULT_KINDS(X)                                                                         \
    X(OVERFLOW, "overflow")                                                                        \
    X(OVERFLOW_STOP, "overflow_stop")                                                              \
    X(SEQUENCE, "sequence")                                                                        \
    X(SHORT_RECV, "short_recv")                                                                    \
    X(LATE_TX, "late_tx")                                                                          \
    X(UNDERFLOW, "underflow")                                                                      \
    X(UNDERFLOW_IN_PACKET, "underflow_in_packet")                                                  \
    X(TX_SEQUENCE, "tx_sequence")                                                                  \
    X(NO_ACK, "no_ack")                                                                            \
    X(DROP_STREAM_CMD, "drop_stream_cmd")                                                          \
    X(LATE_STREAM_CMD, "late_stream_cmd")                                                          \
    X(LATE_COMMAND, "late_command")                                                                \
    X(NO_PPS, "no_pps")                                                                            \
    X(REF_UNLOCKED, "ref_unlocked")                                                                \
    X(TIME_JUMP, "time_jump")                                                                      \
    X(DEVICE_GONE, "device_gone")                                                                  \
    X(DEAD_CHANNEL, "dead_channel")                                                                \
    X(GAIN_STEP, "gain_step")                                                                      \
    X(LO_JUMP, "lo_jump")                                                                          \
    X(PHASE_DRIFT, "phase_drift")                                                                  \
    X(CLIPPING, "clipping")

#define AIR_FAULT_ENUM_(id, name) AIR_FAULT_##id,
enum air_fault_kind { AIR_FAULT_KINDS(AIR_FAULT_ENUM_) AIR_N_FAULT_KIND };
#define AIR_FAULT_BIT(id) (UINT32_C(1) << AIR_FAULT_##id)

enum { AIR_N_FAULT = 2048 };

struct air_fault {
    int kind;            /* enum air_fault_kind */
    unsigned radio;      /* index */
    int channel;         /* receive port; -1: all */
    int64_t at_tick;     /* >= 0 */
    int64_t until_tick;  /* > at_tick; AIR_NEVER: no end. DEVICE_GONE: when it can be found again */
    unsigned count;      /* one-shots: fires this many times; 0: as long as the window holds */
    unsigned every;      /* one-shots: at each n-th opportunity, >= 1 */
    int64_t samples;     /* OVERFLOW, SEQUENCE: lost; SHORT_RECV: still delivered */
    int64_t after_samps; /* into the capture or burst */
    double value;        /* dB, degrees, degrees per second, ppm or seconds, by kind */
    bool silent;         /* OVERFLOW_STOP: without an error */
    bool keeps_time;     /* DEVICE_GONE: its time register goes on meanwhile */
};

struct air_fault_state { /* what became of one */
    uint32_t fired;      /* times; windows and steps: 1 once they have touched something */
    int64_t first_tick, last_tick; /* of the opportunities; valid when fired > 0 */
    uint32_t seen;                 /* opportunities so far */
};

/* What a radio has told its program, and what it has lost, since the room began. */
#define AIR_COUNTS(X)                                                                              \
    X(RX_OVERFLOWS, "rx_overflows")                                                                \
    X(RX_SEQUENCE_ERRORS, "rx_sequence_errors")                                                    \
    X(RX_LOST_SAMPS, "rx_lost_samps")                                                              \
    X(RX_LATE_CMDS, "rx_late_cmds")                                                                \
    X(RX_DROPPED_CMDS, "rx_dropped_cmds")                                                          \
    X(RX_SHORT, "rx_short")                                                                        \
    X(TX_BURSTS, "tx_bursts")                                                                      \
    X(TX_ACKS, "tx_acks")                                                                          \
    X(TX_ACKS_WITHHELD, "tx_acks_withheld")                                                        \
    X(TX_LATES, "tx_lates")                                                                        \
    X(TX_UNDERFLOWS, "tx_underflows")                                                              \
    X(TX_SEQUENCE_ERRORS, "tx_sequence_errors")                                                    \
    X(COMMANDS_AT_ONCE, "commands_at_once")                                                        \
    X(TIME_JUMPS, "time_jumps")                                                                    \
    X(DEVICE_LOSSES, "device_losses")

#define AIR_COUNT_ENUM_(id, name) AIR_COUNT_##id,
enum air_count { AIR_COUNTS(AIR_COUNT_ENUM_) AIR_N_COUNT };

/* Setup only, by the creator, before any device joins. faults[n], n <= AIR_N_FAULT, each in range;
 * one radio has at most 64 REF_UNLOCKED with a drift. ERR_NO_SPACE otherwise. */
int air_faults_set(struct air *air, const struct air_fault *faults, size_t n) MUST_CHECK;
size_t air_faults_n(const struct air *air);
/* Fault i < air_faults_n and, unless NULL, what became of it. */
void air_fault_get(struct air *air, size_t i, struct air_fault *fault,
                   struct air_fault_state *state);

/* One opportunity of the kinds (bits) at a tick: claims the first fault that is due;
 * the others wait for the next. fresh: a
 * capture, burst or command begins; false: in the middle of a capture, for faults that have not
 * fired yet and do not count opportunities. */
bool air_fault_take(struct air *air, unsigned radio, uint32_t kinds, int64_t tick, bool fresh,
                    struct air_fault *out);
/* When, after a tick, the next fault of the kinds becomes due that would strike in the middle of a
 * capture; or AIR_NEVER. */
int64_t air_fault_next(struct air *air, unsigned radio, uint32_t kinds, int64_t tick);
/* A window of that kind holds at a tick (and is marked as having been felt). */
bool air_fault_holds(struct air *air, unsigned radio, enum air_fault_kind kind, int64_t tick);
/* The first device loss at or after a tick, the end of the last one that ended by then and
 * reset the time; or
 * AIR_NEVER, -1. */
int64_t air_fault_loss(struct air *air, unsigned radio, int64_t tick, int64_t *returned_tick);
/* Marks the steps of a kind with after < at_tick <= upto as felt; returns how many were new. */
unsigned air_fault_felt(struct air *air, unsigned radio, enum air_fault_kind kind, int64_t after,
                        int64_t upto);
/* Sum of the time jumps [s] with after < at_tick <= upto. */
double air_fault_jumps(struct air *air, unsigned radio, int64_t after, int64_t upto);

/* What the faults do to a receive channel from device sample k to before `until`. */
struct air_effect {
    int64_t until;
    double gain_db, phase_rad; /* phase at k */
    double rad_per_samp;
    double limit; /* clips at this part of full scale, 0..1 */
    bool dead;
};
struct air_effect air_fault_effect(struct air *air, unsigned radio, unsigned channel, int64_t k);

/* Extra samples [ticks] that a radio's clock has counted by a tick because its reference was away,
 * and its extra rate then. */
double air_fault_drift(const struct air *air, unsigned radio, double tick, double *rate);

void air_count(struct air *air, unsigned radio, enum air_count which, uint64_t n);
/* out: [AIR_N_COUNT]. Returns a number that moves whenever a count or a fault's state does. */
uint64_t air_counts(struct air *air, unsigned radio, uint64_t *out);

const char *air_fault_name(int kind);
const char *air_count_name(int which);

#ifdef __cplusplus
}
#endif
