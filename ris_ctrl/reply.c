/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/reply.h"
#include "ris_ctrl/clock.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Takes over root. */
static void finish(struct reply *reply, json_t *root)
{
    reply->n = root != NULL ? json_dumpb(root, reply->text, sizeof reply->text, JSON_COMPACT) : 0;
    json_decref(root);
    if (reply->n == 0 || reply->n > sizeof reply->text) {
        static const char failure[] =
            "{\"ok\":false,\"error\":\"out of memory\",\"cure\":\"restart mirador-ris\"}";
        reply->n = sizeof failure - 1;
        memcpy(reply->text, failure, reply->n);
    }
}

static json_t *head(struct reply *reply, uint64_t seq, bool ok, const char *board)
{
    json_t *root = json_pack("{sIsb}", "seq", (json_int_t)seq, "ok", ok);
    reply->n_pattern = 0;
    if (board[0] != '\0')
        json_object_set_new(root, "board", json_string(board));
    return root;
}

/* JSON numbers end at 2^53 in many readers, so hashes are text. */
static json_t *hash_text(uint64_t hash)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    return json_string(text);
}

/* "what; cure" in two keys. */
static void set_words(json_t *root, const char *what, const struct status *err)
{
    const char *cut = strstr(err->text, "; ");
    size_t n = cut != NULL ? (size_t)(cut - err->text) : strlen(err->text);
    json_object_set_new(root, what, json_stringn(err->text, n));
    json_object_set_new(root, "cure", json_string(cut != NULL ? cut + 2 : "see the log"));
}

void reply_error(struct reply *reply, uint64_t seq, const char *board, const struct status *err,
                 bool silent)
{
    json_t *root = head(reply, seq, false, board);
    json_object_set_new(root, "code", json_string(status_name(err->code)));
    set_words(root, "error", err);
    if (silent)
        json_object_set_new(root, "silent", json_true());
    finish(reply, root);
}

void reply_ack(struct reply *reply, const struct command *c, const struct board_ack *ack,
               int64_t elapsed_us)
{
    json_t *root = head(reply, c->seq, true, c->board);
    json_object_set_new(root, "hash", hash_text(ack->hash));
    json_object_set_new(root, "time_ns", json_integer(ack->time_ns));
    json_object_set_new(root, "board_us", json_integer((json_int_t)ack->board_us));
    json_object_set_new(root, "elapsed_us", json_integer(elapsed_us));
    finish(reply, root);
}

static void set_shape(json_t *root, struct ris_shape s)
{
    json_object_set_new(root, "columns", json_integer(s.columns));
    json_object_set_new(root, "rows", json_integer(s.rows));
    json_object_set_new(root, "bits", json_integer(s.bits));
}

static const char *source_name(const struct board_readback *r)
{
    if (r->unread)
        return "sent";
    return r->source == RIS_FROM_CHAIN ? "chain" : "ram";
}

void reply_readback(struct reply *reply, const struct command *c, const struct board_readback *r,
                    int64_t elapsed_us)
{
    json_t *root = head(reply, c->seq, true, c->board);
    if (c->slot != RIS_SLOT_ACTIVE)
        json_object_set_new(root, "slot", json_integer(c->slot));
    set_shape(root, r->shape);
    json_object_set_new(root, "hash", hash_text(r->hash));
    json_object_set_new(root, "source", json_string(source_name(r)));
    json_object_set_new(root, "elapsed_us", json_integer(elapsed_us));
    finish(reply, root);
    reply->n_pattern = ris_pattern_bytes(r->shape);
    memcpy(reply->pattern, r->pattern, reply->n_pattern);
}

static void set_entry(json_t *root, const struct board_entry *e)
{
    json_object_set_new(root, "driver", json_string(e->driver));
    json_object_set_new(root, "present", json_boolean(e->absent.code == OK));
    if (e->absent.code != OK)
        set_words(root, "absent", &e->absent);
    set_shape(root, e->shape);
    json_object_set_new(root, "slots", json_integer(e->n_slots));
    json_object_set_new(root, "plays_sequences", json_boolean(e->plays_sequences));
    json_object_set_new(root, "spacing_m", json_real(e->spacing_m));
    if (e->dead != NULL) {
        json_t *list = json_array();
        for (int i = 0; i < e->shape.columns; i++)
            if (e->dead[i])
                json_array_append_new(list, json_integer(i));
        json_object_set_new(root, "dead_columns", list);
    }
    if (e->states != NULL) {
        json_t *list = json_array();
        for (int i = 0; i < 2 << e->shape.bits; i++)
            json_array_append_new(list, json_real(e->states[i]));
        json_object_set_new(root, "states", list);
    }
}

static void set_state(json_t *root, const struct board_status *s)
{
    static const char *const modes[] = {"dark", "idle", "armed", "running"};
    const struct ris_state *b = &s->state;
    const struct {
        const char *key;
        uint32_t value;
    } numbers[] = {
        {"uptime_ms", b->uptime_ms},
        {"boot_id", b->boot_id},
        {"edges_left", b->edges_left},
        {"slots_loaded", b->slots_loaded},
        {"supply_mv", b->supply_mv},
        {"tag", b->tag},
        {"packets", b->packets},
        {"bad_packets", b->bad_packets},
        {"nacks", b->nacks},
        {"edges", b->edges},
        {"stray_edges", b->stray_edges},
        {"sequences", b->sequences},
        {"link_retries", s->link_retries},
        {"link_timeouts", s->link_timeouts},
        {"link_bad", s->link_bad},
        {"last_nack", b->last_nack},
    };
    json_object_set_new(root, "mode", json_string(modes[b->mode]));
    json_object_set_new(root, "trigger", json_string(command_trigger_name(b->trigger)));
    json_object_set_new(root, "hash", hash_text(b->shown));
    if (s->pending != 0)
        json_object_set_new(root, "pending", hash_text(s->pending));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        json_object_set_new(root, numbers[i].key, json_integer(numbers[i].value));
    if (s->serial[0] != '\0')
        json_object_set_new(root, "serial", json_string(s->serial));
    json_object_set_new(root, "last_refusal", json_string(ris_nack_name(b->last_nack)));
}

void reply_status(struct reply *reply, const struct command *c, const struct board_entry *entry,
                  const struct board_status *s, int64_t elapsed_us)
{
    json_t *root = head(reply, c->seq, true, c->board);
    set_entry(root, entry);
    if (s != NULL)
        set_state(root, s);
    json_object_set_new(root, "elapsed_us", json_integer(elapsed_us));
    finish(reply, root);
}

void reply_boards(struct reply *reply, uint64_t seq, const struct board_entry *entries, size_t n,
                  const char *publish)
{
    json_t *root = head(reply, seq, true, "");
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_pack("{ss}", "board", entries[i].name);
        set_entry(item, &entries[i]);
        json_array_append_new(list, item);
    }
    json_object_set_new(root, "boards", list);
    json_object_set_new(root, "publish", json_string(publish));
    finish(reply, root);
}

void reply_profiles(struct reply *reply, const struct command *c,
                    const struct library_entry *entries, size_t n)
{
    json_t *root = head(reply, c->seq, true, c->board);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_pack("{ss}", "name", entries[i].name);
        json_object_set_new(item, "hash", hash_text(entries[i].hash));
        json_array_append_new(list, item);
    }
    json_object_set_new(root, "profiles", list);
    finish(reply, root);
}

void reply_stored(struct reply *reply, const struct command *c, uint64_t hash)
{
    json_t *root = head(reply, c->seq, true, c->board);
    json_object_set_new(root, "name", json_string(c->name));
    json_object_set_new(root, "hash", hash_text(hash));
    finish(reply, root);
}

void reply_event(struct reply *reply, const char *board, const char *event, uint64_t hash,
                 const char *text)
{
    struct tm utc;
    char stamp[32];
    int64_t now_ns = clock_unix_ns();
    time_t seconds = (time_t)(now_ns / 1000000000);
    gmtime_r(&seconds, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *root = json_pack("{sissssssss}", "v", 1, "board", board, "event", event, "text", text,
                             "time", stamp);
    reply->n_pattern = 0;
    json_object_set_new(root, "time_ns", json_integer(now_ns));
    json_object_set_new(root, "hash", hash_text(hash));
    finish(reply, root);
}
