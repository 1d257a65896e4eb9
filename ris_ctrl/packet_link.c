/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/packet_link.h"
#include "base/log.h"
#include "base/options.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/stream_port.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A silent board must not hold up the end of the program; one that answers may still be left as it
 * should be. */
#define STOP_LOOK_MS 100

void packet_link_init(struct packet_link *link, int fd, const char *name, uint16_t first_seq)
{
    *link = (struct packet_link){.fd = fd, .name = name, .seq = first_seq};
    ris_decoder_init(&link->decoder);
}

static int link_gone(const struct packet_link *link, struct status *err)
{
    return status_set(err, ERR_IO, "board %s: its link is gone; check that it runs and is plugged",
                      link->name);
}

/* ERR_TIMEOUT, without words: the next try may do better. ERR_IO. */
static int write_all(struct packet_link *link, const uint8_t *bytes, size_t n, struct status *err)
{
    while (n > 0) {
        ssize_t done = write(link->fd, bytes, n);
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
        } else if (errno == EAGAIN) {
            if (!stream_port_writable(link->fd, link->timeout_ms))
                return ERR_TIMEOUT;
        } else if (errno != EINTR) {
            return link_gone(link, err);
        }
    }
    return OK;
}

/* The answer belongs to this request and is of the kind that the request calls for. */
static bool answers(const struct ris_msg *request, const struct ris_msg *reply)
{
    if (reply->seq != request->seq)
        return false;
    switch (reply->type) {
    case RIS_ACK:
        return reply->ack.type == request->type;
    case RIS_NACK:
        return reply->nack.type == request->type;
    case RIS_INFO:
        return request->type == RIS_HELLO;
    case RIS_PROFILE:
        return request->type == RIS_READBACK;
    case RIS_STATE:
        return request->type == RIS_STATUS;
    default:
        return false;
    }
}

/* Feeds what has arrived. Returns 1 with the answer, 0 without. Bytes behind the answer are
 * dropped: there is one request at a time, so they are garbage or a repeated answer. */
static int feed(struct packet_link *link, const uint8_t *bytes, size_t n,
                const struct ris_msg *request, struct ris_msg *reply)
{
    for (size_t i = 0; i < n; i++) {
        int r = ris_decoder_push(&link->decoder, bytes[i], reply);
        if (r == 1 && answers(request, reply))
            return 1;
        if (r != 0)
            link->n_bad++;
    }
    return 0;
}

/* Returns 1 with the answer, 0 when time is up, or ERR_IO. */
static int wait_answer(struct packet_link *link, const struct ris_msg *request,
                       struct ris_msg *reply, struct status *err)
{
    int64_t began_us = clock_us();
    int64_t end_us = began_us + (int64_t)link->timeout_ms * 1000;
    for (;;) {
        int64_t now_us = clock_us();
        int64_t left_us = end_us - now_us;
        struct pollfd p = {.fd = link->fd, .events = POLLIN};
        if (left_us <= 0)
            return 0;
        if (stop_requested() && now_us - began_us >= STOP_LOOK_MS * 1000)
            return status_set(err, ERR_INTERRUPTED,
                              "board %s: request given up; "
                              "mirador-ris is stopping",
                              link->name);
        int left_ms = (int)((left_us + 999) / 1000);
        int ready = poll(&p, 1, left_ms < STOP_LOOK_MS ? left_ms : STOP_LOOK_MS);
        if (ready <= 0)
            continue; /* interrupted, or the time is up */
        uint8_t bytes[512];
        ssize_t n = read(link->fd, bytes, sizeof bytes);
        if (n > 0 && feed(link, bytes, (size_t)n, request, reply) == 1)
            return 1;
        if (n > 0 && link->trickle_us > 0)
            usleep(link->trickle_us);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return link_gone(link, err);
    }
}

static const char *nack_cure(unsigned reason)
{
    switch (reason) {
    case RIS_NACK_SHAPE:
        return "send a profile of the board's columns, rows and bits";
    case RIS_NACK_SLOT:
        return "use a slot below the board's number of slots";
    case RIS_NACK_EMPTY:
        return "load the slot first";
    case RIS_NACK_BUSY:
        return "disarm first, or use another slot";
    case RIS_NACK_TRIGGER:
        return "choose a source with the trigger command";
    case RIS_NACK_HARDWARE:
        return "see the board's own log lines";
    case RIS_NACK_TYPE:
        return "update the board's firmware";
    default:
        return "send it again";
    }
}

static void tell_silence(const struct packet_link *link, unsigned attempt)
{
    char text[160];
    if (link->tell == NULL || attempt > 0 || link->retries == 0)
        return;
    snprintf(text, sizeof text,
             "board %s: no answer for %u ms, asking again; check its power and cable", link->name,
             link->timeout_ms);
    link->tell(link->tell_context, text);
}

/* Fewer tries than there are retries: its time was up. deaf: the last one did not even leave. */
static int silent(struct packet_link *link, unsigned tries, bool deaf, struct status *err)
{
    link->n_timeouts++;
    if (link->gave_up != NULL && tries > link->retries)
        *link->gave_up = true;
    if (deaf)
        return status_set(err, ERR_TIMEOUT,
                          "board %s: takes no bytes; check flow control and power", link->name);
    return status_set(err, ERR_TIMEOUT,
                      "board %s: no answer in %u tries of %u ms; check its power and cable",
                      link->name, tries, link->timeout_ms);
}

int packet_link_ask(struct packet_link *link, struct ris_msg *request, struct ris_msg *reply,
                    struct status *err)
{
    uint8_t wire[RIS_WIRE_MAX];
    request->seq = ++link->seq;
    int n = ris_msg_encode(request, wire, sizeof wire);
    if (n < 0)
        return status_set(err, ERR_ARG,
                          "board %s: value out of range in a request; see "
                          "docs/ris-protocol.md",
                          link->name);
    unsigned tries = 0;
    bool deaf;
    do {
        link->n_retries += tries > 0;
        int r = write_all(link, wire, (size_t)n, err);
        deaf = r == ERR_TIMEOUT;
        if (r == OK)
            r = wait_answer(link, request, reply, err);
        if (r < 0 && r != ERR_TIMEOUT)
            return r;
        if (r == 1 && reply->type == RIS_NACK)
            return status_set(err, ERR_STATE, "board %s: %s; %s", link->name,
                              ris_nack_name(reply->nack.reason), nack_cure(reply->nack.reason));
        if (r == 1)
            return OK;
        tell_silence(link, tries);
    } while (tries++ < link->retries && !clock_passed(link->no_retry_after_us));
    return silent(link, tries, deaf, err);
}
