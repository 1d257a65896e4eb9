/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The three emulated boards. The text ones are written from their makers' descriptions, with
 * nothing of the drivers that they test. */
#include "emulator.h"
#include "firmware/core/ris_core.h"
#include "ris_ctrl/room_link.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- our firmware: 16 x 16 of 1 bit, its core behind a line of the given speed ---- */

#define SLOTS 64
#define BYTES 32

static struct ris_core core;
static uint8_t slot_patterns[SLOTS * BYTES], shifted[BYTES];
static uint64_t slot_hashes[SLOTS];
static struct emulator *board;

static void hw_send(void *ctx, const uint8_t *bytes, size_t n)
{
    emulator_send(ctx, bytes, n);
}

static uint64_t hw_now(void *ctx)
{
    (void)ctx;
    return (uint64_t)emulator_us();
}

static void hw_shift(void *ctx, const uint8_t *pattern, size_t n)
{
    (void)ctx;
    memcpy(shifted, pattern, n);
}

static void hw_latch(void *ctx)
{
    struct emulator *e = ctx;
    memcpy(e->shown, shifted, BYTES);
    e->n_patterns++;
}

static void hw_timer(void *ctx, uint32_t delay_ns, uint32_t period_ns)
{
    (void)ctx, (void)delay_ns, (void)period_ns;
}

static void hw_trigger(void *ctx, enum ris_trigger source)
{
    (void)ctx, (void)source;
}

/* The chain is wired: what stands in the registers, with an element stuck when it lies. */
static bool hw_chain(void *ctx, uint8_t *pattern, size_t n)
{
    struct emulator *e = ctx;
    memcpy(pattern, e->shown, n);
    pattern[3] ^= e->lie ? 0x10 : 0;
    return true;
}

static struct room_link room;

/* Of boards without our firmware, which has a commit of its own. */
static void tell_room(struct emulator *e)
{
    struct status err;
    struct ris_report report = {
        .kind = RIS_REPORT_APPLY, .shape = {16, 16, e->kind->bits}, .idle = e->shown};
    if (e->room[0] && e->kind->bits > 0 && room_link_tell(&room, &report, &err) != OK)
        fprintf(stderr, "emulator: %s\n", err.text);
}

void emulator_room(struct emulator *e)
{
    struct status err;
    room_link_close(&room);
    if (room_link_open(&room, e->board, e->room, 5000, &err) != OK)
        fprintf(stderr, "emulator: %s\n", err.text);
    tell_room(e);
}

static int hw_commit(void *ctx, const struct ris_change *change)
{
    struct status err;
    struct emulator *e = ctx;
    if (e->nack)
        return ERR_STATE;
    usleep((useconds_t)e->hold_ms * 1000);
    e->hold_ms = 0;
    return e->room[0] ? room_link_commit(&room, change, &err) : OK;
}

/* The edges are the room's: here the sequence plays at once, so that the chain ends with the idle
 * profile as behind a real one. */
void emulator_play(void)
{
    const struct ris_sequencer *q = &core.sequencer;
    while (q->mode == RIS_ARMED) {
        ris_core_edge(&core);
        while (q->mode == RIS_RUNNING)
            ris_core_timer(&core);
    }
}

static void firmware_reset(struct emulator *e)
{
    static uint32_t boots = 100;
    struct ris_hw hw = {.ctx = e,
                        .send = hw_send,
                        .now_us = hw_now,
                        .shift = hw_shift,
                        .latch = hw_latch,
                        .timer = hw_timer,
                        .trigger = hw_trigger,
                        .chain = hw_chain,
                        .commit = hw_commit};
    struct ris_core_cfg cfg = {.shape = {16, 16, 1},
                               .n_slots = SLOTS,
                               .patterns = slot_patterns,
                               .hashes = slot_hashes,
                               .boot_id = ++boots,
                               .trigger = RIS_TRIGGER_RISING};
    memset(slot_hashes, 0, sizeof slot_hashes);
    memset(e->shown, 0, sizeof e->shown);
    if (ris_core_init(&core, &cfg, &hw) != OK)
        abort();
    core.supply_mv = 3301;
}

static bool firmware_start(struct emulator *e)
{
    board = e;
    e->n_shown = BYTES;
    firmware_reset(e);
    return emulator_plug(e);
}

static void firmware_serve(struct emulator *e)
{
    uint8_t bytes[256];
    ssize_t n = read(e->fd, bytes, sizeof bytes);
    if (n > 0)
        usleep((useconds_t)((double)n * e->byte_us));
    for (ssize_t i = 0; i < n; i++)
        ris_core_byte(&core, bytes[i]);
    if (e->room[0])
        emulator_play();
}

const struct emulator_kind emulator_firmware = {
    .name = "firmware", .start = firmware_start, .reset = firmware_reset, .serve = firmware_serve};

/* ---- OpenSourceRIS ---- */

#define DIGITS 64

static char digits[DIGITS + 1], text[128];
static size_t n_text;
static int64_t last_pattern_us;

static void say(struct emulator *e, const char *words)
{
    emulator_send(e, words, strlen(words));
}

/* Digit 0's top bit is row 0, column 0. */
static void set_digits(struct emulator *e, const char *hex)
{
    memcpy(digits, hex, DIGITS);
    memset(e->shown, 0, BYTES);
    for (int m = 0; m < 4 * DIGITS; m++) {
        char one[2] = {hex[m / 4], 0};
        if (strtoul(one, NULL, 16) >> (3 - m % 4) & 1)
            e->shown[m / 8] |= (uint8_t)(1 << m % 8);
    }
    tell_room(e);
}

static void opensource_reset(struct emulator *e)
{
    char zero[DIGITS];
    memset(zero, '0', sizeof zero);
    set_digits(e, zero);
    n_text = 0;
    if (e->fd < 0)
        return;
    usleep(300000); /* its radio module comes first */
    say(e, "\nOpen Source RIS\nFirmware version: 1.0\nSerial no.: 7\nRow count: 16\n"
           "Column count: 16\n\n#READY!\n");
}

static bool opensource_start(struct emulator *e)
{
    e->n_shown = BYTES;
    opensource_reset(e);
    return emulator_plug(e);
}

static void opensource_pattern(struct emulator *e)
{
    int64_t now = emulator_us();
    bool good = n_text == 3 + DIGITS && strspn(text + 3, "0123456789ABCDEF") == DIGITS;
    e->n_fast += now - last_pattern_us < 6000;
    if (!good || e->nack || now - last_pattern_us < 6000) {
        e->n_bad += !good;
        return; /* silence */
    }
    last_pattern_us = now;
    set_digits(e, text + 3);
    e->n_patterns++;
    say(e, "#OK\n");
}

static void opensource_line(struct emulator *e)
{
    char answer[DIGITS + 8];
    struct pollfd more = {.fd = e->fd, .events = POLLIN};
    usleep(200);                                             /* its loop */
    if (poll(&more, 1, 0) == 1 && (more.revents & POLLIN)) { /* it has room for one command only */
        char dropped[256];
        e->n_pipelined += read(e->fd, dropped, sizeof dropped) > 0;
    }
    if (strncmp(text, "!0x", 3) == 0) {
        opensource_pattern(e);
    } else if (strcmp(text, "?Pattern") == 0) {
        snprintf(answer, sizeof answer, "#0X%s\n", digits);
        answer[10] = e->lie ? (answer[10] == '5' ? 'A' : '5') : answer[10];
        say(e, answer);
    } else if (strcmp(text, "?Vext") == 0) {
        say(e, "#4.98V\n");
    } else if (strcmp(text, "?SerialNo") == 0) {
        say(e, "#7\n");
    } else if (strcmp(text, "!Reset") == 0) {
        opensource_reset(e);
    } else {
        e->n_bad++;
    }
}

static void opensource_serve(struct emulator *e)
{
    char c;
    while (e->fd >= 0 && read(e->fd, &c, 1) == 1) {
        if (c == '\n') {
            text[n_text] = '\0';
            if (n_text > 0) {
                usleep((useconds_t)((double)(n_text + 1) * e->byte_us));
                opensource_line(e);
            }
            n_text = 0;
        } else if (n_text + 1 < sizeof text) {
            text[n_text++] = c;
        }
    }
}

const struct emulator_kind emulator_opensource = {.name = "opensource",
                                                  .start = opensource_start,
                                                  .reset = opensource_reset,
                                                  .serve = opensource_serve,
                                                  .bits = 1};

/* ---- a server of tiles of 16 x 16 elements of 2 bits ---- */

#define VALUES 512
#define FRAME  (2 + 2 * VALUES - 1)

static void tile_listen(struct emulator *e)
{
    static uint16_t port;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = port};
    socklen_t size = sizeof a;
    int on = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    e->listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(e->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(e->listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(e->listener, 1) != 0 ||
        getsockname(e->listener, (struct sockaddr *)&a, &size) != 0)
        abort();
    port = a.sin_port;
    unlink(e->link);
    FILE *f = fopen(e->link, "w");
    fprintf(f, "%u\n", ntohs(port));
    fclose(f);
}

static bool tile_start(struct emulator *e)
{
    e->n_shown = VALUES / 8;
    tile_listen(e);
    return true;
}

static void tile_hang_up(struct emulator *e)
{
    if (e->fd >= 0)
        close(e->fd);
    e->fd = -1;
}

static void tile_accept(struct emulator *e)
{
    int fd = accept(e->listener, NULL, NULL);
    tile_hang_up(e);
    e->fd = fd;
}

static void tile_reset(struct emulator *e)
{
    tile_hang_up(e);
    memset(e->shown, 0, e->n_shown);
    tell_room(e);
}

static void tile_unplug(struct emulator *e)
{
    tile_hang_up(e);
    close(e->listener);
    e->listener = -1;
}

/* It takes what one read gives for a frame, and says nothing about any other length. */
static void tile_serve(struct emulator *e)
{
    char frame[2048];
    ssize_t n = recv(e->fd, frame, sizeof frame, 0);
    if (n <= 0) {
        tile_hang_up(e);
        return;
    }
    if (n != FRAME) {
        e->n_bad++;
        return;
    }
    if (memcmp(frame, "02", 2) != 0 || e->nack) { /* tile 2 is the one that is wired */
        emulator_send(e, "b", 1);
        tile_hang_up(e);
        return;
    }
    memset(e->shown, 0, e->n_shown);
    for (int v = 0; v < VALUES; v++) {
        int m = v / 2, bit = 2 * m + (v % 2 == 0);
        bool row_ends = m % 16 == 15 && v % 2 == 1;
        if (v + 1 < VALUES && frame[3 + 2 * v] != (row_ends ? ';' : ' '))
            e->n_bad++;
        if (frame[2 + 2 * v] == '1')
            e->shown[bit / 8] |= (uint8_t)(1 << bit % 8);
    }
    e->n_patterns++;
    tell_room(e);
    usleep(4000); /* four chains of 128 bits, clocked by software */
    emulator_send(e, "a", 1);
}

const struct emulator_kind emulator_tile = {.name = "tile",
                                            .start = tile_start,
                                            .reset = tile_reset,
                                            .serve = tile_serve,
                                            .accept = tile_accept,
                                            .unplug = tile_unplug,
                                            .plug = tile_listen,
                                            .bits = 2};
