/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/view/judge.h"
#include "base/log.h"
#include "host/match.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRUTHS = 1024 }; /* 20 s, much longer than a fix takes */

struct judge {
    struct match truth;
    struct match_tally tally;
    char run[32];
};

struct judge *judge_create(struct status *err)
{
    struct judge *j = calloc(1, sizeof *j);
    if (!j)
        status_set(err, ERR_NO_MEMORY, "the page's judge of paths: out of memory");
    else
        j->truth.keep = TRUTHS;
    return j;
}

void judge_destroy(struct judge **judge)
{
    if (!*judge)
        return;
    match_clear(&(*judge)->truth);
    free(*judge);
    *judge = NULL;
}

/* False: "run" is none that can be told. */
static bool follow_run(struct judge *j, const json_t *fix)
{
    const char *run = json_string_value(json_object_get(fix, "run"));
    if (!run || strlen(run) >= sizeof j->run || strspn(run, "0123456789abcdef") != strlen(run))
        return false;
    if (strcmp(run, j->run) != 0)
        j->tally = (struct match_tally){0};
    strcpy(j->run, run);
    return true;
}

bool judge_hear(struct judge *j, const struct socket_message *m)
{
    const bool truth = m->n >= 2 && socket_frame_is(&m->frames[0], "truth");
    const bool fix = m->n >= 2 && socket_frame_is(&m->frames[0], "fix");
    json_t *header = truth || fix ? json_loadb(m->frames[1].bytes, m->frames[1].n, 0, NULL) : NULL;
    bool counted = false;
    if (truth && header)
        match_add_truth(&j->truth, header);
    if (fix && header && follow_run(j, header) && match_judge(&j->truth, header) == 0)
        counted = match_tally_add(&j->tally, header);
    json_decref(header);
    return counted;
}

void judge_write(const struct judge *j, char out[JUDGE_BYTES])
{
    snprintf(out, JUDGE_BYTES,
             "{\"v\":1,\"type\":\"judged\",\"steered\":%zu,\"misidentified\":%zu,\"run\":\"%s\"}",
             j->tally.steered, j->tally.misidentified, j->run);
}
