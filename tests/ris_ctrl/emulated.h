/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An emulated board (emulator.c) as seen by a test. */
#pragma once
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct emulated {
    pid_t pid;
    int to, from;
    char link[128]; /* the tty, or the file that holds the tile server's port */
    char port[160]; /* for struct board_cfg and ris.yaml */
};

/* kind: firmware, opensource, tile. name: of the link in folder. Fails the test when it does not
 * start. */
void emulated_start(struct emulated *e, const char *kind, const char *folder, const char *name,
                    unsigned baud);
void emulated_stop(struct emulated *e);

/* One control line; the answer into text (at least 256 bytes; may be NULL). Silence fails. */
void emulated_tell(struct emulated *e, const char *line, char *text);
