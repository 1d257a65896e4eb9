/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the emulated boards share (emulator.c). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct emulator;

struct emulator_kind {
    const char *name;
    bool (*start)(struct emulator *e);
    void (*reset)(struct emulator *e); /* power-up, or the reset command */
    void (*serve)(struct emulator *e); /* bytes are there */
    void (*accept)(struct emulator *e);
    void (*unplug)(struct emulator *e); /* NULL: the pty goes and comes */
    void (*plug)(struct emulator *e);
    uint8_t bits; /* of an element of a board that shows what it was sent; 0: its firmware tells */
};

struct emulator {
    const struct emulator_kind *kind;
    const char *link;
    int fd, keep, listener;
    double byte_us;
    bool silent, lie, nack, twice;
    char board[32], room[160]; /* whom to tell what it shows, "" = nobody */
    int mute, slow_ms;
    int hold_ms; /* firmware: the next change takes hold, but is acknowledged that much later */
    uint8_t shown[1024];
    size_t n_shown;
    unsigned n_patterns, n_pipelined, n_fast, n_bad;
};

extern const struct emulator_kind emulator_firmware, emulator_opensource, emulator_tile;

int64_t emulator_us(void);
void emulator_room(struct emulator *e); /* e->room was set */
void emulator_play(void);               /* firmware: the sequence that is armed, to its end */
bool emulator_plug(struct emulator *e);
void emulator_send(struct emulator *e, const void *bytes, size_t n);
