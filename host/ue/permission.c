/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/permission.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/state_dir.h"

enum { GIVEN = -1 };
static const char mark[] = "withdrawn\n";

int permission_open(struct permission *p, const char *state_dir, uint32_t user_id, bool given,
                    struct status *err)
{
    int n = snprintf(p->path, sizeof p->path, "%s/ue-%" PRIu32 ".withdrawn", state_dir, user_id);
    if (n < 0 || (size_t)n >= sizeof p->path)
        return status_set(err, ERR_NO_SPACE, "run.state_dir: path is too long; shorten it");
    atomic_store(&p->cycle, 0);
    atomic_store(&p->withdrawals, 0);
    atomic_store(&p->noes, given ? GIVEN : 0);
    if (access(p->path, F_OK) == 0)
        atomic_store(&p->noes, PERMISSION_NOES);
    else if (errno != ENOENT)
        return status_set(err, ERR_IO, "%s: %s; give the user terminal access", p->path,
                          strerror(errno));
    return OK;
}

int permission_withdraw(struct permission *p, struct status *err)
{
    int given = GIVEN;
    struct status why = {0};
    atomic_fetch_add(&p->withdrawals, 1); /* before it holds: who reads that has missed none */
    (void)atomic_compare_exchange_strong(&p->noes, &given, PERMISSION_NOES);
    if (file_replace(p->path, mark, sizeof mark - 1, 0600, &why) == OK)
        return OK;
    return status_set(err, ERR_IO, "withdrawn, but only until this terminal ends: %.190s",
                      why.text);
}

int permission_give(struct permission *p, struct status *err)
{
    struct status why = {0};
    if (file_remove(p->path, &why))
        return status_set(err, ERR_IO, "still withdrawn: %.200s", why.text);
    atomic_store(&p->noes, GIVEN);
    return OK;
}

static enum permission_answer answer_of(int noes)
{
    return noes < 0 ? PERMISSION_YES : noes > 0 ? PERMISSION_NO : PERMISSION_SILENCE;
}

void permission_read(struct permission *p, struct permission_state *out)
{
    const int noes = atomic_load(&p->noes);
    *out = (struct permission_state){.answer = answer_of(noes),
                                     .noes = noes > 0 ? noes : 0,
                                     .withdrawals = atomic_load(&p->withdrawals),
                                     .cycle = atomic_load(&p->cycle)};
}

/* The cycle first: who withdraws and reads it afterwards has missed no yes. */
enum permission_answer permission_asked(struct permission *p, uint64_t cycle)
{
    atomic_store(&p->cycle, cycle);
    return answer_of(atomic_load(&p->noes));
}

void permission_said_no(struct permission *p)
{
    int noes = atomic_load(&p->noes);
    if (noes > 0) /* else, or if it changes now, there is a new order */
        (void)atomic_compare_exchange_strong(&p->noes, &noes, noes - 1);
}

const char *permission_answer_name(enum permission_answer answer)
{
    static const char *const names[] = {"yes", "no", "silence"};
    return (unsigned)answer <= PERMISSION_SILENCE ? names[answer] : "unknown";
}
