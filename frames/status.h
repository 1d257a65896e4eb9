/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The project's one result type. Functions return 0 or one of these negative codes; setup functions also
 * fill a struct status with a message that says what, where and what to do. Freestanding. */
#pragma once
#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))

enum status_code {
    OK = 0,
    ERR_ARG = -1,      /* a value out of its documented range */
    ERR_FORMAT = -2,   /* bytes from outside that do not parse */
    ERR_CRC = -3,      /* checksum mismatch */
    ERR_AUTH = -4,     /* key, MAC, replay or window refused */
    ERR_STATE = -5,    /* not possible now (order of calls, not started, already running) */
    ERR_NO_SPACE = -6, /* caller's buffer or a fixed table is full */
    ERR_NO_MEMORY = -7,
    ERR_IO = -8,       /* file, socket, tty, shared memory */
    ERR_TIMEOUT = -9,
    ERR_RADIO = -10,    /* UHD said no; the message carries its text */
    ERR_NO_PEAK = -11,  /* nothing in the gate stands out of the noise */
    ERR_GEOMETRY = -12, /* anchors, lengths or angles that admit no solution */
    ERR_NOT_FOUND = -13,
    ERR_BUSY = -14,
    ERR_INTERRUPTED = -15, /* stop was requested */
};

struct status {
    int code;       /* enum status_code */
    char text[256]; /* one line, no newline; empty when code is OK */
};

/* Short name of a code for logs: "ok", "crc", "timeout". Never NULL. */
static inline const char *status_name(int code)
{
    static const char *const names[] = {
        "ok",      "argument",  "format", "crc",     "auth",     "state",     "no space", "no memory",
        "io",      "timeout",   "radio",  "no peak", "geometry", "not found", "busy",     "interrupted",
    };
    size_t i = (size_t)-code;
    return code <= 0 && i < sizeof names / sizeof names[0] ? names[i] : "unknown";
}
