/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The daemon's end of the RIS controller mirador-ris (ZeroMQ DEALER; docs/ris-protocol.md).
 * One thread owns a client (ZeroMQ sockets are not shared): miradord's schedule thread.
 * Setup functions wait for their answer up to cfg.timeout_ms. The path of every cycle, arm_begin
 * and arm_wait, formats into fixed buffers and reads flat answers in place: no allocation of ours
 * (libzmq allocates inside for messages over 29 bytes). */
#pragma once
#include "frames/ris_packet.h"
#include "frames/status.h"

#define RIS_CLIENT_BOARDS 8

struct sockets; /* base/sockets.h */

struct ris_client_cfg {
    struct sockets *sockets;               /* outlives the client */
    const char *endpoint;                  /* "ipc:///…/ris.sock" */
    size_t n_board;                        /* 1..RIS_CLIENT_BOARDS */
    const char *boards[RIS_CLIENT_BOARDS]; /* names as in ris.yaml; copied */
    unsigned timeout_ms;                   /* of the setup functions, > 0; 2000 is good */
};

/* What came back for one board's ARM. */
struct ris_client_ack {
    int code;            /* OK; ERR_TIMEOUT: nothing before the deadline; else refused */
    uint64_t hash;       /* ris_arm_hash of the steps and the idle profile; 0 unless OK */
    int64_t time_ns;     /* Unix time at which the controller had the board's ACK */
    uint32_t elapsed_us; /* command to ACK inside the controller */
    bool silent;         /* ERR_TIMEOUT, and the board answered none of the controller's tries, or
                            the ARM before this one has no answer yet either */
    char text[160];      /* "board ris1: slot never loaded; load the slot first"; "" when OK */
};

struct ris_client_counters {
    uint64_t arms;  /* ARM commands sent, one per board */
    uint64_t acks;  /* acknowledged in time */
    uint64_t late;  /* acknowledged after the deadline */
    uint64_t nacks; /* refused by controller or board */
    uint64_t lost;  /* no answer before the deadline (late ones were counted here first) */
};

struct ris_client_board { /* answer to status */
    bool present;         /* the board answers; of one that does not, state and serial are empty */
    struct ris_shape shape;
    uint16_t n_slots;
    bool plays_sequences; /* else it stays with one profile from arm to arm */
    char serial[24];      /* "" = the board does not tell */
    struct ris_state state;
    double states[16]; /* amplitude and phase of each of an element's states, as measured */
    size_t n_states;   /* numbers of these, 0 = nobody measured them */
};

struct ris_client;

/* Setup only. Connects and asks for every board's status: NULL with the cure in *err when the
 * controller does not answer or does not know a board. A board may be absent. */
struct ris_client *ris_client_create(const struct ris_client_cfg *cfg, struct status *err);
void ris_client_destroy(struct ris_client **client);

/* Another patience of the setup functions, for those who cannot wait: timeout_ms > 0. Returns the
 * one before. */
unsigned ris_client_set_timeout(struct ris_client *c, unsigned timeout_ms);

/* Setup only; board indexes cfg.boards. ERR_TIMEOUT, or what the controller said: ERR_STATE,
 * with its words and cure in *err. */
int ris_client_status(struct ris_client *c, size_t board, struct ris_client_board *out,
                      struct status *err) MUST_CHECK;
/* A slot of the armed sequence is refused: disarm first. hash may be NULL. */
int ris_client_load(struct ris_client *c, size_t board, uint16_t slot, struct ris_shape shape,
                    const uint8_t *pattern, uint64_t *hash, struct status *err) MUST_CHECK;
int ris_client_apply(struct ris_client *c, size_t board, uint16_t slot, enum ris_when when,
                     struct status *err) MUST_CHECK;
int ris_client_disarm(struct ris_client *c, size_t board, struct status *err) MUST_CHECK;
int ris_client_trigger(struct ris_client *c, size_t board, enum ris_trigger source,
                       struct status *err) MUST_CHECK;
/* slot may be RIS_SLOT_ACTIVE. pattern: RIS_PATTERN_MAX bytes. hash may be NULL. */
int ris_client_readback(struct ris_client *c, size_t board, uint16_t slot, struct ris_shape *shape,
                        uint8_t *pattern, uint64_t *hash, struct status *err) MUST_CHECK;

/* Every cycle. Sends arms[i] to board i (NULL: leave that board alone) without waiting. by_ns: Unix
 * time after which the controller shall refuse rather than arm, 0 = none; to one on another machine
 * the time left is sent, as the clocks need not agree. Answers of an earlier
 * begin that nobody waited for are counted late. ERR_IO when the controller is gone. */
int ris_client_arm_begin(struct ris_client *c, const struct ris_arm *const *arms,
                         int64_t by_ns) MUST_CHECK;

/* Every cycle, after arm_begin. Waits until all boards asked have answered, at most timeout_ms
 * (0: only looks). acks: [n_board] or NULL; a board not asked reads OK with hash 0. Returns OK when
 * all acknowledged, ERR_TIMEOUT, or ERR_STATE when one refused (its words: ris_client_error). */
int ris_client_arm_wait(struct ris_client *c, unsigned timeout_ms,
                        struct ris_client_ack *acks) MUST_CHECK;

/* Words of the last refusal of an ARM, "board ris1: slot never loaded"; "" when there was none. */
const char *ris_client_error(const struct ris_client *c);

struct ris_client_counters ris_client_counters(const struct ris_client *c);
