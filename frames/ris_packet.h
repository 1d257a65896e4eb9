/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The packets between the RIS controller and a board; bytes on the wire: docs/ris-protocol.md.
 * The controller asks, the board answers each request once with the same sequence number (ACK,
 * NACK, INFO, PROFILE or STATE). Every request may be repeated with its number: a board that did
 * it already only answers again. Freestanding, no heap, RT-safe. */
#pragma once
#include "frames/cobs.h"
#include "frames/ris_nack.h"
#include "frames/ris_profile.h"
#include "frames/status.h"

#define RIS_PROTOCOL    1
#define RIS_CHUNK_MAX   224 /* pattern bytes in one LOAD or PROFILE packet */
#define RIS_STEPS_MAX   64
#define RIS_EDGES_MAX   8
#define RIS_PACKET_MAX  248                            /* before COBS: header, body, CRC-32 */
#define RIS_WIRE_MAX    (COBS_MAX(RIS_PACKET_MAX) + 2) /* with both delimiters */
#define RIS_SLOT_ACTIVE 0xffff                         /* READBACK: what the elements show now */

enum ris_type {
    RIS_HELLO = 0x01,   /* no body; answered by INFO */
    RIS_LOAD = 0x02,    /* one chunk of a profile for a slot */
    RIS_ARM = 0x03,     /* a sequence of slots that trigger edges start */
    RIS_APPLY = 0x04,   /* show one slot, now or at the next edge */
    RIS_TRIGGER = 0x05, /* choose the trigger source */
    RIS_READBACK = 0x06,
    RIS_STATUS = 0x07, /* no body; answered by STATE */
    RIS_DISARM = 0x08, /* forget the sequence, show its idle profile; no body */
    RIS_ACK = 0x81,
    RIS_NACK = 0x82,
    RIS_INFO = 0x83,
    RIS_PROFILE = 0x84,
    RIS_STATE = 0x85,
};

enum ris_trigger { RIS_TRIGGER_NONE, RIS_TRIGGER_RISING, RIS_TRIGGER_FALLING };
enum ris_when { RIS_NOW, RIS_AT_EDGE };
enum ris_source { RIS_FROM_RAM, RIS_FROM_CHAIN };             /* what a read-back really read */
enum ris_mode { RIS_DARK, RIS_IDLE, RIS_ARMED, RIS_RUNNING }; /* DARK: nothing shown since boot */

struct ris_load {
    uint16_t slot;
    struct ris_shape shape;
    uint16_t offset; /* of data in the pattern; chunks come in order */
    uint8_t n;       /* 1..RIS_CHUNK_MAX */
    uint64_t hash;   /* ris_profile_hash of the whole profile */
    uint8_t data[RIS_CHUNK_MAX];
};

/* Each of n_edges trigger edges plays the whole list reps[edge] times: step k of an edge (k counts
 * through the repetitions) is latched at edge + delay_ns + k * period_ns, and one period after the
 * last step the idle profile. The idle profile also holds from ARM to the first edge. */
struct ris_arm {
    uint32_t tag;                  /* the caller's, e.g. the cycle; comes back in STATE */
    uint32_t delay_ns;             /* edge to first latch */
    uint32_t period_ns;            /* > 0 */
    uint16_t idle;                 /* slot */
    uint8_t n_edges;               /* 1..RIS_EDGES_MAX */
    uint8_t n_steps;               /* 1..RIS_STEPS_MAX */
    uint16_t reps[RIS_EDGES_MAX];  /* >= 1 */
    uint16_t steps[RIS_STEPS_MAX]; /* slots */
};

struct ris_ack {
    uint8_t type;      /* the request acknowledged */
    uint64_t hash;     /* LOAD, APPLY: the profile's. ARM: ris_arm_hash. Others: of what is shown */
    uint64_t board_us; /* board's uptime at which it took hold */
};

struct ris_info {
    uint8_t protocol;
    struct ris_shape shape;
    uint16_t n_slots;
    uint16_t firmware; /* major << 8 | minor */
    uint32_t boot_id;  /* another one after each reset */
};

struct ris_profile_part {
    uint16_t slot;  /* as asked */
    uint8_t source; /* enum ris_source */
    struct ris_shape shape;
    uint16_t offset;
    uint8_t n;
    uint64_t hash;
    uint8_t data[RIS_CHUNK_MAX];
};

struct ris_state {
    uint32_t boot_id;
    uint32_t uptime_ms;
    uint8_t mode;       /* enum ris_mode */
    uint8_t trigger;    /* enum ris_trigger */
    uint8_t edges_left; /* of the armed sequence */
    uint8_t last_nack;  /* enum ris_nack of the last refusal */
    uint16_t slots_loaded;
    uint16_t supply_mv;                   /* 0 = not measured */
    uint32_t tag;                         /* of the last ARM */
    uint64_t shown;                       /* hash of what the elements show, 0 = dark */
    uint32_t packets, bad_packets, nacks; /* counters since boot */
    uint32_t edges, stray_edges, sequences;
};

struct ris_ask {
    uint16_t slot;   /* APPLY; READBACK: slot or RIS_SLOT_ACTIVE */
    uint16_t offset; /* READBACK: first byte wanted */
    uint8_t value;   /* APPLY: enum ris_when. TRIGGER: enum ris_trigger */
};

struct ris_refusal {
    uint8_t type;   /* the request refused */
    uint8_t reason; /* enum ris_nack */
};

struct ris_msg {
    uint8_t type; /* enum ris_type */
    uint16_t seq;
    union {
        struct ris_load load;
        struct ris_arm arm;
        struct ris_ask ask; /* APPLY, TRIGGER, READBACK */
        struct ris_ack ack;
        struct ris_refusal nack;
        struct ris_info info;
        struct ris_profile_part profile;
        struct ris_state state;
    };
};

/* Hash an ARM is acknowledged with: FNV-1a over the hashes of the steps in order and of the idle
 * profile, 8 bytes little-endian each. hashes: [n], idle last. */
uint64_t ris_arm_hash(const uint64_t *hashes, size_t n);

/* Writes msg as delimiter, COBS frame, delimiter. Returns the bytes written, ERR_ARG when a field
 * is out of range, ERR_NO_SPACE when cap < what it takes (RIS_WIRE_MAX always does). */
int ris_msg_encode(const struct ris_msg *msg, uint8_t *out, size_t cap) MUST_CHECK;

/* Parses one decoded frame (header, body, CRC-32). ERR_FORMAT too short; ERR_CRC; ERR_ARG when the
 * frame is intact but of an unknown type, a wrong size, or holds a value out of range: then type
 * and seq are filled in, so that it can be refused by name. */
int ris_msg_parse(const uint8_t *frame, size_t n, struct ris_msg *out) MUST_CHECK;
