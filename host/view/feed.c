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
    bool where; /* it says where a user is or was, this one: */
    json_int_t user;
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

static json_int_t user_of(const json_t *header)
{
    return json_integer_value(json_object_get(header, "user"));
}

/* What tells messages of one topic apart: the board or the user that they speak of. */
static void sub_key(const json_t *header, char *out, size_t size)
{
    const char *board = json_string_value(json_object_get(header, "board"));
    if (board)
        snprintf(out, size, "%.24s", board);
    else
        snprintf(out, size, "%lld", (long long)user_of(header));
}

/* The place's name: "fix#17" in a history, "calib/ris1" without. */
static void make_key(struct feed *f, const struct socket_frame *topic, const json_t *header,
                     char key[KEY_BYTES])
{
    char sub[KEY_BYTES / 2];
    for (size_t i = 0; i < HISTORIES; i++)
        if (socket_frame_is(topic, histories[i].topic)) {
            uint64_t turn = f->counted[i]++ / histories[i].every;
            snprintf(key, KEY_BYTES, "%s#%u", histories[i].topic,
                     (unsigned)(turn % histories[i].depth));
            return;
        }
    sub_key(header, sub, sizeof sub);
    snprintf(key, KEY_BYTES, "%.*s/%s", (int)topic->n, (const char *)topic->bytes, sub);
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

static void drop(struct feed *f, struct place *p)
{
    unlink_place(f, p);
    free(p->bytes);
    f->totals.bytes -= p->n;
    f->totals.messages--;
    *p = (struct place){.later = f->unused};
    f->unused = p;
}

/* What was not replaced for longest goes: a board or a user that is no more. */
static void drop_oldest(struct feed *f)
{
    drop(f, f->oldest);
}

/* Whether this message says that the user's way is not to be told any more: its cycle does, and
 * health, also of who has left. */
static bool forbids(const struct socket_frame *topic, const json_t *header, json_int_t user)
{
    size_t i;
    json_t *u;
    const json_t *users = json_object_get(header, "users");
    if (socket_frame_is(topic, "cycle"))
        return json_is_true(json_object_get(header, "forgotten")) && user_of(header) == user;
    if (!socket_frame_is(topic, "health") || !json_is_array(users))
        return false;
    json_array_foreach(users, i, u)
    {
        if (json_integer_value(json_object_get(u, "id")) == user)
            return json_is_true(json_object_get(u, "forgotten"));
    }
    return true;
}

static void forget(struct feed *f, const struct socket_frame *topic, const json_t *header)
{
    struct place *later;
    for (struct place *p = f->oldest; p; p = later) {
        later = p->later;
        if (p->where && forbids(topic, header, p->user))
            drop(f, p);
    }
}

static bool is_permitted(const json_t *header)
{
    const char *response = json_string_value(json_object_get(header, "response"));
    return response && strcmp(response, "permitted") == 0;
}

/* A cycle with permission tells SNR, carrier offset and beam, one without a position the paths too.
 */
static bool says_where(const struct socket_frame *topic, const json_t *header)
{
    return socket_frame_is(topic, "fix") || socket_frame_is(topic, "paths") ||
           socket_frame_is(topic, "link") ||
           (socket_frame_is(topic, "cycle") && is_permitted(header));
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

static size_t bytes_of(const struct socket_message *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->frames[i].n;
    return n;
}

static int fill(struct feed *f, struct place *p, const struct socket_message *m)
{
    const size_t n = bytes_of(m);
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

static int keep(struct feed *f, const struct socket_message *m, const json_t *header,
                int64_t now_ms)
{
    const struct socket_frame *topic = &m->frames[0];
    char key[KEY_BYTES];
    make_key(f, topic, header, key);
    forget(f, topic, header);
    while (f->totals.bytes + bytes_of(m) > FEED_BYTES)
        drop_oldest(f);
    struct place *p = open_place(f, key);
    p->turn = ++f->turn;
    p->heard_ms = now_ms;
    p->user = user_of(header);
    p->where = says_where(topic, header);
    return fill(f, p, m);
}

static bool is_telemetry(const struct socket_message *m)
{
    const struct socket_frame *topic = &m->frames[0];
    return m->n >= 2 && m->n <= 3 && topic->n > 0 && topic->n < TOPIC_BYTES &&
           !memchr(topic->bytes, '\0', topic->n);
}

static int take(struct feed *f, const struct socket_message *m, int64_t now_ms)
{
    if (bytes_of(m) > FEED_MESSAGE_MAX)
        return ERR_NO_SPACE;
    json_t *header =
        is_telemetry(m) ? json_loadb(m->frames[1].bytes, m->frames[1].n, 0, NULL) : NULL;
    int rc = json_is_object(header) ? keep(f, m, header, now_ms) : ERR_FORMAT;
    json_decref(header);
    return rc;
}

int feed_put(struct feed *feed, const struct socket_message *message, int64_t now_ms)
{
    int rc = take(feed, message, now_ms);
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
