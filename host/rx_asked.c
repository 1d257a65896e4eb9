/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/rx_asked.h"

static size_t oldest(const struct rx_asked *a)
{
    return a->n > RX_ASKED ? a->n - RX_ASKED : 0;
}

void rx_asked_add(struct rx_asked *a, int64_t tick, size_t n)
{
    a->command[a->n++ % RX_ASKED] = (struct rx_command){.tick = tick, .n = n};
}

struct rx_command *rx_asked_of(struct rx_asked *a, int64_t tick, int64_t after)
{
    for (size_t i = oldest(a); i < a->n; i++) {
        struct rx_command *c = &a->command[i % RX_ASKED];
        if (c->tick > after && tick >= c->tick && tick < c->tick + (int64_t)c->n)
            return c;
    }
    return NULL;
}

struct rx_command *rx_asked_behind(struct rx_asked *a, int64_t after)
{
    for (size_t i = oldest(a); i < a->n; i++)
        if (a->command[i % RX_ASKED].tick > after)
            return &a->command[i % RX_ASKED];
    return NULL;
}

bool rx_asked_begins(const struct rx_asked *a, int64_t tick)
{
    for (size_t i = oldest(a); i < a->n; i++)
        if (a->command[i % RX_ASKED].tick == tick)
            return true;
    return false;
}

bool rx_asked_used_up(const struct rx_asked *a, int64_t tick)
{
    for (size_t i = oldest(a); i < a->n; i++)
        if (a->command[i % RX_ASKED].tick == tick && a->command[i % RX_ASKED].n == 0)
            return true;
    return false;
}
