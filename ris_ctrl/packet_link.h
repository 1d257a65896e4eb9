/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stop-and-wait requests over a byte stream (tty or pty) with the packets of frames/ris_packet.h:
 * a request without an answer is sent again under its own sequence number, so the board does it
 * once. */
#pragma once
#include "frames/ris_decoder.h"
#include "frames/status.h"

struct packet_link {
    int fd; /* non-blocking, the caller's */
    unsigned timeout_ms, retries;
    const char *name;    /* board, for messages */
    uint16_t seq;        /* of the last request */
    unsigned trickle_us; /* an answer comes byte by byte: look again after that long, 0 = at once */
    struct ris_decoder decoder;
    uint32_t n_retries, n_timeouts, n_bad;
    void (*tell)(void *context, const char *text); /* see struct board_cfg; may be NULL */
    void *tell_context;
    bool *gave_up;                    /* the same */
    const int64_t *no_retry_after_us; /* the same */
};

/* first_seq: anything, better not the same at each start. */
void packet_link_init(struct packet_link *link, int fd, const char *name, uint16_t first_seq);

/* Numbers and sends request, waits for its answer. Returns 0 with the answer (never a NACK) in
 * *reply, ERR_STATE for a NACK, ERR_TIMEOUT, ERR_IO when the stream has ended. */
int packet_link_ask(struct packet_link *link, struct ris_msg *request, struct ris_msg *reply,
                    struct status *err) MUST_CHECK;
