/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Driver of the public 16 x 16 one-bit board of the OpenSourceRIS project: lines of text over
 * 115200 8N1. It answers a good pattern with #OK and a bad one not at all, has one input buffer
 * (so never a second command before the answer to the first), and takes at most 160 patterns a
 * second. Rules and examples: docs/ris-protocol.md. */
#include "base/log.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/stream_port.h"
#include "ris_ctrl/text_slots.h"
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SIDE       16
#define BYTES      (SIDE * SIDE / 8)
#define PATTERN_US 6250 /* 160 patterns a second */
#define READY_MS   5000 /* reset to #READY!: it brings its radio module up first */
#define QUIET_MS   30   /* a late answer is over when nothing came for that long */

struct board {
    struct board_cfg cfg;
    struct text_slots slots;
    int fd;
    int64_t next_us; /* earliest time of the next pattern */
    bool was_reset;  /* said #READY! without being asked */
    char serial[24];
    char line[160];
    size_t n_line;
    char input[256];
    size_t n_input, at_input;
    uint32_t n_retries, n_timeouts, n_bad, n_requests;
};

/* ---- lines ---- */

static int link_gone(const struct board *b, struct status *err)
{
    return status_set(err, ERR_IO, "board %s: its link is gone; check that it is plugged",
                      b->cfg.name);
}

static int silent(struct board *b, struct status *err)
{
    b->n_timeouts++;
    return status_set(err, ERR_TIMEOUT,
                      "board %s: no answer in %u tries of %u ms; check its power and cable",
                      b->cfg.name, b->cfg.retries + 1, b->cfg.ack_timeout_ms);
}

/* Takes buffered bytes until a line is whole; true when it is in b->line. */
static bool take_line(struct board *b)
{
    while (b->at_input < b->n_input) {
        char c = b->input[b->at_input++];
        if (c == '\n') {
            b->line[b->n_line] = '\0';
            bool any = b->n_line > 0;
            b->n_line = 0;
            if (any)
                return true;
        } else if (c != '\r' && b->n_line + 1 < sizeof b->line) {
            b->line[b->n_line++] = c;
        }
    }
    return false;
}

/* The next line that starts with #; everything else is banner or debugging output. Returns 1, 0
 * when time is up, ERR_IO, ERR_INTERRUPTED. */
static int read_answer(struct board *b, int64_t end_us)
{
    for (;;) {
        while (take_line(b))
            if (b->line[0] == '#')
                return 1;
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
    b->n_input = b->at_input = b->n_line = 0;
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

/* Sends one line and waits for one answer that wanted() takes. Returns 1, 0 when it kept silent,
 * or an error. */
static int ask_once(struct board *b, const char *line, bool (*wanted)(const char *),
                    struct status *err)
{
    int64_t end_us = clock_us() + (int64_t)b->cfg.ack_timeout_ms * 1000;
    b->n_requests++;
    int r = stream_port_write(b->fd, line, strlen(line), b->cfg.ack_timeout_ms);
    if (r == ERR_IO)
        return link_gone(b, err);
    while (r == OK || r == 1) {
        r = read_answer(b, end_us);
        if (r == 1 && wanted(b->line))
            return 1;
        if (r == 1 && strcmp(b->line, "#READY!") == 0) {
            b->was_reset = true;
            return status_set(err, ERR_IO, "board %s: was reset; its profiles are being restored",
                              b->cfg.name);
        }
        b->n_bad += r == 1;
        if (r == 0)
            break;
    }
    if (r == ERR_IO)
        return link_gone(b, err);
    if (r == ERR_INTERRUPTED)
        return status_set(err, r, "board %s: request given up; mirador-ris is stopping",
                          b->cfg.name);
    return 0;
}

/* The same, again after silence; only for questions, which change nothing. */
static int ask(struct board *b, const char *line, bool (*wanted)(const char *), struct status *err)
{
    for (unsigned attempt = 0; attempt <= b->cfg.retries; attempt++) {
        int r = ask_once(b, line, wanted, err);
        if (r != 0)
            return r;
        if (attempt == 0)
            tell_silence(b);
        b->n_retries++;
        forget_input(b);
        if (clock_passed(b->cfg.no_retry_after_us))
            break;
    }
    return silent(b, err);
}

/* ---- patterns: hex digits, first digit's top bit is element 0 ---- */

static bool is_ok(const char *line)
{
    return strcmp(line, "#OK") == 0;
}

static bool is_pattern(const char *line)
{
    return strncasecmp(line, "#0x", 3) == 0 && strlen(line) == 3 + 2 * BYTES &&
           strspn(line + 3, "0123456789abcdefABCDEF") == 2 * BYTES;
}

static bool is_number(const char *line)
{
    return isdigit((unsigned char)line[1]) || line[1] == '-' || line[1] == '.';
}

static bool is_any_word(const char *line)
{
    return line[1] != '\0' && !is_ok(line) && !is_pattern(line) && strcmp(line, "#READY!") != 0;
}

static uint8_t reversed(uint8_t x)
{
    x = (uint8_t)((x & 0xf0) >> 4 | (x & 0x0f) << 4);
    x = (uint8_t)((x & 0xcc) >> 2 | (x & 0x33) << 2);
    return (uint8_t)((x & 0xaa) >> 1 | (x & 0x55) << 1);
}

static void write_pattern(const uint8_t *pattern, char *line, size_t size)
{
    size_t n = (size_t)snprintf(line, size, "!0x");
    for (size_t i = 0; i < BYTES; i++)
        n += (size_t)snprintf(line + n, size - n, "%02X", reversed(pattern[i]));
    snprintf(line + n, size - n, "\n");
}

static void read_pattern(const char *line, uint8_t *pattern)
{
    for (size_t i = 0; i < BYTES; i++) {
        char two[3] = {line[3 + 2 * i], line[4 + 2 * i], 0};
        pattern[i] = reversed((uint8_t)strtoul(two, NULL, 16));
    }
}

/* Asks what the board shows. 1 or an error. */
static int ask_pattern(struct board *b, uint8_t *pattern, struct status *err)
{
    int r = ask(b, "?Pattern\n", is_pattern, err);
    if (r == 1)
        read_pattern(b->line, pattern);
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
    char line[2 * BYTES + 8];
    uint8_t back[BYTES];
    write_pattern(pattern, line, sizeof line);
    pace(b);
    int r = ask_once(b, line, is_ok, err);
    if (r < 0 || (r == 1 && !b->cfg.verify))
        return r;
    if (r == 0) {
        b->n_retries++;
        tell_silence(b);
        forget_input(b);
    }
    r = ask_pattern(b, back, err);
    return r < 0 ? r : memcmp(back, pattern, BYTES) == 0;
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
            return silent(b, err);
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
        close(b->fd);
    text_slots_free(&b->slots);
    free(b);
    *board = NULL;
}

/* A board that keeps silent may be stuck in half a command: a reset clears it. */
static int wake(struct board *b, struct status *err)
{
    uint8_t pattern[BYTES];
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
        while (r == 1 && strcmp(b->line, "#READY!") != 0);
        if (r != 1)
            return silent(b, err);
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
    if (ask_once(b, "?SerialNo\n", is_any_word, &ignored) == 1)
        snprintf(b->serial, sizeof b->serial, "%.*s", (int)sizeof b->serial - 1, b->line + 1);
    else
        forget_input(b);
}

static struct board *opensource_open(const struct board_cfg *cfg, struct status *err)
{
    struct board *b = NULL;
    if (!ris_shape_equal(cfg->shape, (struct ris_shape){SIDE, SIDE, 1}))
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
    return text_slots_arm(&b->slots, arm, ack, err);
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

/* 0 = not known: no such board runs on so much. */
static uint16_t millivolts(const char *volts)
{
    double mv = 1000 * strtod(volts, NULL) + 0.5;
    return mv >= 0 && mv < 60000 ? (uint16_t)mv : 0;
}

static int opensource_status(struct board *b, struct board_status *out, struct status *err)
{
    uint8_t pattern[BYTES];
    struct status ignored;
    memset(out, 0, sizeof *out);
    int r = ask_pattern(b, pattern, err);
    if (r < 0)
        return r;
    text_slots_state(&b->slots, &out->state);
    if (b->slots.lit && memcmp(pattern, b->slots.shown, BYTES) != 0)
        return status_set(err, ERR_IO,
                          "board %s: shows another pattern than it was sent, it was reset or "
                          "somebody else drives it; its profiles are being restored",
                          b->cfg.name);
    r = ask_once(b, "?Vext\n", is_number, &ignored);
    if (r == 1)
        out->state.supply_mv = millivolts(b->line + 1);
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
