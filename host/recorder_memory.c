/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"
#include "host/recorder_priv.h"
#include <stdlib.h>
#include <string.h>

void slot_push(struct slot_list *list, struct slot *slot)
{
    slot->next = NULL;
    if (list->tail)
        list->tail->next = slot;
    else
        list->head = slot;
    list->tail = slot;
    list->n++;
}

struct slot *slot_pop(struct slot_list *list)
{
    struct slot *slot = list->head;
    if (!slot)
        return NULL;
    list->head = slot->next;
    if (!list->head)
        list->tail = NULL;
    list->n--;
    return slot;
}

void recorder_recycle(struct recorder *r, struct slot *slot)
{
    for (size_t i = 0; i < RECORDING_WINDOWS; i++)
        if (slot->block[i])
            r->spare[i][r->n_spare[i]++] = slot->block[i];
    if (slot->state)
        r->state[r->n_state_free++] = slot->state;
    memset(slot->block, 0, sizeof slot->block);
    slot->state = NULL;
    slot_push(&r->free, slot);
    pthread_cond_signal(&r->room);
}

static int make_blocks(struct recorder *r, size_t kind, struct status *err)
{
    const size_t n_samp = (size_t)r->cfg.schedule->window[recording_schedule_window[kind]].n,
                 n_rx = r->cfg.bs->radio.n_rx;
    if (n_samp == 0)
        return OK;
    r->pool[kind] = block_pool_create(r->n_slot, n_rx, n_samp, err);
    r->spare[kind] = calloc(r->n_slot, sizeof(struct block *));
    if (!r->pool[kind] || !r->spare[kind])
        return status_set(err, ERR_NO_MEMORY,
                          "recorder: no memory for %zu cycles: lower "
                          "record.queue_cycles or record.pretrigger_s",
                          r->n_slot);
    for (size_t i = 0; i < r->n_slot; i++)
        r->spare[kind][r->n_spare[kind]++] = block_pool_take(r->pool[kind], false);
    r->memory_bytes += r->n_slot * n_rx * n_samp * sizeof(struct sc16);
    return OK;
}

static int make_slots(struct recorder *r, struct status *err)
{
    r->slots = calloc(r->n_slot, sizeof *r->slots);
    r->state_memory = malloc(r->n_state * r->state_size);
    r->state = calloc(r->n_state, sizeof *r->state);
    if (!r->slots || !r->state_memory || !r->state)
        return status_set(err, ERR_NO_MEMORY, "recorder: out of memory");
    memset(r->state_memory, 0, r->n_state * r->state_size); /* page faults now */
    for (size_t i = 0; i < r->n_slot; i++)
        slot_push(&r->free, &r->slots[i]);
    for (size_t i = 0; i < r->n_state; i++)
        r->state[r->n_state_free++] = r->state_memory + i * r->state_size;
    r->memory_bytes += r->n_slot * sizeof *r->slots + r->n_state * r->state_size;
    return OK;
}

void recorder_use_memory(struct recorder *r)
{
    r->have_memory = true;
    r->status.memory_bytes =
        r->memory_bytes + (r->cfg.stream ? sample_stream_bytes(r->cfg.stream) : 0);
}

int recorder_memory(struct recorder *r, struct status *err)
{
    if (r->slots)
        return OK;
    for (size_t i = 0; i < RECORDING_WINDOWS; i++)
        if (make_blocks(r, i, err)) {
            recorder_memory_free(r);
            return err->code;
        }
    if (make_slots(r, err))
        recorder_memory_free(r);
    return err->code;
}

void recorder_memory_free(struct recorder *r)
{
    for (size_t i = 0; i < RECORDING_WINDOWS; i++) {
        block_pool_destroy(&r->pool[i]);
        free(r->spare[i]);
        r->spare[i] = NULL;
        r->n_spare[i] = 0;
    }
    free(r->slots);
    free(r->state_memory);
    free(r->state);
    r->slots = NULL;
    r->state_memory = NULL;
    r->state = NULL;
    r->n_state_free = 0;
    r->free = r->queue = (struct slot_list){0};
    r->memory_bytes = 0;
    r->have_memory = false;
}
