/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's will, as it is while the terminal runs: given or withdrawn, from one cycle to the
 * next. A withdrawal is said three times, so that one lost answer does not matter, and then kept
 * silent about: no answer is no permission either ([S1] III-E step 6). It is on disk, and a
 * terminal that starts again says it again. Of several orders between two cycles the last one
 * counts. One thread orders (files), the radio's thread asks (one atomic). */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "frames/status.h"

enum { PERMISSION_NOES = 3 };

enum permission_answer { PERMISSION_YES, PERMISSION_NO, PERMISSION_SILENCE };

struct permission {
    char path[300];          /* of a file that is there while permission is withdrawn */
    atomic_int noes;         /* still to be said; below 0: permission is given */
    atomic_uint withdrawals; /* orders so far, for who did not look before the next one */
    _Atomic uint64_t cycle;  /* the last one that asked; 0: none yet */
};

struct permission_state {
    enum permission_answer answer; /* to the next one that asks */
    int noes;                      /* still to be said */
    unsigned withdrawals;          /* orders since the terminal's start, those taken back too */
    uint64_t cycle;                /* the last that asked */
};

/* Setup only. given: if it was not withdrawn before; what was never given needs no no. state_dir
 * exists. ERR_NO_SPACE: the path is too long; ERR_IO: nobody can tell whether it was withdrawn. */
int permission_open(struct permission *permission, const char *state_dir, uint32_t user_id,
                    bool given, struct status *err) MUST_CHECK;

/* Ordering thread. Withdrawn from the next cycle on, whatever is returned: no cycle later than what
 * permission_read tells afterwards gets a yes. ERR_IO: it holds until the terminal ends, and could
 * not be written down for longer. */
int permission_withdraw(struct permission *permission, struct status *err) MUST_CHECK;
/* Given from the next cycle on. ERR_IO: still withdrawn, the file cannot be removed. */
int permission_give(struct permission *permission, struct status *err) MUST_CHECK;
/* Any thread. */
void permission_read(struct permission *permission, struct permission_state *out);

/* Radio thread, RT-safe: a genuine frame of this cycle asks. */
enum permission_answer permission_asked(struct permission *permission, uint64_t cycle);
/* Radio thread, RT-safe: a no is on its way. */
void permission_said_no(struct permission *permission);

const char *permission_answer_name(enum permission_answer answer); /* "yes", "no", "silence" */
