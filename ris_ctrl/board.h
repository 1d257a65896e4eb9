/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A RIS board behind a table of functions. Each board belongs to one thread; a call blocks for at
 * most cfg.ack_timeout_ms * (cfg.retries + 1) for each packet it takes. */
#pragma once
#include "frames/ris_packet.h"
#include "frames/ris_report.h"
#include "frames/status.h"

struct surface_cfg; /* board_surface.h */

struct board_cfg {
    char name[RIS_NAME_MAX + 1];
    struct ris_shape shape;
    uint16_t n_slots;
    enum ris_trigger trigger; /* at power-up */
    const char *room;         /* endpoint the native board reports to, "" = none; outlives it */
    const char *port;         /* of all other boards, see stream_port.h; outlives them */
    unsigned baud;
    unsigned tile; /* number of the tile behind a tile server, 1..99 */
    bool verify;   /* read every shown pattern back where the board can */
    unsigned ack_timeout_ms;
    unsigned retries;

    /* Called in the board's thread when a request is out for ack_timeout_ms without an answer, and
     * will be sent again: the trouble is known long before the call gives up. NULL = nobody. */
    void (*tell)(void *context, const char *text);
    void *tell_context;

    bool *gave_up; /* set when a request got no answer in all its tries; the caller's */

    /* Monotonic time [us] after which no request is sent again, 0 = none; the caller's. */
    const int64_t *no_retry_after_us;
    const struct surface_cfg *surface; /* of a surface made of boards, else NULL; outlives it */
};

struct board_ack {
    uint64_t hash;     /* see struct ris_ack */
    uint64_t board_us; /* board's uptime at which the change took hold */
    int64_t time_ns;   /* Unix time at which its acknowledgement was here */
};

struct board_readback {
    struct ris_shape shape;
    enum ris_source source;
    bool unread;   /* this board cannot be read: it is what it was sent and acknowledged */
    uint64_t hash; /* of what was read, computed here */
    uint8_t pattern[RIS_PATTERN_MAX];
};

struct board_status {
    struct ris_state state;
    uint32_t link_retries;  /* requests sent again */
    uint32_t link_timeouts; /* requests that never got an answer */
    uint32_t link_bad;      /* damaged or stale packets from the board */
    char serial[24];        /* serial number, "" = not told */
    uint64_t pending;       /* profile that waits for its edge, 0 = none; the worker's to fill in */
};

struct board; /* the driver's own */

/* All functions return 0; ERR_STATE when the board refused; ERR_TIMEOUT when it kept silent; ERR_IO
 * when its link is gone (close it then). err->text: "what is wrong; cure". */
struct board_driver {
    const char *name; /* in ris.yaml */
    bool
        plays_sequences; /* it has a trigger; without one a sequence may stay with its idle profile
                            only, and nothing waits for an edge. Of a surface see board_surface.h */
    /* NULL when the board is absent (ERR_NOT_FOUND, ERR_TIMEOUT, ERR_IO: it may come), or when the
     * configuration or this machine is at fault (all others). */
    struct board *(*open)(const struct board_cfg *cfg, struct status *err);
    void (*close)(struct board **board);
    int (*load)(struct board *b, uint16_t slot, const uint8_t *pattern, struct board_ack *ack,
                struct status *err);
    /* arm NULL: disarm. */
    int (*arm)(struct board *b, const struct ris_arm *arm, struct board_ack *ack,
               struct status *err);
    int (*apply)(struct board *b, uint16_t slot, enum ris_when when, struct board_ack *ack,
                 struct status *err);
    int (*trigger)(struct board *b, enum ris_trigger source, struct board_ack *ack,
                   struct status *err);
    int (*readback)(struct board *b, uint16_t slot, struct board_readback *out, struct status *err);
    int (*status)(struct board *b, struct board_status *out, struct status *err);
};

extern const struct board_driver board_native;     /* board_native.c */
extern const struct board_driver board_serial;     /* board_serial.c: our firmware, real or not */
extern const struct board_driver board_opensource; /* board_opensource.c */
extern const struct board_driver board_tile;       /* board_tile.c */
extern const struct board_driver board_qemu;       /* board_qemu.c: the ARM firmware in QEMU */
