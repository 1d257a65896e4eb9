/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a worker does with one command. */
#include "base/log.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/worker_internal.h"
#include <stdio.h>
#include <string.h>

static int wrong_size(const struct worker *w, struct status *err)
{
    const struct ris_shape *s = &w->cfg.board.shape;
    return status_set(err, ERR_ARG,
                      "board %s: has %u x %u elements of %u bits; send a profile of that size",
                      w->cfg.board.name, s->columns, s->rows, s->bits);
}

/* The pattern to be loaded: sent along, or stored under a name. */
static int find_pattern(struct worker *w, const struct command *c, uint8_t *pattern,
                        struct status *err)
{
    const struct ris_shape s = w->cfg.board.shape;
    if (c->name[0] != '\0') {
        int r = library_load(&w->library, c->name, pattern, err);
        if (r != OK)
            return r;
    } else if (!ris_shape_equal(c->shape, s)) {
        return wrong_size(w, err);
    } else {
        memcpy(pattern, c->pattern, ris_pattern_bytes(s));
    }
    worker_mask(w, pattern, pattern);
    return OK;
}

static int do_load(struct worker *w, const struct command *c, struct board_ack *ack,
                   struct status *err)
{
    uint8_t pattern[RIS_PATTERN_MAX];
    int r = find_pattern(w, c, pattern, err);
    if (r == OK)
        r = w->cfg.driver->load(w->board, c->slot, pattern, ack, err);
    if (r != OK)
        return r;
    uint64_t hash = ris_profile_hash(w->cfg.board.shape, pattern);
    if (ack->hash != hash)
        return worker_wrong(w, hash, ack->hash, err);
    if (c->slot < store_size(w->store))
        store_put(w->store, c->slot, pattern);
    return OK;
}

/* 0 = not known. */
static uint64_t slot_hash(const struct worker *w, uint16_t slot)
{
    const uint8_t *pattern = store_get(w->store, slot);
    return pattern != NULL ? ris_profile_hash(w->cfg.board.shape, pattern) : 0;
}

void worker_shows(struct worker *w, uint16_t slot)
{
    store_set_shown(w->store, slot);
    w->expect = slot_hash(w, slot);
    w->pending = -1;
}

void worker_settle(struct worker *w, uint64_t shown)
{
    if (w->pending < 0 || shown != w->pending_hash)
        return;
    worker_shows(w, (uint16_t)w->pending);
    worker_keep(w);
}

/* Acknowledged behind its time: for the client it did not happen. */
static int check_late(struct worker *w, const struct command *c, const struct board_ack *ack,
                      struct status *err)
{
    if (c->by_ns == 0 || ack->time_ns <= c->by_ns)
        return OK;
    status_set(err, ERR_TIMEOUT,
               "board %s: %s was acknowledged %.1f ms after its time%s; check the load of this "
               "machine and the link",
               c->board, command_name(c->kind), 1e-6 * (double)(ack->time_ns - c->by_ns),
               w->sent ? " and is taken back" : "");
    worker_news(w, "late", ack->hash, err->text);
    return err->code;
}

static int do_apply(struct worker *w, const struct command *c, struct board_ack *ack,
                    struct status *err)
{
    w->sent = true;
    int r = w->cfg.driver->apply(w->board, c->slot, c->when, ack, err);
    if (r == OK)
        r = check_late(w, c, ack, err);
    if (r != OK)
        return r;
    uint64_t want = slot_hash(w, c->slot);
    bool wrong = want != 0 && ack->hash != want;
    if (c->when == RIS_NOW) {
        worker_shows(w, c->slot);
        worker_keep(w);
    } else if (!wrong) {
        w->pending = c->slot;
        w->pending_hash = ack->hash;
    }
    w->take_back = wrong && c->when == RIS_AT_EDGE;
    return wrong ? worker_wrong(w, want, ack->hash, err) : OK;
}

/* What a board that holds the profiles it was sent acknowledges, 0 = not known. */
static uint64_t sequence_hash(const struct worker *w, const struct ris_arm *arm)
{
    uint64_t hash[RIS_STEPS_MAX + 1];
    for (size_t k = 0; k <= arm->n_steps; k++) {
        const uint8_t *pattern = store_get(w->store, k < arm->n_steps ? arm->steps[k] : arm->idle);
        if (pattern == NULL)
            return 0;
        hash[k] = ris_profile_hash(w->cfg.board.shape, pattern);
    }
    return ris_arm_hash(hash, arm->n_steps + 1u);
}

static int do_arm(struct worker *w, const struct command *c, struct board_ack *ack,
                  struct status *err)
{
    int r = worker_verify_idle(w, err);
    if (r == OK && c->by_ns != 0 && clock_unix_ns() >= c->by_ns)
        r = status_set(err, ERR_TIMEOUT,
                       "board %s: its read-back took all the time of the sequence, so nothing was "
                       "armed; check the link",
                       c->board);
    if (r != OK)
        return r;
    w->sent = true;
    r = w->cfg.driver->arm(w->board, &c->arm, ack, err);
    if (r == OK)
        r = check_late(w, c, ack, err);
    if (r != OK)
        return r;
    worker_shows(w, c->arm.idle);
    uint64_t want = sequence_hash(w, &c->arm);
    w->take_back = want != 0 && ack->hash != want;
    return w->take_back ? worker_wrong(w, want, ack->hash, err) : OK;
}

static int do_disarm(struct worker *w, struct board_ack *ack, struct status *err)
{
    int r = w->cfg.driver->arm(w->board, NULL, ack, err);
    if (r != OK)
        return r;
    worker_settle(w, ack->hash);
    w->pending = -1;
    if (ack->hash != w->expect)
        w->expect = 0;
    return OK;
}

static int do_change(struct worker *w, const struct command *c, struct board_ack *ack,
                     struct status *err)
{
    const struct board_driver *d = w->cfg.driver;
    int r;
    worker_blink_end(w);
    if (w->board == NULL) {
        *err = w->absent;
        return ERR_IO;
    }
    switch (c->kind) {
    case COMMAND_LOAD:
        return do_load(w, c, ack, err);
    case COMMAND_ARM:
        return do_arm(w, c, ack, err);
    case COMMAND_APPLY:
        return do_apply(w, c, ack, err);
    case COMMAND_DISARM:
        return do_disarm(w, ack, err);
    case COMMAND_IDENTIFY:
        return worker_blink_start(w, c->seconds, ack, err);
    default:
        r = d->trigger(w->board, c->source, ack, err);
        if (r == OK)
            w->trigger = (int)c->source;
        return r;
    }
}

/* A command that cannot take hold by its time is not begun. How long it will take is judged by the
 * slowest of its kind lately, and by how long the board took to tell its status. */
static int check_time(struct worker *w, const struct command *c, struct status *err)
{
    int64_t longest_us = w->worst_us[c->kind];
    if (longest_us < w->worst_us[COMMAND_STATUS])
        longest_us = w->worst_us[COMMAND_STATUS];
    w->no_retry_after_us = 0;
    if (c->by_ns == 0)
        return OK;
    int64_t left_us = (c->by_ns - clock_unix_ns()) / 1000;
    if (left_us < longest_us) {
        w->worst_us[c->kind] /= 2; /* so that it is tried again soon */
        w->worst_us[COMMAND_STATUS] /= 2;
        return status_set(err, ERR_TIMEOUT,
                          "board %s: %s takes up to %.1f ms and has %.1f ms left, so nothing was "
                          "done; send it earlier",
                          c->board, command_name(c->kind), 1e-3 * (double)longest_us,
                          1e-3 * (double)left_us);
    }
    w->no_retry_after_us = clock_us() + left_us;
    return OK;
}

static void learn_time(int64_t *worst_us, int64_t took_us)
{
    *worst_us = took_us > *worst_us ? took_us : *worst_us - *worst_us / 64;
}

static int timed_change(struct worker *w, const struct command *c, struct board_ack *ack,
                        struct status *err)
{
    int r = check_time(w, c, err);
    if (r != OK)
        return r;
    int64_t began_us = clock_us();
    r = do_change(w, c, ack, err);
    learn_time(&w->worst_us[c->kind], clock_us() - began_us);
    w->no_retry_after_us = 0;
    if (r == OK && !w->sent)
        r = check_late(w, c, ack, err);
    w->take_back = w->take_back || (w->sent && r == ERR_TIMEOUT);
    return r;
}

static void set_result(struct worker *w, const char *event, uint64_t hash, const char *text)
{
    w->result = event;
    w->result_hash = hash;
    snprintf(w->result_text, sizeof w->result_text, "%s", text);
}

int worker_execute(struct worker *w, const struct job *job, struct reply *reply, struct status *err)
{
    const struct command *c = &job->command;
    struct board_ack ack = {0};
    struct board_readback readback;
    struct board_status status;
    struct board_entry entry;
    int r;
    switch (c->kind) {
    case COMMAND_READBACK:
        r = w->cfg.driver->readback(w->board, c->slot, &readback, err);
        if (r == OK)
            reply_readback(reply, c, &readback, clock_us() - job->received_us);
        return r;
    case COMMAND_STATUS:
        entry = worker_entry(w);
        r = w->cfg.driver->status(w->board, &status, err);
        if (r == OK && status.state.mode == RIS_IDLE)
            worker_settle(w, status.state.shown);
        status.pending = w->pending >= 0 ? w->pending_hash : 0;
        if (r == OK)
            reply_status(reply, c, &entry, &status, clock_us() - job->received_us);
        return r;
    default:
        r = timed_change(w, c, &ack, err);
        if (r == OK) {
            reply_ack(reply, c, &ack, clock_us() - job->received_us);
            set_result(w, command_name(c->kind), ack.hash, "");
        } else if (r == ERR_STATE || r == ERR_TIMEOUT) {
            set_result(w, "refused", 0, err->text);
        }
        return r;
    }
}

int worker_library(struct worker *w, const struct command *c, struct reply *reply,
                   struct status *err)
{
    struct library_entry entries[LIBRARY_PROFILES];
    const struct ris_shape s = w->cfg.board.shape;
    int r;
    switch (c->kind) {
    case COMMAND_SAVE:
        if (!ris_shape_equal(c->shape, s))
            return wrong_size(w, err);
        r = library_save(&w->library, c->name, c->pattern, err);
        if (r == OK)
            reply_stored(reply, c, ris_profile_hash(s, c->pattern));
        return r;
    case COMMAND_DELETE:
        r = library_remove(&w->library, c->name, err);
        if (r == OK)
            reply_stored(reply, c, 0);
        return r;
    default:
        r = library_list(&w->library, entries, err);
        if (r >= 0)
            reply_profiles(reply, c, entries, (size_t)r);
        return r < 0 ? r : OK;
    }
}

void worker_keep(struct worker *w)
{
    const uint8_t *pattern = store_shown_pattern(w->store);
    if (w->keeper != NULL && pattern != NULL)
        keeper_put(w->keeper, (uint16_t)store_shown(w->store), pattern);
}

void worker_audit(struct done *d, const struct command *c, int r, const struct status *err,
                  int64_t took_us)
{
    d->audit[0] = '\0';
    if (command_changes(c->kind))
        snprintf(d->audit, sizeof d->audit, "seq=%llu %s board=%s slot=%u name=%s %s %lld us %s",
                 (unsigned long long)c->seq, command_name(c->kind), c->board, c->slot,
                 c->name[0] ? c->name : "-", status_name(r), (long long)took_us,
                 r == OK ? "" : err->text);
}
