/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kinds of experiment of [S1] figure 7: users located, bits sent, both at once. A trial is a
 * whole run of users or bits; its columns are shares of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "calib/experiment.h"
#include "calib/link_trial.h"

#define MEAN (1u << EXPERIMENT_MEAN)

static void seed(void *scenario, unsigned vary, uint64_t trial_seed)
{
    (void)vary;
    ((struct link_trial *)scenario)->seed = trial_seed;
}

static size_t means(const char *const *names, size_t n, struct experiment_column *out)
{
    for (size_t i = 0; i < n; i++) {
        snprintf(out[i].name, sizeof out[i].name, "%s", names[i]);
        out[i].statistics = MEAN;
    }
    return n;
}

/* Room for the errors of a run, made anew where a point has more users than the last. */
struct room {
    double *cramer, *wnls;
    size_t n;
};

static void *create(const struct experiment_cfg *cfg)
{
    (void)cfg;
    return calloc(1, sizeof(struct room));
}

static void destroy(void *workspace)
{
    struct room *room = workspace;
    free(room->cramer);
    free(room->wnls);
    free(room);
}

static bool make_room(struct room *room, size_t n)
{
    if (n <= room->n)
        return true;
    free(room->cramer);
    free(room->wnls);
    room->cramer = malloc(n * sizeof *room->cramer);
    room->wnls = malloc(n * sizeof *room->wnls);
    room->n = room->cramer && room->wnls ? n : 0;
    return room->n > 0;
}

static int complain(int rc, struct status *err)
{
    if (rc) {
        err->code = rc;
        snprintf(err->text, sizeof err->text, "%s",
                 rc == ERR_GEOMETRY ? "the three stations stand in one line in plan"
                                    : "no memory for so many users or bits");
    }
    return rc;
}

/* Kind location: [S1] figure 7a. */

enum { WITHIN, P50, P90, P95, N_ERRORS };
static const char *const location_names[] = {"cramer_within",   "cramer_p50_m", "cramer_p90_m",
                                             "cramer_p95_m",    "wnls_within",  "wnls_p50_m",
                                             "wnls_p90_m",      "wnls_p95_m",   "sigma_m",
                                             "analytic_cramer", "analytic_wnls"};

static size_t location_columns(const struct experiment_cfg *cfg, struct experiment_column *out)
{
    (void)cfg;
    return means(location_names, sizeof location_names / sizeof *location_names, out);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void describe(double *error, size_t n, double threshold, double out[N_ERRORS])
{
    size_t within = 0;
    qsort(error, n, sizeof *error, ascending);
    while (within < n && error[within] <= threshold)
        within++;
    out[WITHIN] = (double)within / (double)n;
    out[P50] = error[n / 2];
    out[P90] = error[n * 9 / 10];
    out[P95] = error[n * 95 / 100];
}

static int location_trial(void *workspace, const void *scenario, double *out, struct status *err)
{
    const struct link_trial *trial = scenario;
    struct room *room = workspace;
    int rc = make_room(room, trial->n_users) ? link_locate(trial, room->cramer, room->wnls)
                                             : ERR_NO_MEMORY;
    if (rc)
        return complain(rc, err);
    describe(room->cramer, trial->n_users, trial->threshold_m, out);
    describe(room->wnls, trial->n_users, trial->threshold_m, out + N_ERRORS);
    out[2 * N_ERRORS] = link_sigma_m(trial);
    struct link_share share;
    rc = link_located(trial, &share);
    out[2 * N_ERRORS + 1] = share.cramer;
    out[2 * N_ERRORS + 2] = share.wnls;
    return complain(rc, err);
}

/* Kind bits: figure 7b. */

static size_t bits_columns(const struct experiment_cfg *cfg, struct experiment_column *out)
{
    static const char *const names[] = {"ber", "theory"};
    (void)cfg;
    return means(names, 2, out);
}

static int bits_trial(void *workspace, const void *scenario, double *out, struct status *err)
{
    const struct link_trial *trial = scenario;
    size_t wrong;
    (void)workspace;
    int rc = link_send(trial, &wrong);
    out[0] = rc ? NAN : (double)wrong / (double)trial->n_bits;
    out[1] = link_ber(trial);
    return complain(rc, err);
}

/* Kind joint: figure 7c. */

static size_t joint_columns(const struct experiment_cfg *cfg, struct experiment_column *out)
{
    static const char *const names[] = {"success",        "located",      "ber",
                                        "analytic_frame", "analytic_bit", "analytic"};
    (void)cfg;
    return means(names, 6, out);
}

static int joint_trial(void *workspace, const void *scenario, double *out, struct status *err)
{
    const struct link_trial *trial = scenario;
    struct link_joint joint;
    (void)workspace;
    int rc = link_joint(trial, &joint);
    if (rc)
        return complain(rc, err);
    double n = (double)trial->n_users, whole = 1 - link_ber(trial);
    out[0] = (double)joint.n_success / n;
    out[1] = (double)joint.n_located / n;
    out[2] = (double)joint.n_wrong / (n * (double)trial->frame_bits);
    out[3] = out[1] * pow(whole, (double)trial->frame_bits);
    out[4] = out[1] * whole;
    struct link_share share;
    rc = link_located(trial, &share);
    out[5] = share.cramer * pow(whole, (double)trial->frame_bits);
    return complain(rc, err);
}

#define KIND(name_, help_)                                                                         \
    const struct experiment_kind experiment_##name_ = {                                            \
        .name = #name_,                                                                            \
        .help = help_,                                                                             \
        .scenario_size = sizeof(struct link_trial),                                                \
        .columns = name_##_columns,                                                                \
        .seed = seed,                                                                              \
        .create = create,                                                                          \
        .destroy = destroy,                                                                        \
        .trial = name_##_trial,                                                                    \
    }

KIND(location, "errors of users located by three path lengths, [S1] figure 7a");
KIND(bits, "bit errors beside theory, [S1] figure 7b");
KIND(joint, "users located and their frame received whole, [S1] figure 7c");
