/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/worker_internal.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define LOOK_US   350000 /* between looks: a fault and its report fit into a second */
#define AWAY_LOOK 3      /* looks for a board that stays away are up to 2^AWAY_LOOK times as rare */

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
    if (w->silent || w->board == NULL ||
        w->away > 0) /* an absent board is reported with its reason */
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

static void set_absent(struct worker *w, const struct status *why)
{
    pthread_mutex_lock(&w->lock);
    w->absent = *why;
    if (why->code != OK)
        w->absent.code = ERR_IO;
    pthread_mutex_unlock(&w->lock);
}

void worker_absent(struct worker *w, const struct status *why)
{
    if (w->away++ > 0 && strcmp(w->absent.text, why->text) == 0) {
        log_debug("%s", why->text);
        return;
    }
    log_error("%s (absent; it is looked for)", why->text);
    worker_news(w, "absent", 0, why->text);
    set_absent(w, why);
}

void worker_present(struct worker *w)
{
    static const struct status present = {.code = OK};
    set_absent(w, &present);
    w->away = 0;
}

static void let_go(struct worker *w)
{
    w->silent = w->wrong = false;
    w->blink_end_us = 0;
    w->pending = -1;
    w->cfg.driver->close(&w->board);
}

void worker_lost(struct worker *w, const struct status *why)
{
    log_error("%s", why->text);
    worker_news(w, "lost", 0, why->text);
    set_absent(w, why);
    w->away = 1;
    let_go(w);
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
    worker_settle(w, *got);
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

int worker_show_again(struct worker *w, struct status *err)
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

/* Gives a board that was reset or is new what it has to have, and looks whether it has it. A board
 * whose link alone was gone may still hold a sequence, and with it slots that take no profile. */
static int restore(struct worker *w, struct status *err)
{
    struct board_ack ack;
    unsigned n = 0;
    int r = w->cfg.driver->arm(w->board, NULL, &ack, err);
    for (unsigned slot = 0; r == OK && slot < store_size(w->store); slot++) {
        const uint8_t *pattern = store_get(w->store, (uint16_t)slot);
        if (pattern == NULL)
            continue;
        r = w->cfg.driver->load(w->board, (uint16_t)slot, pattern, &ack, err);
        n++;
    }
    if (r == OK && w->trigger >= 0)
        r = w->cfg.driver->trigger(w->board, (enum ris_trigger)w->trigger, &ack, err);
    if (r == OK)
        r = worker_show_again(w, err);
    if (r != OK)
        return r;
    worker_present(w);
    log_warn("board %s: is back, %u profiles restored; sequences must be armed again",
             w->cfg.board.name, n);
    worker_news(w, "back", w->expect, "profiles restored, what it shows was read back");
    return OK;
}

static void try_reopen(struct worker *w)
{
    struct status err = {.code = OK};
    w->board = w->cfg.driver->open(&w->cfg.board, &err);
    if (w->board != NULL && restore(w, &err) == OK)
        return;
    if (err.code != ERR_INTERRUPTED)
        worker_absent(w, &err);
    if (w->board != NULL)
        let_go(w);
}

/* While no sequence runs the elements must show what was acknowledged last; if they do not, it is
 * sent again. */
static int check_elements(struct worker *w, struct status *err)
{
    int r = verify(w, err);
    if (r == ERR_STATE)
        r = worker_show_again(w, err);
    if (r == OK)
        err->code = OK;
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
    int r = worker_show_again(w, &again);
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
    if (r == OK && !w->wrong)
        return OK;
    if (r == OK || r == ERR_STATE) { /* or is a sequence armed that was not played? */
        int told = w->cfg.driver->status(w->board, &status, err);
        if (told != OK || status.state.mode != RIS_IDLE)
            return told;
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
        if (status.state.mode == RIS_IDLE && w->blink_end_us == 0 && ++w->looks % 2 == 0)
            look_at_elements(w);
    }
    unsigned rarer = w->away == 0 ? 0 : w->away - 1;
    w->next_look_us = clock_us() + ((int64_t)LOOK_US << (rarer < AWAY_LOOK ? rarer : AWAY_LOOK));
}

void worker_take_back(struct worker *w, const struct command *c)
{
    struct board_ack ack;
    struct status err = {.code = OK};
    w->take_back = false;
    w->no_retry_after_us = 0;
    int r = w->cfg.driver->arm(w->board, NULL, &ack, &err);
    if (r == OK && w->expect != 0 && (c->kind == COMMAND_APPLY || ack.hash != w->expect))
        r = worker_show_again(w, &err);
    if (r == ERR_IO || r == ERR_TIMEOUT) {
        worker_lost(w, &err);
    } else if (r == OK) {
        log_warn("board %s: %s taken back: it was not acknowledged as it had to be",
                 w->cfg.board.name, command_name(c->kind));
        worker_news(w, "undone", w->expect, "taken back");
    } else if (r != ERR_INTERRUPTED) {
        log_error("%s", err.text);
        worker_news(w, "refused", 0, err.text);
    }
}

void worker_recall(struct worker *w)
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
    if (r != OK) {
        log_error("board %s: its last profile is not known: %s", w->cfg.board.name, err.text);
        return;
    }
    store_put(w->store, slot, pattern);
    worker_shows(w, slot);
}

void worker_boot(struct worker *w)
{
    struct status err = {.code = OK};
    if (store_shown(w->store) < 0)
        return;
    int r = worker_show_again(w, &err);
    if (r == ERR_IO || r == ERR_TIMEOUT) {
        worker_lost(w, &err);
        return;
    }
    if (r != OK) {
        log_error("board %s: its last profile is not shown again: %s", w->cfg.board.name, err.text);
        worker_news(w, "refused", 0, err.text);
        return;
    }
    log_info("board %s: shows its last profile %016" PRIx64 " again, read back", w->cfg.board.name,
             w->expect);
    worker_news(w, "apply", w->expect, "the last profile, at start");
}
