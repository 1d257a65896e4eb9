/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/link_reassembly.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct partial {
    uint64_t have; /* bit u: the u-th LINK_UNIT bytes are here */
    uint16_t n;    /* bytes of the packet; 0: its end has not come yet */
    uint8_t bytes[LINK_PACKET_MAX];
};

struct link_reassembly {
    struct partial *partials;
    size_t n_partial;
    uint16_t next; /* packet to be delivered */
};

struct link_reassembly *link_reassembly_create(size_t n_packet)
{
    assert(n_packet > 0 && n_packet <= 4096 && (n_packet & (n_packet - 1)) == 0);
    struct link_reassembly *r = calloc(1, sizeof *r);
    struct partial *partials = malloc(n_packet * sizeof *partials);
    if (!r || !partials) {
        free(r);
        free(partials);
        return NULL;
    }
    memset(partials, 0, n_packet * sizeof *partials); /* touched now, not on the sample path */
    r->partials = partials;
    r->n_partial = n_packet;
    return r;
}

void link_reassembly_destroy(struct link_reassembly **reassembly)
{
    if (!*reassembly)
        return;
    free((*reassembly)->partials);
    free(*reassembly);
    *reassembly = NULL;
}

static struct partial *partial_at(struct link_reassembly *r, uint16_t packet)
{
    return &r->partials[packet & (r->n_partial - 1)];
}

void link_reassembly_restart(struct link_reassembly *r, uint16_t next)
{
    for (size_t i = 0; i < r->n_partial; i++)
        r->partials[i].have = r->partials[i].n = 0;
    r->next = next;
}

int link_reassembly_add(struct link_reassembly *r, const struct link_piece *piece)
{
    if ((uint16_t)(piece->packet - r->next) >= r->n_partial)
        return OK; /* delivered or given up before: an acknowledgement was lost */
    struct partial *p = partial_at(r, piece->packet);
    const size_t begin = (size_t)piece->first * LINK_UNIT, end = begin + piece->n;
    const uint64_t set = link_unit_set(piece->first, link_unit_count(piece->n));
    const size_t n = piece->last ? end : p->n;
    if ((p->n && n != p->n) || (n && ((p->have | set) & ~link_unit_set(0, link_unit_count(n)))))
        return ERR_FORMAT;
    memcpy(p->bytes + begin, piece->bytes, piece->n);
    p->have |= set;
    p->n = (uint16_t)n;
    return OK;
}

static bool complete(const struct partial *p)
{
    return p->n > 0 && p->have == link_unit_set(0, link_unit_count(p->n));
}

static void deliver_next(struct link_reassembly *r, struct packet_ring *ring,
                         struct link_reassembly_news *news)
{
    struct partial *p = partial_at(r, r->next);
    if (!complete(p)) {
        news->missed++;
    } else if (packet_ring_put(ring, p->bytes, p->n, NAN)) {
        news->packets++;
        news->bytes += p->n;
    } else {
        news->refused++;
    }
    p->have = p->n = 0;
    r->next++;
}

struct link_reassembly_news link_reassembly_deliver(struct link_reassembly *r, uint16_t base,
                                                    struct packet_ring *ring)
{
    struct link_reassembly_news news = {0};
    while ((int16_t)(uint16_t)(base - r->next) > 0)
        deliver_next(r, ring, &news);
    while (complete(partial_at(r, r->next)))
        deliver_next(r, ring, &news);
    return news;
}
