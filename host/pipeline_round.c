/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How far the burst went out to the user and the answer back. The answer leaves an agreed delay
 * after the burst was heard and reports what is left of a sample, so what is over of its arrival is
 * that way and a delay of the two devices, which nobody knows and which stays. It says who of those
 * in one line an echo is of, once that delay is known. */
#include "host/pipeline_priv.h"
#include <math.h>

enum {
    ROUND_ANSWERS = 25, /* the delay is the mean of so many; it may creep */
    ROUND_DENIED = 50   /* contradictions in a row after which it counts as wrong */
};

/* After the answer has begun so many samples into its window. */
void pipeline_round_hear(struct pipeline *p, double start_samps, double skew,
                         const struct cycle_report *r)
{
    const struct schedule *s = &p->schedule;
    const double late_s =
        (start_samps + (double)(s->window[WINDOW_RESPONSE].begin - s->response)) / p->wave.rate_hz;
    const double waited_s = (double)s->response / p->wave.rate_hz * (1 - 1 / (1 + skew));
    p->round_m = SPEED_OF_LIGHT * (late_s + waited_s - 1e-9 * r->turnaround_ns - r->site.latency_s);
}

/* Both arrivals are of a direct way among walls. */
static double variance(const struct pipeline *p, const struct fix *fix)
{
    const struct vec3 u = fix->position;
    struct vec3 g;
    (void)fix_predict(&p->fix.anchors, ROW_L1, u, &g);
    struct wall_shift walls = {0};
    if (p->walls)
        wall_error_at(p->walls, ROW_A1, u, 1, &walls);
    const double sigma = fmax(p->cfg.estimate.sigma_direct_m, M_SQRT2 * walls.sigma_m);
    return 2 * sigma * sigma + fix_variance_along(fix, g);
}

static bool known(const struct pipeline *p, const struct pipeline_user *user)
{
    return user->round.n > 0 && user->round.tuning == p->tuning;
}

double pipeline_round_chi2(const struct pipeline *p, const struct cycle_report *r)
{
    const struct pipeline_user *user = &p->user[r->plan.user];
    const struct round_trip *round = &user->round;
    if (!known(p, user) || isnan(p->round_m))
        return 0;
    const double off =
        p->round_m - fix_predict(&p->fix.anchors, ROW_L1, r->fix.position, NULL) - round->delay_m;
    return off * off / (variance(p, &r->fix) * (1 + 1.0 / round->n));
}

void pipeline_round_learn(struct pipeline *p, int agree, const struct cycle_report *r)
{
    struct pipeline_user *user = &p->user[r->plan.user];
    struct round_trip *round = &user->round;
    round->denied = agree < 0 ? round->denied + 1 : agree > 0 ? 0 : round->denied;
    if (round->denied >= ROUND_DENIED || !known(p, user))
        *round = (struct round_trip){.tuning = p->tuning};
    if (agree <= 0 || isnan(p->round_m))
        return;
    round->n += round->n < ROUND_ANSWERS;
    round->delay_m += (p->round_m - fix_predict(&p->fix.anchors, ROW_L1, r->fix.position, NULL) -
                       round->delay_m) /
                      round->n;
}
