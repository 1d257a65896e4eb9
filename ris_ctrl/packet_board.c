/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/packet_board.h"
#include "base/log.h"
#include "ris_ctrl/clock.h"
#include <string.h>

int packet_board_hello(struct packet_board *b, const struct board_cfg *cfg, struct status *err)
{
    struct ris_msg request = {.type = RIS_HELLO};
    struct ris_msg reply;
    b->shape = cfg->shape;
    b->link.timeout_ms = cfg->ack_timeout_ms;
    b->link.retries = cfg->retries;
    b->link.tell = cfg->tell;
    b->link.tell_context = cfg->tell_context;
    b->link.gave_up = cfg->gave_up;
    b->link.no_retry_after_us = cfg->no_retry_after_us;
    int r = packet_link_ask(&b->link, &request, &reply, err);
    if (r != OK)
        return r;
    const struct ris_info *info = &reply.info;
    if (info->protocol != RIS_PROTOCOL)
        return status_set(err, ERR_ARG, "board %s: speaks protocol %u, not %u; update its firmware",
                          cfg->name, info->protocol, RIS_PROTOCOL);
    if (!ris_shape_equal(info->shape, cfg->shape))
        return status_set(
            err, ERR_ARG,
            "board %s: has %u x %u elements of %u bits, configured are %u x %u of %u; "
            "correct columns, rows, bits",
            cfg->name, info->shape.columns, info->shape.rows, info->shape.bits, cfg->shape.columns,
            cfg->shape.rows, cfg->shape.bits);
    b->boot_id = info->boot_id;
    return OK;
}

/* Sends a request that is answered by ACK. */
static int ask_ack(struct packet_board *b, struct ris_msg *request, struct board_ack *ack,
                   struct status *err)
{
    struct ris_msg reply;
    int r = packet_link_ask(&b->link, request, &reply, err);
    if (r == OK)
        *ack = (struct board_ack){
            .hash = reply.ack.hash, .board_us = reply.ack.board_us, .time_ns = clock_unix_ns()};
    return r;
}

int packet_board_load(struct packet_board *b, uint16_t slot, const uint8_t *pattern,
                      struct board_ack *ack, struct status *err)
{
    size_t total = ris_pattern_bytes(b->shape);
    struct ris_msg request = {.type = RIS_LOAD};
    request.load.slot = slot;
    request.load.shape = b->shape;
    request.load.hash = ris_profile_hash(b->shape, pattern);
    for (size_t at = 0; at < total; at += RIS_CHUNK_MAX) {
        size_t n = total - at < RIS_CHUNK_MAX ? total - at : RIS_CHUNK_MAX;
        request.load.offset = (uint16_t)at;
        request.load.n = (uint8_t)n;
        memcpy(request.load.data, pattern + at, n);
        int r = ask_ack(b, &request, ack, err);
        if (r != OK)
            return r;
    }
    return OK;
}

int packet_board_arm(struct packet_board *b, const struct ris_arm *arm, struct board_ack *ack,
                     struct status *err)
{
    struct ris_msg request = {.type = arm != NULL ? RIS_ARM : RIS_DISARM};
    if (arm != NULL)
        request.arm = *arm;
    return ask_ack(b, &request, ack, err);
}

int packet_board_apply(struct packet_board *b, uint16_t slot, enum ris_when when,
                       struct board_ack *ack, struct status *err)
{
    struct ris_msg request = {.type = RIS_APPLY, .ask = {.slot = slot, .value = (uint8_t)when}};
    return ask_ack(b, &request, ack, err);
}

int packet_board_trigger(struct packet_board *b, enum ris_trigger source, struct board_ack *ack,
                         struct status *err)
{
    struct ris_msg request = {.type = RIS_TRIGGER, .ask = {.value = (uint8_t)source}};
    return ask_ack(b, &request, ack, err);
}

/* Reads the next part to its place. Returns the bytes read. */
static int readback_part(struct packet_board *b, uint16_t slot, size_t at,
                         struct board_readback *out, uint64_t *hash, struct status *err)
{
    struct ris_msg request = {.type = RIS_READBACK, .ask = {.slot = slot, .offset = (uint16_t)at}};
    struct ris_msg reply;
    int r = packet_link_ask(&b->link, &request, &reply, err);
    if (r != OK)
        return r;
    const struct ris_profile_part *part = &reply.profile;
    if (part->slot != slot || part->offset != at || !ris_shape_equal(part->shape, b->shape) ||
        (at > 0 && part->hash != *hash))
        return status_set(err, ERR_STATE,
                          "board %s: its profile changed while it was read; "
                          "read it again",
                          b->link.name);
    memcpy(out->pattern + at, part->data, part->n);
    out->source = part->source;
    *hash = part->hash;
    return part->n;
}

int packet_board_readback(struct packet_board *b, uint16_t slot, struct board_readback *out,
                          struct status *err)
{
    size_t total = ris_pattern_bytes(b->shape);
    uint64_t said = 0;
    out->shape = b->shape;
    out->unread = false;
    for (size_t at = 0; at < total;) {
        int n = readback_part(b, slot, at, out, &said, err);
        if (n < 0)
            return n;
        at += (size_t)n;
    }
    out->hash = ris_profile_hash(out->shape, out->pattern);
    if (out->hash != said)
        return status_set(err, ERR_STATE,
                          "board %s: read back a profile that does not match its "
                          "hash; check the shift chain",
                          b->link.name);
    return OK;
}

int packet_board_status(struct packet_board *b, struct board_status *out, struct status *err)
{
    struct ris_msg request = {.type = RIS_STATUS};
    struct ris_msg reply;
    int r = packet_link_ask(&b->link, &request, &reply, err);
    if (r != OK)
        return r;
    if (reply.state.boot_id != b->boot_id)
        return status_set(err, ERR_IO, "board %s: was reset; its profiles are being restored",
                          b->link.name);
    out->state = reply.state;
    out->link_retries = b->link.n_retries;
    out->link_timeouts = b->link.n_timeouts;
    out->link_bad = b->link.n_bad;
    out->serial[0] = '\0';
    return OK;
}
