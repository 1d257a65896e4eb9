/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A base station that only notes what it is told to do, behind control_execute. */
#pragma once
#include "host/control.h"
#include <jansson.h>

struct seen { /* how often, and the last one */
    unsigned backgrounds, cycles, shutdowns, holds, allows, pauses, audits;
    unsigned adds, removes;
    size_t surface;
    int user;
    char key[100];
    unsigned sets;
    struct roster_wish wish;
    int profile;
    bool allow;
    double seconds;
    unsigned tunes, every;
    enum bs_identity identity;
    struct radio_setting setting;
    char audit[400];
};

extern struct bs_cfg cfg;                   /* profile lab, one user */
extern struct profile_set profiles[BS_RIS]; /* of two small boards that play sequences */
extern const char *sender;                  /* name of the proven key */
extern struct log_site *refusals;           /* NULL: all are audited */

int make_scene(void **state); /* of the group */

/* The answer; a new reference. */
json_t *ask(struct seen *seen, const char *text);
bool is_ok(struct seen *seen, const char *text);
