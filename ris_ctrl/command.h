/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One command of a client of mirador-ris: a JSON object, and for `load` a second frame with the
 * packed pattern. Table of commands and examples: docs/ris-protocol.md. */
#pragma once
#include "frames/ris_packet.h"
#include "frames/ris_report.h"
#include "frames/status.h"
#include <stdbool.h>
#include <stdint.h>

enum command_kind {
    COMMAND_LOAD,
    COMMAND_ARM,
    COMMAND_APPLY,
    COMMAND_DISARM,
    COMMAND_TRIGGER,
    COMMAND_READBACK,
    COMMAND_STATUS,
    COMMAND_LIST,
    COMMAND_IDENTIFY,
    COMMAND_SAVE,
    COMMAND_DELETE,
    COMMAND_PROFILES,
    COMMAND_STOP,    /* the service's own: ends a worker */
    COMMAND_UNKNOWN, /* of one that cannot be read */
};

struct command {
    enum command_kind kind;
    uint64_t seq;                 /* the client's, comes back in the reply */
    char board[RIS_NAME_MAX + 1]; /* "" only for status and list: all boards */
    uint16_t slot;                /* load, apply, readback (RIS_SLOT_ACTIVE when left out) */
    enum ris_when when;           /* apply */
    enum ris_trigger source;      /* trigger */
    struct ris_shape shape;       /* load, save */
    char name[32];                /* load, save, delete: a stored profile; "" = not given */
    int64_t by_ns;                /* Unix time after which it must not take hold, 0 = any time */
    int64_t within_us;            /* the same, from its arrival on; 0 = not given */
    unsigned seconds;             /* identify */
    struct ris_arm arm;
    uint8_t pattern[RIS_PATTERN_MAX]; /* load without a name, save */
};

/* Reads one command. pattern may be NULL when there was no second frame. Returns 0, or ERR_FORMAT
 * or ERR_ARG with "what is wrong; cure" in *err; seq is filled in whenever it could be read. */
int command_parse(const void *json, size_t n, const void *pattern, size_t n_pattern,
                  struct command *out, struct status *err) MUST_CHECK;

/* It changes a board or what is stored. */
bool command_changes(enum command_kind kind);
const char *command_name(enum command_kind kind);
const char *command_trigger_name(unsigned source); /* "none", "rising", "falling" */
