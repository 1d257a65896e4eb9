/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/map_posterior.h"

#include <math.h>
#include <string.h>

enum {
    STREAMS = WAY_BATCH_STREAMS,
    TRIES = 3, /* squares, of each kind */
};

static const double coarse_error = 1e-2; /* while searching, so that no narrow peak is missed */
static const double sides = 4;     /* half a side of the last square, deviations of the search */
static const double shared = 0.65; /* weight, for errors that streams share: phases of hops */
static const double alone = 0.9;   /* agreement of one stream */

/* Where each antenna fades by itself, angles tell little and the plain fix as much as they. */
static const struct map_trust searching = {0.02, 0.5, 0.1}, fading = {1.5, 0.4, 0.5};
/* Antennas fade if that d is likelier by so much in the log of the posterior. */
static const double suspect_error = 0.05, clearly = 3;

/* --- at a place ------------------------------------------------------------------------------- */

void map_posterior_expect(struct map_posterior *p, const struct fix *fix)
{
    p->prior = (struct map_prior){0};
    if (!fix)
        return;
    const double a = fix->cov[0][0], b = fix->cov[0][1], c = fix->cov[1][1], det = a * c - b * b;
    p->prior = (struct map_prior){fix->position.x, fix->position.y, c / det, -b / det, a / det};
}

static double log_prior(const struct map_prior *p, struct vec3 u)
{
    const double x = u.x - p->x, y = u.y - p->y;
    return -0.5 * (p->xx * x * x + 2 * p->xy * x * y + p->yy * y * y);
}

static void ask(struct map_posterior *p, const struct vec3 *u, struct map_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    for (size_t l = 0; l < GAUSS_LANES; l++)
        seen->prior[l] = log_prior(&p->prior, u[l]);
    for (size_t s = 0; s < STREAMS; s++) {
        struct map_stream *stream = &p->stream[s];
        if (!stream->used)
            continue;
        way_batch_covariance(&stream->ways, u,
                             p->coarse ? fmax(stream->error, coarse_error) : stream->error,
                             p->trust.array_error, &p->batch);
        gauss_log_likelihood(&p->batch, p->n, stream->y, p->n, 1, seen->stream[s]);
    }
}

static double log_weight_of(const struct map_posterior *p, const struct map_seen *seen, size_t lane)
{
    double ll = 0;
    for (size_t s = 0; s < STREAMS; s++)
        ll += seen->stream[s][lane];
    return p->trust.prior * seen->prior[lane] +
           shared * p->evidence * p->trust.evidence * p->agreement * ll;
}

static void log_posterior(void *context, const struct vec3 *u, double *log_weight)
{
    struct map_posterior *p = context;
    struct map_seen *seen = &p->seen[p->asked];
    if (!p->again)
        ask(p, u, seen);
    for (size_t l = 0; l < GAUSS_LANES; l++)
        log_weight[l] = log_weight_of(p, seen, l);
    p->asked = (p->asked + 1) % PLAN_GRID_BATCHES;
    p->again = p->again && p->asked > 0;
}

/* By how much stream s falls short of its best in the last grid, at place `lane` of `batch`. */
static double short_of_best(const struct map_posterior *p, size_t s, size_t batch, size_t lane)
{
    double best = -INFINITY;
    for (size_t i = 0; i < PLAN_GRID_BATCHES * GAUSS_LANES; i++)
        best = fmax(best, p->seen[i / GAUSS_LANES].stream[s][i % GAUSS_LANES]);
    return best - p->seen[batch].stream[s][lane];
}

/* Streams see one place. Where the posterior is highest each falls short of its own best, and twice
 * the sum of that is chi-square, of two for each stream but the place's two, if their likelihoods
 * hold. If it is more they are too narrow, by a factor t in variance; of t that is inverse gamma
 * about one, and counts as much as the streams, E 1/t = 2 dof / (dof + chi2). One stream has
 * nothing to agree with: the mean over streams that do. */
static double agreement_of(const struct map_posterior *p)
{
    size_t best = 0;
    double highest = -INFINITY, chi2 = 0, dof = -2;
    for (size_t i = 0; i < PLAN_GRID_BATCHES * GAUSS_LANES; i++) {
        const double log_weight = log_weight_of(p, &p->seen[i / GAUSS_LANES], i % GAUSS_LANES);
        if (log_weight > highest)
            highest = log_weight, best = i;
    }
    for (size_t s = 0; s < STREAMS; s++) {
        if (!p->stream[s].used)
            continue;
        dof += 2;
        chi2 += 2 * p->evidence * short_of_best(p, s, best / GAUSS_LANES, best % GAUSS_LANES);
    }
    return dof > 0 ? fmin(1, 2 * dof / (dof + chi2)) : alone;
}

/* --- search ----------------------------------------------------------------------------------- */

int map_posterior_search(struct map_posterior *p, struct vec3 start, double half_m,
                         struct plan_grid *grid, struct plan_moments *at)
{
    p->asked = 0;
    p->again = false;
    p->agreement = 1;
    *grid = (struct plan_grid){start, half_m, half_m};
    p->coarse = true;
    p->trust = searching;
    if (!plan_grid_settle(grid, TRIES, 0, log_posterior, p, at))
        return ERR_NO_PEAK;
    plan_grid_follow(grid, at, sides);
    p->coarse = false;
    p->trust = (struct map_trust){p->array_error, 1, searching.prior};
    if (!plan_grid_settle(grid, TRIES, sides, log_posterior, p, at))
        return ERR_NO_PEAK;
    p->agreement = agreement_of(p);
    p->again = true;
    return plan_grid_settle(grid, TRIES, sides, log_posterior, p, at) ? OK : ERR_NO_PEAK;
}

/* Are antennas what they are held for, at this place? */
static bool antennas_fade(struct map_posterior *p, struct vec3 there)
{
    struct vec3 u[GAUSS_LANES];
    struct map_seen as_held, as_fading;
    const double agreement = p->agreement;
    if (p->n_ant < 2)
        return false;
    p->agreement = 1; /* streams whose antennas fade do not agree: no reason to doubt that */
    for (size_t l = 0; l < GAUSS_LANES; l++)
        u[l] = there;
    ask(p, u, &as_held);
    p->trust.array_error = suspect_error;
    ask(p, u, &as_fading);
    p->trust.array_error = p->array_error;
    const double gain = log_weight_of(p, &as_fading, 0) - log_weight_of(p, &as_held, 0);
    p->agreement = agreement;
    return gain > clearly;
}

int map_posterior_let_fade(struct map_posterior *p, struct plan_grid *grid, struct plan_moments *at)
{
    if (!antennas_fade(p, plan_grid_mean(grid, at)))
        return OK;
    p->trust = fading;
    p->agreement = 1; /* fading streams hardly agree: the weight allows for that */
    return plan_grid_settle(grid, TRIES, sides, log_posterior, p, at) ? OK : ERR_NO_PEAK;
}
