/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ris_client.h"
#include "base/log.h"
#include "base/sockets.h"
#include "frames/ris_report.h"
#include "host/clock.h"
#include "host/flat_json.h"
#include "host/report_text.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define COMMAND_MAX 1024 /* the longest is ARM: 64 steps of 6 bytes, 8 repetitions, 6 numbers */

enum arm_state { ARM_NOT_ASKED, ARM_WAITING, ARM_DONE, ARM_LOST };

struct arm_slot {
    enum arm_state state;
    unsigned unanswered; /* ARMs in a row that the board said nothing to */
    uint64_t seq;
    struct ris_client_ack ack;
};

struct ris_client {
    void *socket;
    char endpoint[256];
    unsigned timeout_ms;
    bool one_clock; /* the controller is on this machine */
    size_t n_board;
    char boards[RIS_CLIENT_BOARDS][RIS_NAME_MAX + 1];
    uint64_t seq; /* of the last command */
    struct arm_slot arms[RIS_CLIENT_BOARDS];
    struct ris_client_counters counters;
    char error[256];
    char text[COMMAND_MAX];
    struct report_text command; /* being written, in text */
    struct socket_message message;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- commands ---- */

static void begin(struct ris_client *c, const char *command, size_t board)
{
    assert(board < c->n_board);
    c->command = (struct report_text){c->text, sizeof c->text, 0};
    report_add(&c->command, "{\"seq\":%" PRIu64 ",\"cmd\":\"%s\",\"board\":\"%s\"", ++c->seq,
               command, c->boards[board]);
}

static void append_list(struct ris_client *c, const char *key, const uint16_t *values, size_t n)
{
    report_add(&c->command, ",\"%s\":[", key);
    for (size_t i = 0; i < n; i++)
        report_add(&c->command, i > 0 ? ",%u" : "%u", values[i]);
    report_add(&c->command, "]");
}

static int send_command(struct ris_client *c, const uint8_t *pattern, size_t n_pattern)
{
    report_add(&c->command, "}");
    const int n = report_length(&c->command);
    assert(n > 0);
    struct socket_frame frames[] = {{c->text, (size_t)n}, {pattern, n_pattern}};
    return socket_send(c->socket, frames, pattern != NULL ? 2 : 1);
}

/* ---- answers ---- */

static struct flat_json answer_json(const struct ris_client *c)
{
    return (struct flat_json){c->message.frames[0].bytes, c->message.frames[0].n};
}

/* Code of the answer held; fills words ("error; cure") when it is a refusal. */
static int answer_code(struct flat_json j, char *words, size_t size)
{
    bool ok = false;
    char name[32] = "";
    char error[160] = "the RIS controller gave no reason";
    char cure[96] = "see its log";
    if (flat_json_bool(j, "ok", &ok) && ok)
        return OK;
    flat_json_string(j, "code", name, sizeof name);
    flat_json_string(j, "error", error, sizeof error);
    flat_json_string(j, "cure", cure, sizeof cure);
    snprintf(words, size, "%s; %s", error, cure);
    for (int code = ERR_ARG; code >= ERR_INTERRUPTED; code--)
        if (strcmp(name, status_name(code)) == 0)
            return code;
    return ERR_STATE;
}

/* Whatever a board says, however late, it is not silent. */
static void note_life(struct ris_client *c, struct flat_json j, int code)
{
    char name[RIS_NAME_MAX + 1] = "";
    flat_json_string(j, "board", name, sizeof name);
    for (size_t i = 0; i < c->n_board && (code == OK || code == ERR_STATE); i++)
        if (strcmp(name, c->boards[i]) == 0)
            c->arms[i].unanswered = 0;
}

/* An answer to an ARM of the present round; anything else came after somebody gave up. */
static void take_arm_answer(struct ris_client *c, struct flat_json j, uint64_t seq)
{
    char words[sizeof c->error];
    int code = answer_code(j, words, sizeof words);
    struct arm_slot *arm = NULL;
    for (size_t i = 0; i < c->n_board; i++)
        if (c->arms[i].state != ARM_NOT_ASKED && c->arms[i].seq == seq)
            arm = &c->arms[i];
    bool in_time = arm != NULL && arm->state == ARM_WAITING;
    note_life(c, j, code);
    if (code != OK) {
        c->counters.nacks++;
        memcpy(c->error, words, sizeof c->error);
    } else if (in_time) {
        c->counters.acks++;
    } else {
        c->counters.late++;
    }
    if (arm == NULL)
        return;
    int64_t time_ns = 0;
    int64_t elapsed_us = 0;
    bool silent = false;
    flat_json_bool(j, "silent", &silent);
    arm->state = ARM_DONE;
    arm->ack = (struct ris_client_ack){.code = code, .silent = silent || arm->unanswered > 1};
    if (code != OK)
        snprintf(arm->ack.text, sizeof arm->ack.text, "%.*s", (int)sizeof arm->ack.text - 1, words);
    flat_json_hex(j, "hash", &arm->ack.hash);
    flat_json_number(j, "time_ns", &time_ns);
    flat_json_number(j, "elapsed_us", &elapsed_us);
    arm->ack.time_ns = time_ns;
    arm->ack.elapsed_us = (uint32_t)elapsed_us;
}

/* Waits for one answer. Returns 1 when it is the one to seq (0 = none is expected), 0 when it was
 * another's, or ERR_TIMEOUT, ERR_IO. */
static int receive(struct ris_client *c, uint64_t seq, int64_t end_ms)
{
    int64_t left = end_ms - now_ms();
    int r = socket_recv(c->socket, &c->message, left > 0 ? (int)left : 0);
    if (r == ERR_INTERRUPTED || r == ERR_FORMAT)
        return 0;
    if (r != OK)
        return r;
    int64_t got = -1;
    struct flat_json j = answer_json(c);
    if (!flat_json_number(j, "seq", &got))
        return 0;
    if (seq != 0 && (uint64_t)got == seq)
        return 1;
    take_arm_answer(c, j, (uint64_t)got);
    return 0;
}

/* Sends what begin and append wrote and waits for its answer, left in c->message. */
static int ask(struct ris_client *c, const uint8_t *pattern, size_t n_pattern, struct status *err)
{
    char words[sizeof err->text];
    int64_t end_ms = now_ms() + c->timeout_ms;
    int r = send_command(c, pattern, n_pattern);
    while (r == 0)
        r = receive(c, c->seq, end_ms);
    if (r < 0)
        return status_set(err, r, "RIS controller at %s does not answer; start mirador-ris",
                          c->endpoint);
    int code = answer_code(answer_json(c), words, sizeof words);
    return code == OK ? OK : status_set(err, code, "%s", words);
}

/* ---- setup functions ---- */

struct ris_client *ris_client_create(const struct ris_client_cfg *cfg, struct status *err)
{
    struct ris_client *c = calloc(1, sizeof *c);
    struct ris_client_board board;
    assert(cfg->n_board >= 1 && cfg->n_board <= RIS_CLIENT_BOARDS && cfg->timeout_ms > 0);
    if (c == NULL) {
        status_set(err, ERR_NO_MEMORY, "no memory for the RIS client; close other programs");
        return NULL;
    }
    snprintf(c->endpoint, sizeof c->endpoint, "%s", cfg->endpoint);
    c->timeout_ms = cfg->timeout_ms;
    c->one_clock = strncmp(cfg->endpoint, "ipc:", 4) == 0;
    c->n_board = cfg->n_board;
    for (size_t i = 0; i < c->n_board; i++)
        snprintf(c->boards[i], sizeof c->boards[i], "%s", cfg->boards[i]);
    c->socket = sockets_connect(cfg->sockets, ZMQ_DEALER, cfg->endpoint, err);
    bool fine = c->socket != NULL;
    for (size_t i = 0; fine && i < c->n_board; i++)
        fine = ris_client_status(c, i, &board, err) == OK;
    if (!fine)
        ris_client_destroy(&c);
    return c;
}

void ris_client_destroy(struct ris_client **client)
{
    struct ris_client *c = *client;
    if (c == NULL)
        return;
    socket_message_clear(&c->message);
    socket_close(&c->socket);
    free(c);
    *client = NULL;
}

unsigned ris_client_set_timeout(struct ris_client *c, unsigned timeout_ms)
{
    unsigned before = c->timeout_ms;
    assert(timeout_ms > 0);
    c->timeout_ms = timeout_ms;
    return before;
}

static unsigned number(struct flat_json j, const char *key)
{
    int64_t value = 0;
    flat_json_number(j, key, &value);
    return (unsigned)value;
}

static struct ris_shape answer_shape(struct flat_json j)
{
    return (struct ris_shape){(uint8_t)number(j, "columns"), (uint8_t)number(j, "rows"),
                              (uint8_t)number(j, "bits")};
}

/* Index of the string field among names, 0 when it is none of them. */
static uint8_t choice(struct flat_json j, const char *key, const char *const *names, size_t n)
{
    char word[16] = "";
    flat_json_string(j, key, word, sizeof word);
    for (size_t i = 0; i < n; i++)
        if (strcmp(word, names[i]) == 0)
            return (uint8_t)i;
    return 0;
}

int ris_client_status(struct ris_client *c, size_t board, struct ris_client_board *out,
                      struct status *err)
{
    static const char *const modes[] = {"dark", "idle", "armed", "running"};
    static const char *const triggers[] = {"none", "rising", "falling"};
    begin(c, "status", board);
    int r = ask(c, NULL, 0, err);
    if (r != OK)
        return r;
    struct flat_json j = answer_json(c);
    *out = (struct ris_client_board){.shape = answer_shape(j)};
    flat_json_bool(j, "present", &out->present);
    flat_json_bool(j, "plays_sequences", &out->plays_sequences);
    flat_json_string(j, "serial", out->serial, sizeof out->serial);
    out->n_slots = (uint16_t)number(j, "slots");
    out->state = (struct ris_state){
        .boot_id = number(j, "boot_id"),
        .uptime_ms = number(j, "uptime_ms"),
        .mode = choice(j, "mode", modes, 4),
        .trigger = choice(j, "trigger", triggers, 3),
        .edges_left = (uint8_t)number(j, "edges_left"),
        .last_nack = (uint8_t)number(j, "last_nack"),
        .slots_loaded = (uint16_t)number(j, "slots_loaded"),
        .supply_mv = (uint16_t)number(j, "supply_mv"),
        .tag = number(j, "tag"),
        .packets = number(j, "packets"),
        .bad_packets = number(j, "bad_packets"),
        .nacks = number(j, "nacks"),
        .edges = number(j, "edges"),
        .stray_edges = number(j, "stray_edges"),
        .sequences = number(j, "sequences"),
    };
    flat_json_hex(j, "hash", &out->state.shown);
    out->n_states = flat_json_numbers(j, "states", out->states, 16);
    return OK;
}

int ris_client_load(struct ris_client *c, size_t board, uint16_t slot, struct ris_shape shape,
                    const uint8_t *pattern, uint64_t *hash, struct status *err)
{
    begin(c, "load", board);
    report_add(&c->command, ",\"slot\":%u,\"columns\":%u,\"rows\":%u,\"bits\":%u", slot,
               shape.columns, shape.rows, shape.bits);
    int r = ask(c, pattern, ris_pattern_bytes(shape), err);
    if (r == OK && hash != NULL)
        flat_json_hex(answer_json(c), "hash", hash);
    return r;
}

int ris_client_apply(struct ris_client *c, size_t board, uint16_t slot, enum ris_when when,
                     struct status *err)
{
    begin(c, "apply", board);
    report_add(&c->command, ",\"slot\":%u,\"when\":\"%s\"", slot,
               when == RIS_NOW ? "now" : "trigger");
    return ask(c, NULL, 0, err);
}

int ris_client_disarm(struct ris_client *c, size_t board, struct status *err)
{
    begin(c, "disarm", board);
    return ask(c, NULL, 0, err);
}

int ris_client_trigger(struct ris_client *c, size_t board, enum ris_trigger source,
                       struct status *err)
{
    static const char *const names[] = {"none", "rising", "falling"};
    begin(c, "trigger", board);
    report_add(&c->command, ",\"source\":\"%s\"", names[source]);
    return ask(c, NULL, 0, err);
}

int ris_client_readback(struct ris_client *c, size_t board, uint16_t slot, struct ris_shape *shape,
                        uint8_t *pattern, uint64_t *hash, struct status *err)
{
    begin(c, "readback", board);
    if (slot != RIS_SLOT_ACTIVE)
        report_add(&c->command, ",\"slot\":%u", slot);
    int r = ask(c, NULL, 0, err);
    if (r != OK)
        return r;
    *shape = answer_shape(answer_json(c));
    size_t n = ris_pattern_bytes(*shape);
    if (n == 0 || c->message.n < 2 || c->message.frames[1].n != n)
        return status_set(err, ERR_FORMAT,
                          "board %s: read-back came without its pattern; use the "
                          "mirador-ris of this release",
                          c->boards[board]);
    memcpy(pattern, c->message.frames[1].bytes, n);
    if (hash != NULL)
        flat_json_hex(answer_json(c), "hash", hash);
    return OK;
}

/* ---- every cycle ---- */

/* Over another machine's link the time left counts from the command's arrival there. */
static int64_t within_us(int64_t by_ns)
{
    const int64_t left_us = (by_ns - clock_unix_ns()) / 1000;
    return left_us > 1 ? left_us : 1;
}

static int arm_send(struct ris_client *c, size_t board, const struct ris_arm *arm, int64_t by_ns)
{
    struct arm_slot *slot = &c->arms[board];
    begin(c, "arm", board);
    append_list(c, "steps", arm->steps, arm->n_steps);
    append_list(c, "reps", arm->reps, arm->n_edges);
    report_add(&c->command, ",\"period_ns\":%u,\"delay_ns\":%u,\"idle\":%u,\"cycle\":%u",
               arm->period_ns, arm->delay_ns, arm->idle, arm->tag);
    if (by_ns != 0 && c->one_clock)
        report_add(&c->command, ",\"by_ns\":%" PRId64, by_ns);
    else if (by_ns != 0)
        report_add(&c->command, ",\"within_us\":%" PRId64, within_us(by_ns));
    slot->seq = c->seq;
    slot->state = ARM_WAITING;
    slot->unanswered++;
    c->counters.arms++;
    return send_command(c, NULL, 0);
}

int ris_client_arm_begin(struct ris_client *c, const struct ris_arm *const *arms, int64_t by_ns)
{
    int result = OK;
    for (size_t i = 0; i < c->n_board; i++) {
        assert(arms[i] == NULL ||
               (arms[i]->n_steps <= RIS_STEPS_MAX && arms[i]->n_edges <= RIS_EDGES_MAX));
        c->counters.lost += c->arms[i].state == ARM_WAITING;
        c->arms[i] = (struct arm_slot){.unanswered = c->arms[i].unanswered};
        if (arms[i] != NULL && arm_send(c, i, arms[i], by_ns) != OK)
            result = ERR_IO;
    }
    return result;
}

static bool arm_pending(const struct ris_client *c)
{
    for (size_t i = 0; i < c->n_board; i++)
        if (c->arms[i].state == ARM_WAITING || c->arms[i].state == ARM_LOST)
            return true;
    return false;
}

static struct ris_client_ack no_answer(const struct ris_client *c, size_t board)
{
    struct ris_client_ack ack = {.code = ERR_TIMEOUT, .silent = c->arms[board].unanswered > 1};
    snprintf(ack.text, sizeof ack.text, "board %s: %s; see the log of mirador-ris",
             c->boards[board], ack.silent ? "silent" : "no acknowledgement in time");
    return ack;
}

static int arm_result(const struct ris_client *c, struct ris_client_ack *acks)
{
    int result = OK;
    for (size_t i = 0; i < c->n_board; i++) {
        const struct arm_slot *arm = &c->arms[i];
        struct ris_client_ack ack = {.code = OK};
        if (arm->state == ARM_DONE)
            ack = arm->ack;
        else if (arm->state != ARM_NOT_ASKED)
            ack = no_answer(c, i);
        if (ack.code != OK && result != ERR_STATE)
            result = ack.code == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_STATE;
        if (acks != NULL)
            acks[i] = ack;
    }
    return result;
}

int ris_client_arm_wait(struct ris_client *c, unsigned timeout_ms, struct ris_client_ack *acks)
{
    int64_t end_ms = now_ms() + timeout_ms;
    int r = 0;
    while (arm_pending(c) && r == 0)
        r = receive(c, 0, end_ms);
    for (size_t i = 0; i < c->n_board && timeout_ms > 0; i++)
        if (c->arms[i].state == ARM_WAITING) {
            c->arms[i].state = ARM_LOST;
            c->counters.lost++;
        }
    return r == ERR_IO ? ERR_IO : arm_result(c, acks);
}

const char *ris_client_error(const struct ris_client *c)
{
    return c->error;
}

struct ris_client_counters ris_client_counters(const struct ris_client *c)
{
    return c->counters;
}
