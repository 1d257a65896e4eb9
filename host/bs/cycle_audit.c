/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/cycle_audit.h"

static void close_run(const struct audited *a, struct audit *to)
{
    if (a->n > 0)
        audit_write(to, "user %d: cycles %llu+%llu: %s%s", a->id, (unsigned long long)a->first,
                    (unsigned long long)a->n, response_verdict_name(a->verdict),
                    a->verdict == RESPONSE_PERMITTED ? ""
                                                     : ", observations discarded, no position");
}

void cycle_audit_note(struct cycle_audit *audit, struct audit *to, const struct cycle_report *r)
{
    struct audited *a = &audit->of_user[r->plan.user];
    if (r->response == RESPONSE_REFUSED || r->response == RESPONSE_DAMAGED)
        audit_write(to, "user %d: cycle %llu: response %s (%s)", r->user_id,
                    (unsigned long long)r->plan.cycle, response_verdict_name(r->response),
                    status_name(r->response_code));
    if (a->n == 0 || a->verdict != r->response || a->id != r->user_id) {
        close_run(a, to);
        *a = (struct audited){.id = r->user_id, .verdict = r->response, .first = r->plan.cycle};
        if (r->response != RESPONSE_PERMITTED)
            audit_write(to, "user %d: from cycle %llu: %s, observations are discarded", r->user_id,
                        (unsigned long long)a->first, response_verdict_name(r->response));
    }
    a->n++;
}

void cycle_audit_close(const struct cycle_audit *audit, struct audit *to)
{
    for (size_t u = 0; u < BS_USERS_MAX; u++)
        close_run(&audit->of_user[u], to);
}
