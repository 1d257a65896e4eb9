/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/deadlines.h"
#include "base/log.h"
#include <stdlib.h>

struct stage {
    int64_t budget_ns;
    _Atomic uint64_t missed, inconclusive;
    struct histogram took;
};

struct deadlines {
    struct stage stage[DEADLINE_STAGES];
    const struct witness *witness;
};

const char *deadline_stage_name(enum deadline_stage stage)
{
    static const char *const names[DEADLINE_STAGES] = {"arm", "sensing", "response",
                                                       "fix", "total",   "publish"};
    return names[stage];
}

struct deadlines *deadlines_create(const struct deadlines_cfg *cfg, struct status *err)
{
    struct deadlines *d = calloc(1, sizeof *d);
    if (!d) {
        status_set(err, ERR_NO_MEMORY, "deadlines: out of memory");
        return NULL;
    }
    d->witness = cfg->witness;
    for (size_t i = 0; i < DEADLINE_STAGES; i++)
        d->stage[i].budget_ns = (int64_t)(cfg->budget_s[i] * 1e9);
    return d;
}

void deadlines_destroy(struct deadlines **d)
{
    free(*d);
    *d = NULL;
}

void deadlines_note(struct deadlines *d, enum deadline_stage stage, int64_t begin_ns,
                    int64_t end_ns)
{
    struct stage *s = &d->stage[stage];
    int64_t excess = end_ns - begin_ns - s->budget_ns;
    histogram_add(&s->took, end_ns - begin_ns);
    if (s->budget_ns == 0 || excess <= 0)
        return;
    bool excused = d->witness && witness_away_ns(d->witness, begin_ns, end_ns) >= excess;
    atomic_fetch_add(excused ? &s->inconclusive : &s->missed, 1);
}

void deadlines_read(const struct deadlines *d, struct deadline out[DEADLINE_STAGES])
{
    for (size_t i = 0; i < DEADLINE_STAGES; i++) {
        const struct stage *s = &d->stage[i];
        out[i] = (struct deadline){
            .budget_us = 1e-3 * (double)s->budget_ns,
            .missed = atomic_load(&s->missed),
            .inconclusive = atomic_load(&s->inconclusive),
        };
        histogram_read(&s->took, &out[i].took);
    }
}
