/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/view/feed.h"
#include "base/log.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 2048, KEY_BYTES = 64, TOPIC_BYTES = 32 };

/* Topics of which more than the last message is kept. */
static const struct history {
    const char *topic;
    unsigned depth;
    unsigned every; /* keeps one of so many */
} histories[] = {{"fix", 300, 1}, {"truth", 300, 10}, {"log", 50, 1}, {"cycle", 32, 1}};
enum { HISTORIES = sizeof histories / sizeof histories[0] };

struct place { /* of one message, in a list from the oldest to the latest */
    char key[KEY_BYTES];
    struct place *older, *later;
    uint64_t turn; /* counts all messages */
    int64_t heard_ms;
    size_t n_topic, n_header, n_arrays, n;
    uint8_t *bytes;
};

struct feed {
    struct place place[PLACES];
    size_t n_place;
    struct place *unused; /* of the first n_place, by later */
    struct place *oldest, *latest;
    uint64_t turn;
    uint64_t counted[HISTORIES];
    struct feed_totals totals;
};

struct feed *feed_create(struct status *err)
{
    struct feed *f = calloc(1, sizeof *f);
    if (!f)
        status_set(err, ERR_NO_MEMORY, "the page's feed: out of memory");
    return f;
}

void feed_destroy(struct feed **feed)
{
    if (!*feed)
        return;
    for (size_t i = 0; i < (*feed)->n_place; i++)
        free((*feed)->place[i].bytes);
    free(*feed);
    *feed = NULL;
}

struct feed_totals feed_totals(const struct feed *feed)
{
    return feed->totals;
}

/* What tells messages of one topic apart: the board or the user that they speak of. */
static int sub_key(const struct socket_frame *header, char *out, size_t size)
{
    json_t *o = json_loadb(header->bytes, header->n, 0, NULL);
    const char *board = json_string_value(json_object_get(o, "board"));
    const json_t *user = json_object_get(o, "user");
    bool ok = json_is_object(o);
    if (board)
        snprintf(out, size, "%.24s", board);
    else
        snprintf(out, size, "%lld", (long long)json_integer_value(user));
    json_decref(o);
    return ok ? OK : ERR_FORMAT;
}

/* The place's name: "fix#17" in a history, "calib/ris1" without. */
static int make_key(struct feed *f, const struct socket_message *m, char key[KEY_BYTES])
{
    const struct socket_frame *topic = &m->frames[0];
    char sub[KEY_BYTES / 2];
    if (m->n < 2 || m->n > 3 || topic->n == 0 || topic->n >= TOPIC_BYTES ||
        memchr(topic->bytes, '\0', topic->n) || sub_key(&m->frames[1], sub, sizeof sub))
        return ERR_FORMAT;
    for (size_t i = 0; i < HISTORIES; i++)
        if (socket_frame_is(topic, histories[i].topic)) {
            uint64_t turn = f->counted[i]++ / histories[i].every;
            snprintf(key, KEY_BYTES, "%s#%u", histories[i].topic,
                     (unsigned)(turn % histories[i].depth));
            return OK;
        }
    snprintf(key, KEY_BYTES, "%.*s/%s", (int)topic->n, (const char *)topic->bytes, sub);
    return OK;
}

static struct place *find_place(struct feed *f, const char *key)
{
    for (struct place *p = f->oldest; p; p = p->later) /* the one to replace is an old one */
        if (strcmp(p->key, key) == 0)
            return p;
    return NULL;
}

static void unlink_place(struct feed *f, struct place *p)
{
    *(p->older ? &p->older->later : &f->oldest) = p->later;
    *(p->later ? &p->later->older : &f->latest) = p->older;
}

static void append_place(struct feed *f, struct place *p)
{
    p->older = f->latest;
    p->later = NULL;
    *(f->latest ? &f->latest->later : &f->oldest) = p;
    f->latest = p;
}

/* What was not replaced for longest goes: a board or a user that is no more. */
static void drop_oldest(struct feed *f)
{
    struct place *p = f->oldest;
    unlink_place(f, p);
    free(p->bytes);
    f->totals.bytes -= p->n;
    f->totals.messages--;
    *p = (struct place){.later = f->unused};
    f->unused = p;
}

static struct place *new_place(struct feed *f, const char *key)
{
    if (!f->unused && f->n_place == PLACES)
        drop_oldest(f);
    struct place *p = f->unused ? f->unused : &f->place[f->n_place++];
    if (p == f->unused)
        f->unused = p->later;
    snprintf(p->key, sizeof p->key, "%s", key);
    f->totals.messages++;
    return p;
}

static struct place *open_place(struct feed *f, const char *key)
{
    struct place *p = find_place(f, key);
    if (p)
        unlink_place(f, p);
    else
        p = new_place(f, key);
    append_place(f, p);
    return p;
}

static int fill(struct feed *f, struct place *p, const struct socket_message *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->frames[i].n;
    uint8_t *bytes = realloc(p->bytes, n);
    if (!bytes)
        return ERR_NO_MEMORY;
    f->totals.bytes += n - p->n;
    p->bytes = bytes;
    p->n = 0;
    for (size_t i = 0; i < m->n; i++) {
        memcpy(bytes + p->n, m->frames[i].bytes, m->frames[i].n);
        p->n += m->frames[i].n;
    }
    p->n_topic = m->frames[0].n;
    p->n_header = m->frames[1].n;
    p->n_arrays = m->n > 2 ? m->frames[2].n : 0;
    return OK;
}

static int keep(struct feed *f, const struct socket_message *m, int64_t now_ms)
{
    char key[KEY_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->frames[i].n;
    if (n > FEED_MESSAGE_MAX)
        return ERR_NO_SPACE;
    int rc = make_key(f, m, key);
    if (rc)
        return rc;
    while (f->totals.bytes + n > FEED_BYTES)
        drop_oldest(f);
    struct place *p = open_place(f, key);
    p->turn = ++f->turn;
    p->heard_ms = now_ms;
    return fill(f, p, m);
}

int feed_put(struct feed *feed, const struct socket_message *message, int64_t now_ms)
{
    int rc = keep(feed, message, now_ms);
    feed->totals.heard += rc == OK;
    feed->totals.refused += rc != OK;
    if (rc == OK)
        feed->totals.last_ms = now_ms;
    return rc;
}

static void put_u32(uint8_t *out, size_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static size_t write_record(const struct place *p, int64_t now_ms, uint8_t *out)
{
    put_u32(out, p->n_topic);
    put_u32(out + 4, p->n_header);
    put_u32(out + 8, p->n_arrays);
    put_u32(out + 12, (size_t)(now_ms - p->heard_ms));
    memcpy(out + FEED_RECORD_HEAD, p->bytes, p->n);
    return FEED_RECORD_HEAD + p->n;
}

size_t feed_collect(const struct feed *feed, uint64_t *seen, int64_t now_ms, uint8_t *out,
                    size_t size)
{
    size_t used = 0;
    const struct place *p = feed->latest;
    if (!p || p->turn <= *seen)
        return 0;
    while (p->older && p->older->turn > *seen)
        p = p->older;
    for (; p && used + FEED_RECORD_HEAD + p->n <= size; p = p->later) {
        used += write_record(p, now_ms, out + used);
        *seen = p->turn;
    }
    return used;
}
