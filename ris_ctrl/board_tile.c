/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Driver of one tile behind a tile server: one text frame over TCP sets all states of a tile, one
 * letter answers it: 'a' done, 'b' refused (the server then hangs up). A frame that arrives damaged
 * is dropped without an answer, so after silence the connection is made anew. Nothing can be read
 * back. Rules and examples: docs/ris-protocol.md. */
#include "base/log.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/stream_port.h"
#include "ris_ctrl/text_slots.h"
#include "ris_ctrl/tile_text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct board {
    struct board_cfg cfg;
    struct text_slots slots;
    int fd; /* -1 after the server hung up: the next frame connects again */
    struct tile_line line;
    uint32_t n_frames, n_retries, n_timeouts, n_bad;
    char frame[TILE_FRAME_MAX];
};

static void hang_up(struct board *b)
{
    if (b->fd >= 0)
        stream_port_close(b->fd);
    b->fd = -1;
}

static int connect_server(struct board *b, struct status *err)
{
    if (b->fd < 0) {
        b->line = (struct tile_line){.waiting = false};
        b->fd = stream_port_open(b->cfg.port, b->cfg.baud, b->cfg.ack_timeout_ms, b->cfg.name, err);
    }
    return b->fd >= 0 ? OK : ERR_IO;
}

/* All bytes that are there, waiting at most timeout_ms for the first. The last of their letters
 * that answers the frame, TILE_NOTHING, or ERR_IO, ERR_INTERRUPTED, ERR_TIMEOUT. */
static int read_letters(struct board *b, unsigned timeout_ms)
{
    uint8_t bytes[64];
    int answer = TILE_NOTHING;
    int n = stream_port_read(b->fd, bytes, sizeof bytes, timeout_ms);
    for (int i = 0; i < n; i++) {
        enum tile_said said = tile_line_push(&b->line, bytes[i]);
        if (said == TILE_DONE || said == TILE_REFUSED)
            answer = (int)said;
        else
            b->n_bad++;
    }
    if (n == 0)
        return ERR_TIMEOUT;
    return n < 0 ? n : answer;
}

/* A connection on which the next letter can only be the next frame's. */
static int clean_line(struct board *b, struct status *err)
{
    while (b->fd >= 0 && !b->line.strayed) {
        int r = read_letters(b, 0);
        if (r == ERR_TIMEOUT)
            return OK;
        if (r < 0)
            hang_up(b);
    }
    hang_up(b);
    return connect_server(b, err);
}

static int refused(struct board *b, struct status *err)
{
    hang_up(b);
    return status_set(err, ERR_STATE,
                      "board %s: the tile server refused the frame; check columns, rows, bits and "
                      "tile",
                      b->cfg.name);
}

/* One frame, one letter. Returns 1 for 'a', 0 for silence, or an error. */
static int send_frame(struct board *b, const uint8_t *pattern, struct status *err)
{
    int64_t end_us = clock_us() + (int64_t)b->cfg.ack_timeout_ms * 1000;
    int r = clean_line(b, err);
    if (r != OK)
        return r;
    b->n_frames++;
    tile_line_sent(&b->line);
    size_t n = tile_frame(b->cfg.shape, b->cfg.tile, pattern, b->frame);
    r = stream_port_write(b->fd, b->frame, n, b->cfg.ack_timeout_ms);
    while (r == OK) {
        int64_t left_ms = (end_us - clock_us() + 999) / 1000;
        r = left_ms > 0 ? read_letters(b, (unsigned)left_ms) : ERR_TIMEOUT;
        if (r == TILE_DONE)
            return 1;
        if (r == TILE_REFUSED)
            return refused(b, err);
    }
    if (r == ERR_TIMEOUT)
        return 0;
    hang_up(b);
    if (r == ERR_INTERRUPTED)
        return status_set(err, r, "board %s: request given up; mirador-ris is stopping",
                          b->cfg.name);
    return status_set(err, ERR_IO, "board %s: the tile server hung up; check that it runs",
                      b->cfg.name);
}

static void tell_silence(struct board *b)
{
    char text[160];
    snprintf(text, sizeof text,
             "board %s: no answer for %u ms, asking again; check the tile server", b->cfg.name,
             b->cfg.ack_timeout_ms);
    if (b->cfg.tell != NULL)
        b->cfg.tell(b->cfg.tell_context, text);
}

static int silent(struct board *b, unsigned tries, struct status *err)
{
    b->n_timeouts++;
    if (b->cfg.gave_up != NULL && tries > b->cfg.retries)
        *b->cfg.gave_up = true;
    return status_set(err, ERR_TIMEOUT,
                      "board %s: no answer in %u tries of %u ms; check the tile server",
                      b->cfg.name, tries, b->cfg.ack_timeout_ms);
}

static int show(struct board *b, const uint8_t *pattern, struct board_ack *ack, struct status *err)
{
    unsigned tries = 0;
    do {
        int r = send_frame(b, pattern, err);
        if (r < 0)
            return r;
        if (r == 1) {
            text_slots_shown(&b->slots, pattern, ack);
            return OK;
        }
        if (tries == 0)
            tell_silence(b);
        b->n_retries++;
        hang_up(b); /* the server may wait for the rest of a frame */
    } while (tries++ < b->cfg.retries && !clock_passed(b->cfg.no_retry_after_us));
    return silent(b, tries, err);
}

static void tile_close(struct board **board)
{
    struct board *b = *board;
    if (b == NULL)
        return;
    hang_up(b);
    text_slots_free(&b->slots);
    free(b);
    *board = NULL;
}

static struct board *tile_open(const struct board_cfg *cfg, struct status *err)
{
    struct board *b = calloc(1, sizeof *b);
    if (b == NULL) {
        status_set(err, ERR_NO_MEMORY, "board %s: no memory; close other programs", cfg->name);
        return NULL;
    }
    b->cfg = *cfg;
    b->fd = -1;
    if (text_slots_init(&b->slots, &b->cfg, err) != OK || connect_server(b, err) != OK)
        tile_close(&b);
    return b;
}

static int tile_load(struct board *b, uint16_t slot, const uint8_t *pattern, struct board_ack *ack,
                     struct status *err)
{
    return text_slots_load(&b->slots, slot, pattern, ack, err);
}

static int tile_arm(struct board *b, const struct ris_arm *arm, struct board_ack *ack,
                    struct status *err)
{
    return text_slots_arm(&b->slots, arm, show, b, ack, err);
}

static int tile_apply(struct board *b, uint16_t slot, enum ris_when when, struct board_ack *ack,
                      struct status *err)
{
    const uint8_t *pattern = text_slots_get(&b->slots, slot, when, err);
    return pattern != NULL ? show(b, pattern, ack, err) : err->code;
}

static int tile_trigger(struct board *b, enum ris_trigger source, struct board_ack *ack,
                        struct status *err)
{
    return text_slots_trigger(&b->slots, source, ack, err);
}

static int tile_readback(struct board *b, uint16_t slot, struct board_readback *out,
                         struct status *err)
{
    return text_slots_readback(&b->slots, slot, out, err);
}

/* The server has no question to ask, so the pattern it shows is sent to it again: that proves that
 * it answers, and mends a tile whose supply failed for a moment. */
static int tile_status(struct board *b, struct board_status *out, struct status *err)
{
    struct board_ack ack;
    char byte;
    memset(out, 0, sizeof *out);
    if (b->fd >= 0 && recv(b->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        hang_up(b);
        return status_set(err, ERR_IO, "board %s: the tile server hung up; check that it runs",
                          b->cfg.name);
    }
    int r = b->slots.lit ? show(b, b->slots.shown, &ack, err) : connect_server(b, err);
    if (r != OK)
        return r;
    text_slots_state(&b->slots, &out->state);
    out->state.packets = b->n_frames;
    out->link_retries = b->n_retries;
    out->link_timeouts = b->n_timeouts;
    out->link_bad = b->n_bad;
    return OK;
}

const struct board_driver board_tile = {
    .name = "tile",
    .open = tile_open,
    .close = tile_close,
    .load = tile_load,
    .arm = tile_arm,
    .apply = tile_apply,
    .trigger = tile_trigger,
    .readback = tile_readback,
    .status = tile_status,
};
