/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Driver of the public 16 x 16 one-bit board of the OpenSourceRIS project: lines of text over
 * 115200 8N1. It answers a good pattern with #OK and a bad one not at all, has one input buffer
 * (so never a second command before the answer to the first), and takes at most 160 patterns a
 * second. Rules and examples: docs/ris-protocol.md. */
#include "base/log.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/opensource_text.h"
#include "ris_ctrl/stream_port.h"
#include "ris_ctrl/text_slots.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATTERN_US 6250 /* 160 patterns a second */
#define READY_MS   5000 /* reset to #READY!: it brings its radio module up first */
#define QUIET_MS   30   /* a late answer is over when nothing came for that long */

struct board {
    struct board_cfg cfg;
    struct text_slots slots;
    int fd;
    int64_t next_us; /* earliest time of the next pattern */
    bool was_reset;  /* said #READY! without being asked */
    char serial[OPENSOURCE_WORD_MAX + 1];
    struct opensource_answer answer;
    uint8_t input[256];
    size_t n_input, at_input;
    uint32_t n_retries, n_timeouts, n_bad, n_requests;
};

/* ---- lines ---- */

static int link_gone(const struct board *b, struct status *err)
{
    return status_set(err, ERR_IO, "board %s: its link is gone; check that it is plugged",
                      b->cfg.name);
}

static int silent(struct board *b, unsigned tries, struct status *err)
{
    b->n_timeouts++;
    if (b->cfg.gave_up != NULL && tries > b->cfg.retries)
        *b->cfg.gave_up = true;
    return status_set(err, ERR_TIMEOUT,
                      "board %s: no answer in %u tries of %u ms; check its power and cable",
                      b->cfg.name, tries, b->cfg.ack_timeout_ms);
}

/* The next answer among the bytes that are here, OPENSOURCE_NONE when it is not whole yet. */
static enum opensource_kind take_answer(struct board *b)
{
    while (b->at_input < b->n_input) {
        enum opensource_kind kind = opensource_answer_push(&b->answer, b->input[b->at_input++]);
        b->n_bad += kind == OPENSOURCE_BAD;
        if (kind != OPENSOURCE_NONE && kind != OPENSOURCE_BAD)
            return kind;
    }
    return OPENSOURCE_NONE;
}

/* The next answer; banners, debugging output and what is damaged is passed over. Returns its enum
 * opensource_kind, 0 when time is up, ERR_IO, ERR_INTERRUPTED. */
static int read_answer(struct board *b, int64_t end_us)
{
    for (;;) {
        enum opensource_kind kind = take_answer(b);
        if (kind != OPENSOURCE_NONE)
            return (int)kind;
        int64_t left_ms = (end_us - clock_us() + 999) / 1000;
        if (left_ms <= 0)
            return 0;
        int n = stream_port_read(b->fd, b->input, sizeof b->input, (unsigned)left_ms);
        if (n <= 0)
            return n;
        b->n_input = (size_t)n;
        b->at_input = 0;
    }
}

static void forget_input(struct board *b)
{
    stream_port_drain(b->fd, QUIET_MS);
    b->n_input = b->at_input = 0;
    b->answer = (struct opensource_answer){.n = 0};
}

static void tell_silence(struct board *b)
{
    char text[160];
    snprintf(text, sizeof text,
             "board %s: no answer for %u ms, asking again; check its power and cable", b->cfg.name,
             b->cfg.ack_timeout_ms);
    if (b->cfg.tell != NULL)
        b->cfg.tell(b->cfg.tell_context, text);
}

/* Sends one line and waits for an answer of that kind. Returns 1, 0 when it kept silent, or an
 * error. */
static int ask_once(struct board *b, const char *line, enum opensource_kind wanted,
                    struct status *err)
{
    int64_t end_us = clock_us() + (int64_t)b->cfg.ack_timeout_ms * 1000;
    b->n_requests++;
    int r = stream_port_write(b->fd, line, strlen(line), b->cfg.ack_timeout_ms);
    if (r == ERR_TIMEOUT)
        return 0;
    if (r == OK)
        r = read_answer(b, end_us);
    for (; r > 0 && r != (int)wanted; r = read_answer(b, end_us)) {
        if (r == OPENSOURCE_READY) {
            b->was_reset = true;
            return status_set(err, ERR_IO, "board %s: was reset; its profiles are being restored",
                              b->cfg.name);
        }
        b->n_bad++;
    }
    if (r == ERR_IO)
        return link_gone(b, err);
    if (r == ERR_INTERRUPTED)
        return status_set(err, r, "board %s: request given up; mirador-ris is stopping",
                          b->cfg.name);
    return r > 0;
}

/* The same, again after silence; only for questions, which change nothing. */
static int ask(struct board *b, const char *line, enum opensource_kind wanted, struct status *err)
{
    unsigned tries = 0;
    do {
        int r = ask_once(b, line, wanted, err);
        if (r != 0)
            return r;
        if (tries == 0)
            tell_silence(b);
        b->n_retries++;
        forget_input(b);
    } while (tries++ < b->cfg.retries && !clock_passed(b->cfg.no_retry_after_us));
    return silent(b, tries, err);
}

/* ---- patterns ---- */

/* Asks what the board shows. 1 or an error. */
static int ask_pattern(struct board *b, uint8_t *pattern, struct status *err)
{
    int r = ask(b, "?Pattern\n", OPENSOURCE_PATTERN, err);
    if (r == 1)
        opensource_answer_pattern(&b->answer, pattern);
    return r;
}

static void pace(struct board *b)
{
    int64_t left_us = b->next_us - clock_us();
    if (left_us > 0)
        usleep((useconds_t)left_us);
    b->next_us = clock_us() + PATTERN_US;
}

/* One try: sent, acknowledged, and read back if asked or if the answer got lost. 1: it shows; 0:
 * it does not. */
static int try_pattern(struct board *b, const uint8_t *pattern, struct status *err)
{
    char line[OPENSOURCE_SHOW_MAX + 1];
    uint8_t back[OPENSOURCE_BYTES];
    opensource_show(pattern, line);
    pace(b);
    int r = ask_once(b, line, OPENSOURCE_OK, err);
    if (r < 0 || (r == 1 && !b->cfg.verify))
        return r;
    if (r == 0) {
        b->n_retries++;
        tell_silence(b);
        forget_input(b);
    }
    r = ask_pattern(b, back, err);
    return r < 0 ? r : memcmp(back, pattern, OPENSOURCE_BYTES) == 0;
}

static int show(struct board *b, const uint8_t *pattern, struct board_ack *ack, struct status *err)
{
    for (unsigned attempt = 0; attempt <= b->cfg.retries; attempt++) {
        int r = try_pattern(b, pattern, err);
        if (r < 0)
            return r;
        if (r == 1) {
            text_slots_shown(&b->slots, pattern, ack);
            return OK;
        }
        if (clock_passed(b->cfg.no_retry_after_us))
            return silent(b, attempt + 1, err);
    }
    return status_set(err, ERR_STATE,
                      "board %s: reads back another pattern than it was sent; check its supply and "
                      "the cable",
                      b->cfg.name);
}

/* ---- the board's table ---- */

static void opensource_close(struct board **board)
{
    struct board *b = *board;
    if (b == NULL)
        return;
    if (b->fd >= 0)
        stream_port_close(b->fd);
    text_slots_free(&b->slots);
    free(b);
    *board = NULL;
}

/* A board that keeps silent may be stuck in half a command: a reset clears it. */
static int wake(struct board *b, struct status *err)
{
    uint8_t pattern[OPENSOURCE_BYTES];
    struct status first = {.code = OK};
    unsigned retries = b->cfg.retries;
    forget_input(b);
    b->cfg.retries = 0;
    int r = ask_pattern(b, pattern, &first);
    b->cfg.retries = retries;
    if (r == ERR_TIMEOUT) {
        if (stream_port_write(b->fd, "\n!Reset\n", 8, b->cfg.ack_timeout_ms) != OK)
            return link_gone(b, err);
        int64_t end_us = clock_us() + (int64_t)READY_MS * 1000;
        do
            r = read_answer(b, end_us);
        while (r > 0 && r != OPENSOURCE_READY);
        if (r <= 0)
            return silent(b, b->cfg.retries + 1, err);
        r = ask_pattern(b, pattern, err);
    } else if (r == ERR_IO && b->was_reset) { /* it came up while we asked */
        b->was_reset = false;
        r = ask_pattern(b, pattern, err);
    } else if (r < 0) {
        *err = first;
    }
    return r == 1 ? OK : r;
}

/* Not every firmware tells its serial number: silence is an answer too. */
static void ask_serial(struct board *b)
{
    struct status ignored;
    if (ask_once(b, "?SerialNo\n", OPENSOURCE_WORD, &ignored) == 1)
        snprintf(b->serial, sizeof b->serial, "%s", opensource_answer_word(&b->answer));
    else
        forget_input(b);
}

static struct board *opensource_open(const struct board_cfg *cfg, struct status *err)
{
    struct board *b = NULL;
    if (!ris_shape_equal(cfg->shape, (struct ris_shape){OPENSOURCE_SIDE, OPENSOURCE_SIDE, 1}))
        status_set(err, ERR_ARG,
                   "board %s: an OpenSourceRIS board has 16 x 16 elements of 1 bit; "
                   "correct columns, rows, bits",
                   cfg->name);
    else if ((b = calloc(1, sizeof *b)) == NULL)
        status_set(err, ERR_NO_MEMORY, "board %s: no memory; close other programs", cfg->name);
    if (b == NULL)
        return NULL;
    b->cfg = *cfg;
    b->fd = stream_port_open(cfg->port, cfg->baud, cfg->ack_timeout_ms, cfg->name, err);
    if (b->fd < 0 || text_slots_init(&b->slots, &b->cfg, err) != OK || wake(b, err) != OK) {
        opensource_close(&b);
        return NULL;
    }
    ask_serial(b);
    return b;
}

static int opensource_load(struct board *b, uint16_t slot, const uint8_t *pattern,
                           struct board_ack *ack, struct status *err)
{
    return text_slots_load(&b->slots, slot, pattern, ack, err);
}

static int opensource_arm(struct board *b, const struct ris_arm *arm, struct board_ack *ack,
                          struct status *err)
{
    return text_slots_arm(&b->slots, arm, show, b, ack, err);
}

static int opensource_apply(struct board *b, uint16_t slot, enum ris_when when,
                            struct board_ack *ack, struct status *err)
{
    const uint8_t *pattern = text_slots_get(&b->slots, slot, when, err);
    return pattern != NULL ? show(b, pattern, ack, err) : err->code;
}

static int opensource_trigger(struct board *b, enum ris_trigger source, struct board_ack *ack,
                              struct status *err)
{
    return text_slots_trigger(&b->slots, source, ack, err);
}

static int opensource_readback(struct board *b, uint16_t slot, struct board_readback *out,
                               struct status *err)
{
    if (slot != RIS_SLOT_ACTIVE)
        return text_slots_readback(&b->slots, slot, out, err);
    *out = (struct board_readback){.shape = b->cfg.shape, .source = RIS_FROM_RAM};
    int r = ask_pattern(b, out->pattern, err);
    if (r < 0)
        return r;
    out->hash = ris_profile_hash(out->shape, out->pattern);
    return OK;
}

static int opensource_status(struct board *b, struct board_status *out, struct status *err)
{
    uint8_t pattern[OPENSOURCE_BYTES];
    struct status ignored;
    memset(out, 0, sizeof *out);
    int r = ask_pattern(b, pattern, err);
    if (r < 0)
        return r;
    text_slots_state(&b->slots, &out->state);
    if (b->slots.lit && memcmp(pattern, b->slots.shown, OPENSOURCE_BYTES) != 0)
        return status_set(err, ERR_IO,
                          "board %s: shows another pattern than it was sent, it was reset or "
                          "somebody else drives it; its profiles are being restored",
                          b->cfg.name);
    r = ask_once(b, "?Vext\n", OPENSOURCE_WORD, &ignored);
    if (r == 1)
        out->state.supply_mv = opensource_millivolts(opensource_answer_word(&b->answer));
    else
        forget_input(b);
    out->state.packets = b->n_requests;
    out->link_retries = b->n_retries;
    out->link_timeouts = b->n_timeouts;
    out->link_bad = b->n_bad;
    memcpy(out->serial, b->serial, sizeof out->serial);
    return OK;
}

const struct board_driver board_opensource = {
    .name = "opensource",
    .open = opensource_open,
    .close = opensource_close,
    .load = opensource_load,
    .arm = opensource_arm,
    .apply = opensource_apply,
    .trigger = opensource_trigger,
    .readback = opensource_readback,
    .status = opensource_status,
};
