/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/worker_internal.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define LOOK_US       350000 /* between looks: a fault and its report fit into a second */
#define BLINK_US      250000
#define MAX_DOUBLINGS 4 /* of the pause between looks at a board that cannot be used */

void worker_news(struct worker *w, const char *event, uint64_t hash, const char *text)
{
    struct done *d = &w->news;
    if (!w->cfg.news)
        return;
    d->event = true;
    snprintf(d->board, sizeof d->board, "%s", w->cfg.board.name);
    reply_event(&d->reply, w->cfg.board.name, event, hash, text);
    if (w->back != NULL && zmq_send(w->back, d, sizeof *d, ZMQ_DONTWAIT) < 0)
        log_warn("board %s: news '%s' lost: %s", w->cfg.board.name, event, zmq_strerror(errno));
}

void worker_silent(void *context, const char *text)
{
    struct worker *w = context;
    if (w->silent)
        return;
    w->silent = true;
    log_warn("%s", text);
    worker_news(w, "silent", 0, text);
}

void worker_answered(struct worker *w)
{
    if (!w->silent)
        return;
    w->silent = false;
    log_info("board %s: answers again", w->cfg.board.name);
    worker_news(w, "answers", 0, "");
}

/* Told once for each reason while it stays away. */
void worker_lost(struct worker *w, const struct status *why)
{
    if (atomic_load(&w->present) || strcmp(w->absent.text, why->text) != 0) {
        log_error("%s", why->text);
        worker_news(w, "lost", 0, why->text);
    }
    w->absent = *why;
    w->absent.code = ERR_IO;
    w->silent = w->wrong = false;
    w->blink_end_us = 0;
    worker_drop_next(w);
    atomic_store(&w->present, false);
    w->cfg.driver->close(&w->board);
}

static void report_wrong(struct worker *w, uint64_t got, const struct status *err)
{
    if (!w->wrong) {
        log_error("%s", err->text);
        worker_news(w, "wrong", got, err->text);
    }
    w->wrong = true;
}

static int wrong_words(const struct worker *w, uint64_t want, uint64_t got, struct status *err)
{
    return status_set(err, ERR_STATE,
                      "board %s: shows profile %016" PRIx64 " where it acknowledged %016" PRIx64
                      "; check its supply and shift chain",
                      w->cfg.board.name, got, want);
}

int worker_wrong(struct worker *w, uint64_t want, uint64_t got, struct status *err)
{
    int r = wrong_words(w, want, got, err);
    report_wrong(w, got, err);
    return r;
}

void worker_mask(const struct worker *w, const uint8_t *pattern, uint8_t *out)
{
    const struct ris_shape s = w->cfg.board.shape;
    memmove(out, pattern, ris_pattern_bytes(s));
    if (w->cfg.board.surface == NULL)
        return;
    for (size_t m = 0; m < (size_t)s.columns * s.rows; m++)
        if (w->cfg.board.surface->dead[m % s.columns])
            ris_pattern_set(s, out, m, 0);
}

/* ---- what it shows is what it should ---- */

/* ERR_STATE: they show something else, or what was read contradicts itself (got 0). */
static int compare(struct worker *w, uint64_t *got, struct status *err)
{
    struct board_readback back = {.hash = 0};
    int r = w->cfg.driver->readback(w->board, RIS_SLOT_ACTIVE, &back, err);
    *got = r == OK ? back.hash : 0;
    if (r != OK || *got == w->expect)
        return r;
    return wrong_words(w, w->expect, *got, err);
}

static int verify(struct worker *w, struct status *err)
{
    uint64_t got;
    int r = w->expect != 0 ? compare(w, &got, err) : OK;
    if (r == ERR_STATE)
        report_wrong(w, got, err);
    return r;
}

/* Shows the static profile, by way of its slot; afterwards the slot has its own profile again. */
static int show_again(struct worker *w, struct status *err)
{
    const struct board_driver *d = w->cfg.driver;
    struct board_ack ack;
    const uint8_t *shown = store_shown_pattern(w->store);
    int slot = store_shown(w->store);
    if (slot < 0 || shown == NULL)
        return OK;
    const uint8_t *own = store_get(w->store, (uint16_t)slot);
    int r = d->load(w->board, (uint16_t)slot, shown, &ack, err);
    if (r == OK)
        r = d->apply(w->board, (uint16_t)slot, RIS_NOW, &ack, err);
    if (r == OK && own != NULL && memcmp(own, shown, ris_pattern_bytes(w->cfg.board.shape)) != 0)
        r = d->load(w->board, (uint16_t)slot, own, &ack, err);
    w->expect = ris_profile_hash(w->cfg.board.shape, shown);
    return r == OK ? verify(w, err) : r;
}

/* Gives a board that was reset what it had, and looks whether it has it. */
static int restore(struct worker *w, struct status *err)
{
    struct board_ack ack;
    unsigned n = 0;
    for (unsigned slot = 0; slot < store_size(w->store); slot++) {
        const uint8_t *pattern = store_get(w->store, (uint16_t)slot);
        if (pattern == NULL)
            continue;
        int r = w->cfg.driver->load(w->board, (uint16_t)slot, pattern, &ack, err);
        if (r != OK)
            return r;
        n++;
    }
    int r = OK;
    if (w->trigger >= 0)
        r = w->cfg.driver->trigger(w->board, (enum ris_trigger)w->trigger, &ack, err);
    if (r == OK)
        r = show_again(w, err);
    if (r != OK)
        return r;
    log_warn("board %s: is back, %u profiles restored; sequences must be armed again",
             w->cfg.board.name, n);
    worker_news(w, "back", w->expect, "profiles restored, what it shows was read back");
    return OK;
}

/* A board that opens and then fails is tried again more and more rarely: each try costs it and the
 * bus a load of all its profiles. */
static int64_t pause_us(const struct worker *w)
{
    unsigned doublings = w->n_failed < MAX_DOUBLINGS ? w->n_failed : MAX_DOUBLINGS;
    return (int64_t)LOOK_US << doublings;
}

static void try_reopen(struct worker *w)
{
    struct status err = {.code = OK};
    w->board = w->cfg.driver->open(&w->cfg.board, &err);
    if (w->board == NULL) {
        log_debug("%s", err.text);
        return;
    }
    if (restore(w, &err) != OK) {
        worker_lost(w, &err);
        w->n_failed++;
        return;
    }
    w->n_failed = 0;
    atomic_store(&w->present, true);
    if (!w->begun)
        worker_begin(w);
}

/* While no sequence runs the elements must show what was acknowledged last; if they do not, it is
 * sent again. */
static int check_elements(struct worker *w, struct status *err)
{
    int r = verify(w, err);
    if (r == ERR_STATE)
        r = show_again(w, err);
    if (r == OK && w->wrong) {
        w->wrong = false;
        log_warn("board %s: shows its profile again", w->cfg.board.name);
        worker_news(w, "corrected", w->expect, "sent again and read back");
    }
    return r;
}

static void look_at_elements(struct worker *w)
{
    struct status err = {.code = OK};
    int r = check_elements(w, &err);
    if (r == ERR_IO || r == ERR_TIMEOUT)
        worker_lost(w, &err);
}

/* What was read may be the fault of this moment, or of the cycle before: neither is trusted with a
 * sequence. */
static int mend(struct worker *w, uint64_t got, struct status *err)
{
    struct status again = {.code = OK};
    report_wrong(w, got, err);
    int r = show_again(w, &again);
    if (r == ERR_IO || r == ERR_TIMEOUT)
        *err = again;
    return err->code;
}

int worker_verify_idle(struct worker *w, struct status *err)
{
    struct board_status status;
    struct status wrong = {.code = OK};
    uint64_t got;
    if (w->expect == 0 || w->blink_end_us != 0)
        return OK;
    int r = compare(w, &got, &wrong);
    if (r == OK && !w->wrong) {
        worker_settle(w);
        return OK;
    }
    if (r == OK || r == ERR_STATE) { /* or is a sequence armed that was not played? */
        int told = w->cfg.driver->status(w->board, &status, err);
        if (told != OK || status.state.mode != RIS_IDLE)
            return told;
        worker_settle(w);
    }
    if (r == OK)
        return check_elements(w, err);
    *err = wrong;
    return r == ERR_STATE ? mend(w, got, err) : r;
}

void worker_look(struct worker *w)
{
    struct board_status status;
    struct status err = {.code = OK};
    w->no_retry_after_us = 0;
    if (w->board == NULL) {
        try_reopen(w);
    } else if (w->cfg.driver->status(w->board, &status, &err) != OK) {
        if (err.code != ERR_INTERRUPTED)
            worker_lost(w, &err);
    } else {
        worker_answered(w);
        if (status.state.mode == RIS_IDLE)
            worker_settle(w);
        if (status.state.mode == RIS_IDLE && w->blink_end_us == 0 && ++w->looks % 2 == 0)
            look_at_elements(w);
    }
    worker_keep(w);
    w->next_look_us = clock_us() + pause_us(w);
}

static void boot(struct worker *w)
{
    uint8_t pattern[RIS_PATTERN_MAX];
    struct status err = {.code = OK};
    uint16_t slot;
    int r = library_load_shown(&w->library, &slot, pattern, &err);
    if (r == ERR_NOT_FOUND)
        return;
    if (r == OK && slot >= store_size(w->store))
        r = status_set(&err, ERR_ARG, "board %s: the stored profile is for slot %u; raise slots",
                       w->cfg.board.name, slot);
    if (r == OK) {
        store_put(w->store, slot, pattern);
        store_set_shown(w->store, slot);
        r = show_again(w, &err);
    }
    if (r != OK) {
        log_error("board %s: its last profile is not shown again: %s", w->cfg.board.name, err.text);
        return;
    }
    log_info("board %s: shows its last profile %016" PRIx64 " again, read back", w->cfg.board.name,
             w->expect);
    worker_news(w, "apply", w->expect, "the last profile, at start");
}

/* How long this board takes, before there was a command to learn it from. */
static void learn_pace(struct worker *w)
{
    struct board_status status;
    struct status ignored;
    int64_t began_us = clock_us();
    if (w->cfg.driver->status(w->board, &status, &ignored) == OK)
        w->worst_us[COMMAND_STATUS] = clock_us() - began_us;
}

void worker_begin(struct worker *w)
{
    w->begun = true;
    learn_pace(w);
    if (w->cfg.restore)
        boot(w);
}

/* ---- identify ---- */

static int blink(struct worker *w, struct board_ack *ack, struct status *err)
{
    uint8_t pattern[RIS_PATTERN_MAX] = {0};
    struct ris_shape s = w->cfg.board.shape;
    uint16_t slot = (uint16_t)(store_size(w->store) - 1);
    for (size_t m = 0; w->blinks % 2 == 0 && m < (size_t)s.columns * s.rows; m++)
        ris_pattern_set(s, pattern, m, (1u << s.bits) - 1);
    w->blinks++;
    int r = w->cfg.driver->load(w->board, slot, pattern, ack, err);
    return r == OK ? w->cfg.driver->apply(w->board, slot, RIS_NOW, ack, err) : r;
}

int worker_blink_start(struct worker *w, unsigned seconds, struct board_ack *ack,
                       struct status *err)
{
    struct board_status status;
    int r = w->cfg.driver->status(w->board, &status, err);
    if (r != OK)
        return r;
    if (status.state.mode == RIS_ARMED || status.state.mode == RIS_RUNNING)
        return status_set(err, ERR_STATE, "board %s: a sequence is armed; disarm it first",
                          w->cfg.board.name);
    w->blinks = 0;
    r = blink(w, ack, err);
    if (r != OK)
        return r;
    w->blink_next_us = clock_us() + BLINK_US;
    w->blink_end_us = clock_us() + (int64_t)seconds * 1000000;
    return OK;
}

void worker_blink_end(struct worker *w)
{
    static const uint8_t dark[RIS_PATTERN_MAX];
    struct board_ack ack;
    struct status err = {.code = OK};
    uint16_t slot = (uint16_t)(store_size(w->store) - 1);
    if (w->blink_end_us == 0 || w->board == NULL)
        return;
    w->blink_end_us = 0;
    const uint8_t *own = store_get(w->store, slot);
    int r = w->cfg.driver->load(w->board, slot, own != NULL ? own : dark, &ack, &err);
    if (r == OK && store_shown(w->store) < 0) /* it was dark, and cannot be as dark again */
        r = w->cfg.driver->apply(w->board, slot, RIS_NOW, &ack, &err);
    else if (r == OK)
        r = show_again(w, &err);
    if (r == ERR_IO || r == ERR_TIMEOUT)
        worker_lost(w, &err);
    else if (r != OK)
        log_error("%s", err.text);
}

/* A board that is gone is lost; one that refuses only blinks no more. */
static void blink_failed(struct worker *w, const struct status *err)
{
    if (err->code == ERR_IO || err->code == ERR_TIMEOUT) {
        worker_lost(w, err);
        return;
    }
    log_warn("%s; it blinks no more", err->text);
    worker_blink_end(w);
}

void worker_blink_step(struct worker *w)
{
    struct board_ack ack;
    struct status err = {.code = OK};
    if (w->blink_end_us == 0 || w->board == NULL || clock_us() < w->blink_next_us)
        return;
    w->blink_next_us += BLINK_US;
    if (clock_us() >= w->blink_end_us)
        worker_blink_end(w);
    else if (blink(w, &ack, &err) != OK)
        blink_failed(w, &err);
}
