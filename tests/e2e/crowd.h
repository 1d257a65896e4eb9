/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A hundred bad clients of a live base station's sockets: mutated text, random bytes, commands with
 * one value of a wrong type or out of range, huge ones, messages of too many frames, connections
 * that break off within a message, and subscribers that never read. None of them asks for what
 * would change something; everything that has to be answered must be. */
#pragma once
#include <stddef.h>

enum { CROWD_CLIENTS = 100 };

struct crowd_cfg {
    const char *folder; /* of control.sock and telemetry.sock */
    unsigned seed;
    size_t commands;                              /* to be answered before it ends */
    size_t fixes;                                 /* and found by the base station */
    double patience_s;                            /* at most, without an answer */
    void (*look)(void *context, size_t answered); /* NULL, or called four times on the way */
    void *context;
};

struct crowd_count {
    size_t sent, answered, refused;
    size_t wrongly_accepted; /* what had to be refused was not, or an answer was no answer */
    size_t broken_off;       /* connections */
    size_t fixes;            /* of the base station at the end */
};

/* Waits for the sockets to be there. 0, or -1 with a line on stderr. */
int crowd_run(const struct crowd_cfg *cfg, struct crowd_count *count);
