/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Identify: the whole board blinks, by way of its last slot, and then shows again what it showed.
 */
#include "base/log.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/worker_internal.h"

#define BLINK_US 250000

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
    worker_settle(w, status.state.shown);
    w->blinks = 0;
    w->blink_next_us = clock_us() + BLINK_US;
    w->blink_end_us = clock_us() + (int64_t)seconds * 1000000;
    r = blink(w, ack, err);
    if (r == ERR_STATE)
        worker_blink_end(w);
    else if (r != OK)
        w->blink_end_us = 0;
    return r;
}

/* A board that refuses still is there; one that keeps silent is not. */
static void failed(struct worker *w, const struct status *err)
{
    if (err->code == ERR_IO || err->code == ERR_TIMEOUT) {
        worker_lost(w, err);
    } else if (err->code != ERR_INTERRUPTED) {
        log_warn("%s", err->text);
        worker_news(w, "refused", 0, err->text);
    }
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
        r = worker_show_again(w, &err);
    if (r != OK)
        failed(w, &err);
}

void worker_blink_step(struct worker *w)
{
    struct board_ack ack;
    struct status err = {.code = OK};
    if (w->blink_end_us == 0 || w->board == NULL || clock_us() < w->blink_next_us)
        return;
    w->blink_next_us += BLINK_US;
    if (clock_us() < w->blink_end_us) {
        if (blink(w, &ack, &err) == OK)
            return;
        failed(w, &err);
    }
    worker_blink_end(w);
}
