/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Both sides of the data link over a channel that loses slots. Whatever comes out went in, in this
 * order, and not twice: each turn asserts it. */
#pragma once
#include "dsp/rng.h"
#include "host/data_link.h"

#define PERIOD_S 0.2
enum { USER = 7, MCS = 3, SLOT_MAX = 9000, DOWN = 0, UP = 1 };

extern const struct data_link_heard at_25_db;
extern struct secure_keys keys; /* of user USER */

struct flow {            /* packets one way, numbered by who sends them */
    uint32_t sent, next; /* next number that may still come */
    uint64_t delivered, bytes;
};

struct world {
    struct data_link *side[2]; /* that sends DOWN, UP */
    struct flow flow[2];
    struct rng rng;
    double loss[2], snr_db, lifetime_s, time_s;
    uint64_t cycle, slots[2], slot_bytes[2];
    uint8_t air[2][SLOT_MAX]; /* the last slot each way */
    size_t n_air[2];
};

int setup(void **state); /* of the group: makes the keys */

/* Two sides and no slot so far. Slots of both ways are lost at rate `loss`. */
void begin_world(struct world *w, uint64_t seed, double loss, double lifetime_s);
void end_world(struct world *w);
struct data_link *make_side(const struct world *w, int side);
double draw(struct world *w); /* 0..1 */

/* As many packets as the queue takes, n at most. */
void offer(struct world *w, int side, size_t n);
/* One slot each way; wall: both are lost. */
void turn(struct world *w, bool wall);
/* So many turns, until nothing is under way. */
void drain(struct world *w, int turns);
struct data_link_counters counters(const struct world *w, int side);

/* Size and bytes of the packet of that number. */
size_t packet_size(uint32_t number);
void fill_packet(uint32_t number, uint8_t *packet, size_t n);
