/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/native_process.h"
#include "base/log.h"
#include "firmware/core/ris_core.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/room_link.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct native {
    const char *name;
    struct ris_shape shape;
    int line;
    struct room_link room;
    int64_t start_us;
    struct ris_core core;
};

/* ---- the hardware table: there are no elements, so shift and latch have nothing to do. Edges and
 * timer ticks are the room's: it steps the reported sequence in its own time, and the core here
 * stays armed until it is told otherwise. ---- */

static void hw_send(void *ctx, const uint8_t *bytes, size_t n)
{
    struct native *b = ctx;
    while (n > 0) {
        ssize_t done = write(b->line, bytes, n);
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
        } else if (errno != EINTR) {
            return; /* the controller is gone; read says so next */
        }
    }
}

static uint64_t hw_now_us(void *ctx)
{
    struct native *b = ctx;
    return (uint64_t)(clock_us() - b->start_us);
}

static void hw_shift(void *ctx, const uint8_t *pattern, size_t n)
{
    (void)ctx, (void)pattern, (void)n;
}

static void hw_latch(void *ctx)
{
    (void)ctx;
}

static void hw_timer(void *ctx, uint32_t delay_ns, uint32_t period_ns)
{
    (void)ctx, (void)delay_ns, (void)period_ns;
}

static void hw_trigger(void *ctx, enum ris_trigger source)
{
    (void)ctx, (void)source;
}

static bool hw_chain(void *ctx, uint8_t *pattern, size_t n)
{
    (void)ctx, (void)pattern, (void)n;
    return false;
}

/* ---- the room ---- */

static int hw_commit(void *ctx, const struct ris_change *c)
{
    struct native *b = ctx;
    struct status err = {.code = OK};
    int r = room_link_commit(&b->room, c, &err);
    if (r != OK)
        log_error("%s", err.text);
    return r;
}

/* ---- the process ---- */

static int start(struct native *b, uint16_t n_slots, enum ris_trigger trigger, struct status *err)
{
    uint32_t boot_id;
    struct ris_hw hw = {.ctx = b,
                        .send = hw_send,
                        .now_us = hw_now_us,
                        .shift = hw_shift,
                        .latch = hw_latch,
                        .timer = hw_timer,
                        .trigger = hw_trigger,
                        .chain = hw_chain,
                        .commit = hw_commit};
    struct ris_core_cfg cfg = {.shape = b->shape, .n_slots = n_slots, .trigger = trigger};
    cfg.patterns = calloc(n_slots, ris_pattern_bytes(b->shape));
    cfg.hashes = calloc(n_slots, sizeof *cfg.hashes);
    if (cfg.patterns == NULL || cfg.hashes == NULL)
        return status_set(err, ERR_NO_MEMORY, "board %s: no memory for %u slots", b->name, n_slots);
    if (getrandom(&boot_id, sizeof boot_id, 0) != sizeof boot_id)
        boot_id = (uint32_t)clock_unix_ns();
    cfg.boot_id = boot_id;
    b->start_us = clock_us();
    if (ris_core_init(&b->core, &cfg, &hw) != OK)
        return status_set(err, ERR_ARG, "board %s: size out of range", b->name);
    /* Power-up: the elements are off. This also finds out whether the room knows this board. */
    static const uint8_t dark[RIS_PATTERN_MAX];
    struct ris_report report = {
        .kind = RIS_REPORT_DISARM, .trigger = (uint8_t)trigger, .shape = b->shape, .idle = dark};
    return room_link_tell(&b->room, &report, err);
}

static void serve(struct native *b)
{
    uint8_t bytes[512];
    for (;;) {
        ssize_t n = read(b->line, bytes, sizeof bytes);
        if (n == 0 || (n < 0 && errno != EINTR))
            return; /* the controller closed its end */
        for (ssize_t i = 0; i < n; i++)
            ris_core_byte(&b->core, bytes[i]);
    }
}

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        log_error("%s", text); /* nobody reads what we say: leave it in the log */
    close(fd);
}

int native_process_main(int argc, char **argv)
{
    static struct native board;
    struct status err = {.code = OK};
    char why[sizeof err.text + 16];
    if (argc != 10)
        return 2;
    log_open("ris-board", LOG_LEVEL_INFO);
    board.name = argv[0];
    board.shape =
        (struct ris_shape){(uint8_t)atoi(argv[1]), (uint8_t)atoi(argv[2]), (uint8_t)atoi(argv[3])};
    board.line = atoi(argv[8]);
    int start_fd = atoi(argv[9]);
    if (room_link_open(&board.room, board.name, argv[6], atoi(argv[7]), &err) == OK)
        start(&board, (uint16_t)atoi(argv[4]), (enum ris_trigger)atoi(argv[5]), &err);
    if (err.code != OK) {
        snprintf(why, sizeof why, "%d %s", err.code, err.text);
        say(start_fd, why);
        return 1;
    }
    say(start_fd, "R");
    serve(&board);
    room_link_close(&board.room);
    return 0;
}
