/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who takes part: the process behind each radio, and what is taken from one that has died. */
#include "sim/air_clock.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "sim/air_layout.h"
#include "sim/air_log.h"
#include "sim/process.h"

static void drop_radio(struct air_seg *s, unsigned radio)
{
    for (int i = 0; i < AIR_N_WAITER; i++)
        if (s->waiters[i].pid && s->waiters[i].radio == (int)radio)
            s->waiters[i].pid = 0;
    for (int i = 0; i < AIR_N_READER; i++)
        if (s->readers[i].pid && s->readers[i].radio == (int)radio)
            s->readers[i].pid = 0;
    for (unsigned p = 0; p < AIR_MAX_PORTS; p++)
        s->ports[radio][p].hold_k = AIR_NEVER;
}

void air_reap_locked(struct air *air, int64_t wall)
{
    struct air_seg *s = air->seg;
    if (wall - s->reaped_wall_ns < AIR_POLL_NS)
        return;
    s->reaped_wall_ns = wall;
    if (!s->owner_gone && !process_alive(s->owner_pid, s->owner_start))
        s->owner_gone = 1;
    for (unsigned r = 0; r < s->cfg.n_radios; r++) {
        struct air_radio_slot *radio = &s->radios[r];
        bool here = radio->state == AIR_RADIO_LIVE || radio->state == AIR_RADIO_LOST;
        if (!here || process_alive(radio->pid, radio->pid_start))
            continue;
        radio->state = AIR_RADIO_DIED;
        drop_radio(s, r);
        air_event_post_locked(air, AIR_EVENT_LEAVE, r, s->now, 0, 0);
    }
    for (int i = 0; i < AIR_N_WAITER; i++)
        if (s->waiters[i].pid && !thread_alive(s->waiters[i].pid, s->waiters[i].tid))
            s->waiters[i].pid = 0;
}

bool air_room_alive(struct air *air)
{
    air_lock(air);
    air_reap_locked(air, wall_ns());
    const bool alive = !air->seg->owner_gone;
    air_unlock(air);
    return alive;
}

int air_join(struct air *air, unsigned radio, struct status *err)
{
    struct air_seg *s = air->seg;
    assert(radio < s->cfg.n_radios);
    uint64_t start = process_start(getpid());
    air_lock(air);
    struct air_radio_slot *slot = &s->radios[radio];
    int code = OK;
    if (slot->state == AIR_RADIO_LIVE && process_alive(slot->pid, slot->pid_start)) {
        code = ERR_BUSY;
        snprintf(err->text, sizeof err->text,
                 "radio '%s' of room '%s' is in use by process %d; stop it or use another role",
                 s->cfg.radios[radio].name, s->cfg.name, slot->pid);
    } else {
        drop_radio(s, radio);
        *slot = (struct air_radio_slot){.state = AIR_RADIO_LIVE,
                                        .pid = getpid(),
                                        .pid_start = start,
                                        .joined_tick = s->now,
                                        .generation = slot->generation + 1};
        air_event_post_locked(air, AIR_EVENT_JOIN, radio, s->now, 0, 0);
    }
    air_unlock(air);
    air_notify(air);
    err->code = code;
    return code;
}

void air_leave(struct air *air, unsigned radio, bool lost)
{
    air_lock(air);
    air->seg->radios[radio].state = lost ? AIR_RADIO_LOST : AIR_RADIO_LEFT;
    drop_radio(air->seg, radio);
    air_event_post_locked(air, AIR_EVENT_LEAVE, radio, air->seg->now, 0, 0);
    air_unlock(air);
    air_notify(air);
}

int air_radio_info(struct air *air, unsigned radio, struct air_radio_status *info)
{
    if (radio >= air->seg->cfg.n_radios)
        return ERR_ARG;
    air_lock(air);
    air_reap_locked(air, wall_ns());
    const struct air_radio_slot *slot = &air->seg->radios[radio];
    *info = (struct air_radio_status){.state = (enum air_radio_state)slot->state,
                                      .pid = slot->pid,
                                      .joined_tick = slot->joined_tick,
                                      .generation = slot->generation};
    air_unlock(air);
    return OK;
}
