/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/ris_packet.h"
#include "frames/byte_cursor.h"
#include "frames/crc32.h"

#define CRC_BYTES  4
#define HEAD_BYTES 3 /* type, sequence number */

uint64_t ris_arm_hash(const uint64_t *hashes, size_t n)
{
    uint64_t hash = RIS_HASH_START;
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[8];
        struct byte_writer w = {.bytes = bytes, .cap = sizeof bytes};
        byte_put(&w, hashes[i], 8);
        hash = ris_hash_update(hash, bytes, sizeof bytes);
    }
    return hash;
}

static void put_shape(struct byte_writer *w, struct ris_shape s)
{
    byte_put(w, s.columns, 1);
    byte_put(w, s.rows, 1);
    byte_put(w, s.bits, 1);
}

static struct ris_shape get_shape(struct byte_reader *r)
{
    struct ris_shape s;
    s.columns = (uint8_t)byte_get(r, 1);
    s.rows = (uint8_t)byte_get(r, 1);
    s.bits = (uint8_t)byte_get(r, 1);
    return s;
}

/* A chunk lies inside its pattern. */
static bool chunk_valid(struct ris_shape s, size_t offset, size_t n)
{
    return ris_shape_valid(s) && n >= 1 && n <= RIS_CHUNK_MAX && offset + n <= ris_pattern_bytes(s);
}

static bool load_put(struct byte_writer *w, const struct ris_load *m)
{
    if (!chunk_valid(m->shape, m->offset, m->n))
        return false;
    byte_put(w, m->slot, 2);
    put_shape(w, m->shape);
    byte_put(w, m->offset, 2);
    byte_put(w, m->hash, 8);
    byte_put_many(w, m->data, m->n);
    return true;
}

static void copy(uint8_t *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
}

/* The rest of the packet is the chunk. */
static bool chunk_get(struct byte_reader *r, struct ris_shape s, size_t offset, uint8_t *n,
                      uint8_t *data)
{
    size_t left = byte_reader_left(r);
    if (r->underflow || !chunk_valid(s, offset, left))
        return false;
    *n = (uint8_t)left;
    copy(data, byte_get_many(r, left), left);
    return true;
}

static bool load_get(struct byte_reader *r, struct ris_load *m)
{
    m->slot = (uint16_t)byte_get(r, 2);
    m->shape = get_shape(r);
    m->offset = (uint16_t)byte_get(r, 2);
    m->hash = byte_get(r, 8);
    return chunk_get(r, m->shape, m->offset, &m->n, m->data);
}

static bool part_put(struct byte_writer *w, const struct ris_profile_part *m)
{
    if (!chunk_valid(m->shape, m->offset, m->n) || m->source > RIS_FROM_CHAIN)
        return false;
    byte_put(w, m->slot, 2);
    byte_put(w, m->source, 1);
    put_shape(w, m->shape);
    byte_put(w, m->offset, 2);
    byte_put(w, m->hash, 8);
    byte_put_many(w, m->data, m->n);
    return true;
}

static bool part_get(struct byte_reader *r, struct ris_profile_part *m)
{
    m->slot = (uint16_t)byte_get(r, 2);
    m->source = (uint8_t)byte_get(r, 1);
    m->shape = get_shape(r);
    m->offset = (uint16_t)byte_get(r, 2);
    m->hash = byte_get(r, 8);
    return m->source <= RIS_FROM_CHAIN && chunk_get(r, m->shape, m->offset, &m->n, m->data);
}

static bool arm_valid(const struct ris_arm *m)
{
    if (m->period_ns == 0 || m->n_edges < 1 || m->n_edges > RIS_EDGES_MAX || m->n_steps < 1 ||
        m->n_steps > RIS_STEPS_MAX)
        return false;
    for (size_t e = 0; e < m->n_edges; e++)
        if (m->reps[e] == 0)
            return false;
    return true;
}

static bool arm_put(struct byte_writer *w, const struct ris_arm *m)
{
    if (!arm_valid(m))
        return false;
    byte_put(w, m->tag, 4);
    byte_put(w, m->delay_ns, 4);
    byte_put(w, m->period_ns, 4);
    byte_put(w, m->idle, 2);
    byte_put(w, m->n_edges, 1);
    byte_put(w, m->n_steps, 1);
    for (size_t e = 0; e < m->n_edges; e++)
        byte_put(w, m->reps[e], 2);
    for (size_t k = 0; k < m->n_steps; k++)
        byte_put(w, m->steps[k], 2);
    return true;
}

static bool arm_get(struct byte_reader *r, struct ris_arm *m)
{
    m->tag = (uint32_t)byte_get(r, 4);
    m->delay_ns = (uint32_t)byte_get(r, 4);
    m->period_ns = (uint32_t)byte_get(r, 4);
    m->idle = (uint16_t)byte_get(r, 2);
    m->n_edges = (uint8_t)byte_get(r, 1);
    m->n_steps = (uint8_t)byte_get(r, 1);
    if (m->n_edges > RIS_EDGES_MAX || m->n_steps > RIS_STEPS_MAX)
        return false;
    for (size_t e = 0; e < m->n_edges; e++)
        m->reps[e] = (uint16_t)byte_get(r, 2);
    for (size_t k = 0; k < m->n_steps; k++)
        m->steps[k] = (uint16_t)byte_get(r, 2);
    return arm_valid(m);
}

static void info_put(struct byte_writer *w, const struct ris_info *m)
{
    byte_put(w, m->protocol, 1);
    put_shape(w, m->shape);
    byte_put(w, m->n_slots, 2);
    byte_put(w, m->firmware, 2);
    byte_put(w, m->boot_id, 4);
}

static bool info_get(struct byte_reader *r, struct ris_info *m)
{
    m->protocol = (uint8_t)byte_get(r, 1);
    m->shape = get_shape(r);
    m->n_slots = (uint16_t)byte_get(r, 2);
    m->firmware = (uint16_t)byte_get(r, 2);
    m->boot_id = (uint32_t)byte_get(r, 4);
    return ris_shape_valid(m->shape);
}

static bool state_valid(const struct ris_state *m)
{
    return m->mode <= RIS_RUNNING && m->trigger <= RIS_TRIGGER_FALLING &&
           m->edges_left <= RIS_EDGES_MAX && m->last_nack <= RIS_NACK_HARDWARE;
}

static bool state_put(struct byte_writer *w, const struct ris_state *m)
{
    if (!state_valid(m))
        return false;
    byte_put(w, m->boot_id, 4);
    byte_put(w, m->uptime_ms, 4);
    byte_put(w, m->mode, 1);
    byte_put(w, m->trigger, 1);
    byte_put(w, m->edges_left, 1);
    byte_put(w, m->last_nack, 1);
    byte_put(w, m->slots_loaded, 2);
    byte_put(w, m->supply_mv, 2);
    byte_put(w, m->tag, 4);
    byte_put(w, m->shown, 8);
    const uint32_t counters[] = {m->packets, m->bad_packets, m->nacks,
                                 m->edges,   m->stray_edges, m->sequences};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        byte_put(w, counters[i], 4);
    return true;
}

static bool state_get(struct byte_reader *r, struct ris_state *m)
{
    m->boot_id = (uint32_t)byte_get(r, 4);
    m->uptime_ms = (uint32_t)byte_get(r, 4);
    m->mode = (uint8_t)byte_get(r, 1);
    m->trigger = (uint8_t)byte_get(r, 1);
    m->edges_left = (uint8_t)byte_get(r, 1);
    m->last_nack = (uint8_t)byte_get(r, 1);
    m->slots_loaded = (uint16_t)byte_get(r, 2);
    m->supply_mv = (uint16_t)byte_get(r, 2);
    m->tag = (uint32_t)byte_get(r, 4);
    m->shown = byte_get(r, 8);
    uint32_t *const counters[] = {&m->packets, &m->bad_packets, &m->nacks,
                                  &m->edges,   &m->stray_edges, &m->sequences};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        *counters[i] = (uint32_t)byte_get(r, 4);
    return state_valid(m);
}

static bool body_put(struct byte_writer *w, const struct ris_msg *msg)
{
    switch (msg->type) {
    case RIS_HELLO:
    case RIS_STATUS:
    case RIS_DISARM:
        return true;
    case RIS_LOAD:
        return load_put(w, &msg->load);
    case RIS_ARM:
        return arm_put(w, &msg->arm);
    case RIS_APPLY:
        byte_put(w, msg->ask.slot, 2);
        byte_put(w, msg->ask.value, 1);
        return msg->ask.value <= RIS_AT_EDGE;
    case RIS_TRIGGER:
        byte_put(w, msg->ask.value, 1);
        return msg->ask.value <= RIS_TRIGGER_FALLING;
    case RIS_READBACK:
        byte_put(w, msg->ask.slot, 2);
        byte_put(w, msg->ask.offset, 2);
        return true;
    case RIS_ACK:
        byte_put(w, msg->ack.type, 1);
        byte_put(w, msg->ack.hash, 8);
        byte_put(w, msg->ack.board_us, 8);
        return true;
    case RIS_NACK:
        byte_put(w, msg->nack.type, 1);
        byte_put(w, msg->nack.reason, 1);
        return msg->nack.reason <= RIS_NACK_HARDWARE;
    case RIS_INFO:
        info_put(w, &msg->info);
        return ris_shape_valid(msg->info.shape);
    case RIS_PROFILE:
        return part_put(w, &msg->profile);
    case RIS_STATE:
        return state_put(w, &msg->state);
    default:
        return false;
    }
}

static bool body_get(struct byte_reader *r, struct ris_msg *msg)
{
    switch (msg->type) {
    case RIS_HELLO:
    case RIS_STATUS:
    case RIS_DISARM:
        return true;
    case RIS_LOAD:
        return load_get(r, &msg->load);
    case RIS_ARM:
        return arm_get(r, &msg->arm);
    case RIS_APPLY:
        msg->ask.slot = (uint16_t)byte_get(r, 2);
        msg->ask.value = (uint8_t)byte_get(r, 1);
        return msg->ask.value <= RIS_AT_EDGE;
    case RIS_TRIGGER:
        msg->ask.value = (uint8_t)byte_get(r, 1);
        return msg->ask.value <= RIS_TRIGGER_FALLING;
    case RIS_READBACK:
        msg->ask.slot = (uint16_t)byte_get(r, 2);
        msg->ask.offset = (uint16_t)byte_get(r, 2);
        return true;
    case RIS_ACK:
        msg->ack.type = (uint8_t)byte_get(r, 1);
        msg->ack.hash = byte_get(r, 8);
        msg->ack.board_us = byte_get(r, 8);
        return true;
    case RIS_NACK:
        msg->nack.type = (uint8_t)byte_get(r, 1);
        msg->nack.reason = (uint8_t)byte_get(r, 1);
        return msg->nack.reason <= RIS_NACK_HARDWARE;
    case RIS_INFO:
        return info_get(r, &msg->info);
    case RIS_PROFILE:
        return part_get(r, &msg->profile);
    case RIS_STATE:
        return state_get(r, &msg->state);
    default:
        return false;
    }
}

int ris_msg_encode(const struct ris_msg *msg, uint8_t *out, size_t cap)
{
    uint8_t frame[RIS_PACKET_MAX];
    struct byte_writer w = {.bytes = frame, .cap = sizeof frame};
    byte_put(&w, msg->type, 1);
    byte_put(&w, msg->seq, 2);
    if (!body_put(&w, msg))
        return ERR_ARG;
    byte_put(&w, crc32_update(0, frame, w.at), CRC_BYTES);
    if (w.overflow || cap < 2)
        return ERR_NO_SPACE;
    /* The leading delimiter ends whatever garbage a reader has collected. */
    int n = cobs_encode(frame, w.at, out + 1, cap - 2);
    if (n < 0)
        return n;
    out[0] = out[n + 1] = 0;
    return n + 2;
}

int ris_msg_parse(const uint8_t *frame, size_t n, struct ris_msg *out)
{
    if (n < HEAD_BYTES + CRC_BYTES)
        return ERR_FORMAT;
    struct byte_reader crc = {.bytes = frame + n - CRC_BYTES, .n = CRC_BYTES};
    if (crc32_update(0, frame, n - CRC_BYTES) != byte_get(&crc, CRC_BYTES))
        return ERR_CRC;
    struct byte_reader r = {.bytes = frame, .n = n - CRC_BYTES};
    out->type = (uint8_t)byte_get(&r, 1);
    out->seq = (uint16_t)byte_get(&r, 2);
    if (!body_get(&r, out) || r.underflow || byte_reader_left(&r) != 0)
        return ERR_ARG;
    return OK;
}
