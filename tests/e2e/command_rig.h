/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A demo with two users and a data link whose base station takes commands over CURVE, and alice,
 * who may send them. One in a process. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

enum { COMMAND_RIG_PATIENCE = 1200 }; /* looks, 0.1 s apart */

extern struct command_rig {
    char control[40], telemetry[40]; /* endpoints */
    char alice[300], stranger[300];  /* files of their keys */
    char daemon[300], daemon_hex[80], alice_hex[80];
    char keys[500]; /* options that let alice in */
    char audit[300];
    long audited;         /* bytes of it that were looked at */
    pid_t demo, terminal; /* that we have started ourselves, 0: none */
} command_rig;

/* Group set-up and tear-down. */
int command_rig_make(void **state);
int command_rig_remove(void **state);

/* mirador with these options, and "-e ENDPOINT" unless NULL; stdout into text. Its exit code, 124
 * if it did not end by itself: 4 s for who watches and has no key, as that never ends. */
int command_rig_run(const char *options, const char *keys, const char *endpoint, char *text,
                    size_t size);
/* An order of alice's that is carried out, and in the audit log as this command. */
void command_rig_order(const char *order, const char *command);
/* What the audit log tells since the last call. */
void command_rig_audited(const char *command, const char *verdict);

/* The base station's status, to be released. NULL: no answer. */
json_t *command_rig_status(void);
/* Once this number of it is so large. */
json_t *command_rig_await(const char *key, json_int_t at_least);
/* A number of the status; "setting", "rx_gain_db": one further in. -1e9: there is none. */
double command_rig_now(const char *key, const char *member);
