/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Experiments: seeds, statistics, the plan and what it refuses (with line and column), results on
 * disk, threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "calib/experiment.h"
#include "host/cli/sweep_crew.h"
#include "host/cli/sweep_output.h"

static char folder[] = "/tmp/mirador-sweep-XXXXXX", path[200];

static const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(in_folder(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[200];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void statistics_leave_out_what_is_not_there(void **state)
{
    const double v[] = {3, -1, NAN, -1, 4, -1, 0, -1};
    double scratch[4];
    (void)state;
    assert_true(experiment_reduce(EXPERIMENT_COUNT, v, 4, 2, scratch) == 3);
    assert_true(fabs(experiment_reduce(EXPERIMENT_MEAN, v, 4, 2, scratch) - 7. / 3) < 1e-15);
    assert_true(fabs(experiment_reduce(EXPERIMENT_RMS, v, 4, 2, scratch) - sqrt(25. / 3)) < 1e-15);
    assert_true(experiment_reduce(EXPERIMENT_MEDIAN, v, 4, 2, scratch) == 3);
    assert_true(experiment_reduce(EXPERIMENT_MEDIAN, v, 2, 4, scratch) == 3.5);
    assert_true(isnan(experiment_reduce(EXPERIMENT_MEAN, v + 2, 1, 1, scratch)));
}

static void every_trial_has_its_own_seed(void **state)
{
    static uint64_t seeds[2000];
    (void)state;
    for (uint64_t i = 0; i < 2000; i++) {
        seeds[i] = experiment_trial_seed(1 + i / 1000, i % 1000);
        for (uint64_t k = 0; k < i; k++)
            assert_true(seeds[k] != seeds[i]);
    }
    assert_true(experiment_trial_seed(2, 7) == experiment_trial_seed(2, 7));
}

static const char small[] = "methods: [joint, agnostic]\n"
                            "trials: 10\n"
                            "scenario: [ris.columns=6, ris.rows=5, failures.count=1]\n"
                            "axes:\n"
                            "  - {keys: [pilots.snr_db], values: [10, 30]}\n"
                            "  - {keys: [pilots.count], values: [12, 16]}\n"
                            "figures:\n"
                            "  - {name: rmse, curves: [joint_error_m_rms joint], "
                            "only: [pilots.count=16]}\n";

static struct sweep_plan *small_plan(const char *const *sets, size_t n)
{
    struct status err = {0};
    write_file("small.yaml", small);
    struct sweep_plan *plan =
        sweep_plan_read(in_folder("small.yaml"), &(struct config_sets){sets, n}, &err);
    if (!plan)
        fail_msg("%s", err.text);
    return plan;
}

static void a_plan_is_points_by_trials(void **state)
{
    size_t index[SWEEP_MAX_AXES], column;
    enum experiment_statistic s;
    (void)state;
    struct sweep_plan *plan = small_plan(NULL, 0);
    assert_int_equal(plan->n_points, 4);
    assert_int_equal(plan->n_trials, 10);
    assert_int_equal(plan->n_rows, 1);
    sweep_plan_place(plan, 2, index);
    assert_int_equal(index[0], 1);
    assert_int_equal(index[1], 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sweep_plan_order(plan, i), i % 2 * 2 + i / 2);
    assert_true(sweep_plan_column(plan, "joint_error_m_median", &column, &s));
    assert_string_equal(plan->columns[column].name, "joint_error_m");
    assert_int_equal(s, EXPERIMENT_MEDIAN);
    assert_false(sweep_plan_column(plan, "l1_error_m_rms", &column, &s));
    sweep_plan_destroy(&plan);
    sweep_plan_destroy(&plan);
}

/* What decides the numbers decides the digest, what is for the eye does not. */
static void a_plan_knows_itself(void **state)
{
    static const char *const seed[] = {"seed=2"}, *const title[] = {"title=other"},
                             *const value[] = {"axes[0].values[1]=31"};
    (void)state;
    struct sweep_plan *a = small_plan(NULL, 0), *b = small_plan(seed, 1), *c = small_plan(title, 1),
                      *d = small_plan(value, 1);
    assert_memory_not_equal(a->digest, b->digest, sizeof a->digest);
    assert_memory_equal(a->digest, c->digest, sizeof a->digest);
    assert_memory_not_equal(a->digest, d->digest, sizeof a->digest);
    sweep_plan_destroy(&a);
    sweep_plan_destroy(&b);
    sweep_plan_destroy(&c);
    sweep_plan_destroy(&d);
}

static void faults_are_told_with_their_place(void **state)
{
    static const struct {
        const char *text, *place, *words;
    } faults[] = {
        {"trials: 3\nmethds: [joint]\n", ":2:1: ", "did you mean 'methods'"},
        {"methods: [joint]\n", "", "trials"},
        {"trials: 0\n", ":1:9: ", "trials"},
        {"trials: 3\nmethods: [joint, agnostc]\n", ":2:18: ", "did you mean 'agnostic'"},
        {"trials: 3\nvary: [noise, masks]\n", ":2:15: ", "'masks' cannot vary"},
        {"trials: 3\nbounds: no\n", ": ", "nothing to measure"},
        {"trials: 3\nscenario: [pilots.snr_db=x]\n", ":2:12: ", "snr_db"},
        {"trials: 3\nscenario:\n  - pilots.snr=3\n", ":3:5: ", "unknown key"},
        {"trials: 3\naxes:\n  - {keys: [pilots.count], values: [20, 0]}\n",
         ":3:41: ", "out of range"},
        {"trials: 3\naxes:\n  - {keys: [pilots.coun], values: [20]}\n",
         ":3:36: ", "did you mean 'pilots.count'"},
        {"trials: 3\naxes:\n  - {keys: [], values: [20]}\n", ":3:12: ", "keys"},
        {"trials: 3\nkind: pixel\n", ":2:7: ", "kind"},
        {"trials: 3\naxes: [{keys: [pilots.count], values: [20]}]\n"
         "figures:\n  - {name: a, curves: [joint_error_m_rms]}\n",
         ":4:24: ", "no column 'joint_error_m_rms'"},
        {"trials: 3\nfigures:\n  - {name: a, curves: [lb_m_rms]}\n", ":3:5: ", "needs an axis"},
        {"trials: 3\naxes: [{keys: [pilots.profiles], values: [random, one_bit]}]\n"
         "figures:\n  - {name: a, curves: [lb_m_rms]}\n",
         ":4:5: ", "needs numbers, not 'random'"},
        {"trials: 3\naxes: [{keys: [pilots.count], values: [20]}]\n"
         "figures:\n  - {name: ../a, curves: [lb_m_rms]}\n",
         ":4:5: ", "letters"},
        {"trials: 3\naxes: [{keys: [pilots.count], values: [20]}]\n"
         "figures:\n  - {name: a, curves: [lb_m_rms], only: [pilots.count=20]}\n",
         ":4:5: ", "second or a later axis"},
        {"trials: 3\nkind: mask\nmethods: [joint]\n"
         "axes: [{keys: [ris.columns], values: [5, 6]}]\n",
         ":4:1: ", "same number of elements"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct status err = {0};
        char place[240];
        write_file("bad.yaml", faults[i].text);
        snprintf(place, sizeof place, "%s%s", in_folder("bad.yaml"), faults[i].place);
        struct sweep_plan *plan = sweep_plan_read(in_folder("bad.yaml"), NULL, &err);
        if (plan || err.code != ERR_ARG || strncmp(err.text, place, strlen(place)) != 0 ||
            !strstr(err.text, faults[i].words))
            fail_msg("case %zu: expected '%s' and '%s', got: %d %s", i, place, faults[i].words,
                     err.code, err.text);
    }
    struct status err = {0};
    assert_null(sweep_plan_read(in_folder("absent.yaml"), NULL, &err));
    assert_int_equal(err.code, ERR_IO);
}

static void run_all(struct sweep_store *store, size_t n_threads)
{
    struct status err = {0};
    struct sweep_crew *crew = sweep_crew_start(store, n_threads, &err);
    assert_non_null(crew);
    for (uint32_t p = 0; p < store->plan->n_points; p++)
        for (uint32_t first = 0; first < store->plan->n_trials; first += SWEEP_BATCH) {
            struct sweep_batch batch = {p, first, 0};
            for (uint32_t i = 0; i < SWEEP_BATCH && first + i < store->plan->n_trials; i++)
                if (!store->done[p * store->plan->n_trials + first + i])
                    batch.todo |= 1u << i;
            assert_true(sweep_crew_push(crew, &batch, 1));
        }
    sweep_crew_close(crew, false);
    while (!sweep_crew_idle(crew))
        usleep(1000);
    assert_false(sweep_crew_failed(crew));
    assert_int_equal(sweep_crew_end(&crew, &err), 0);
    assert_int_equal(sweep_store_count(store), store->n_items);
}

static void same_values(const struct sweep_store *a, const struct sweep_store *b)
{
    assert_memory_equal(a->values, b->values, a->n_items * a->plan->width * sizeof *a->values);
}

static void threads_and_resuming_change_no_bit(void **state)
{
    struct status err = {0};
    (void)state;
    struct sweep_plan *plan = small_plan(NULL, 0);
    struct sweep_store *one = sweep_store_create(plan, &err),
                       *three = sweep_store_create(plan, &err),
                       *half = sweep_store_create(plan, &err);
    run_all(one, 1);
    run_all(three, 3);
    same_values(one, three);
    for (size_t i = 0; i < one->n_items; i += 3) {
        memcpy(sweep_store_at(half, i), sweep_store_at(one, i), plan->width * sizeof(double));
        sweep_store_done(half, i);
    }
    assert_int_equal(sweep_store_save(half, in_folder("c"), &err), 0);
    sweep_store_destroy(&half);
    half = sweep_store_create(plan, &err);
    assert_int_equal(sweep_store_load(half, in_folder("c"), &err), 0);
    assert_int_equal(half->n_done, (one->n_items + 2) / 3);
    run_all(half, 2);
    same_values(one, half);
    sweep_store_destroy(&one);
    sweep_store_destroy(&three);
    sweep_store_destroy(&half);
    sweep_plan_destroy(&plan);
}

static size_t read_bytes(const char *name, char *bytes, size_t size)
{
    FILE *f = fopen(in_folder(name), "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, size, f);
    fclose(f);
    return n;
}

static void write_bytes(const char *name, const char *bytes, size_t n)
{
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* Any flipped byte and any cut is noticed; a checkpoint of something else is refused. */
static void damaged_checkpoints_are_refused(void **state)
{
    static const char *const seed[] = {"seed=2"};
    static char bytes[65536];
    struct status err = {0};
    (void)state;
    struct sweep_plan *plan = small_plan(NULL, 0), *other = small_plan(seed, 1);
    struct sweep_store *store = sweep_store_create(plan, &err),
                       *of_other = sweep_store_create(other, &err);
    assert_int_equal(sweep_store_load(store, in_folder("none"), &err), ERR_NOT_FOUND);
    for (size_t i = 0; i < 5; i++) {
        for (size_t c = 0; c < plan->width; c++)
            sweep_store_at(store, i)[c] = (double)(i + c);
        sweep_store_done(store, i);
    }
    assert_int_equal(sweep_store_save(store, in_folder("c"), &err), 0);
    assert_int_equal(sweep_store_load(of_other, in_folder("c"), &err), ERR_STATE);
    assert_non_null(strstr(err.text, "another experiment"));
    sweep_store_destroy(&store);
    size_t n = read_bytes("c", bytes, sizeof bytes);
    assert_true(n > 500 && n < sizeof bytes);
    for (size_t i = 0; i < n; i += i < 80 ? 1 : 97) {
        bytes[i] ^= 0x10;
        write_bytes("d", bytes, n);
        bytes[i] ^= 0x10;
        store = sweep_store_create(plan, &err);
        assert_int_equal(sweep_store_load(store, in_folder("d"), &err), ERR_FORMAT);
        assert_non_null(strstr(err.text, "damaged"));
        sweep_store_destroy(&store);
    }
    for (size_t cut = 0; cut < n; cut += 61) {
        write_bytes("d", bytes, cut);
        store = sweep_store_create(plan, &err);
        assert_int_equal(sweep_store_load(store, in_folder("d"), &err), ERR_FORMAT);
        sweep_store_destroy(&store);
    }
    sweep_store_destroy(&of_other);
    sweep_plan_destroy(&plan);
    sweep_plan_destroy(&other);
}

/* A trial that cannot be drawn ends the run and says which. */
static void an_impossible_trial_ends_the_run(void **state)
{
    static const char *const sets[] = {"scenario[0]=pilots.count=5"};
    struct status err = {0};
    (void)state;
    write_file("small.yaml",
               "methods: [joint]\nbounds: no\ntrials: 2\nscenario: [pilots.count=8]\n");
    struct sweep_plan *plan =
        sweep_plan_read(in_folder("small.yaml"), &(struct config_sets){sets, 1}, &err);
    assert_non_null(plan);
    struct sweep_store *store = sweep_store_create(plan, &err);
    struct sweep_crew *crew = sweep_crew_start(store, 2, &err);
    assert_true(sweep_crew_push(crew, &(struct sweep_batch){0, 0, 3}, 1));
    while (!sweep_crew_idle(crew))
        usleep(1000);
    assert_true(sweep_crew_failed(crew));
    assert_int_not_equal(sweep_crew_end(&crew, &err), 0);
    assert_non_null(strstr(err.text, "point 0, trial 0: "));
    sweep_store_destroy(&store);
    sweep_plan_destroy(&plan);
}

/* The bounds and errors of a trial are those that the estimators and the bounds give one by one. */
static void tables_hold_what_was_measured(void **state)
{
    struct status err = {0};
    char text[4000];
    (void)state;
    struct sweep_plan *plan = small_plan(NULL, 0);
    struct sweep_store *store = sweep_store_create(plan, &err);
    for (size_t i = 0; i < store->n_items; i++)
        for (size_t c = 0; c < plan->width; c++)
            sweep_store_at(store, i)[c] = (double)(i / plan->n_trials) + (double)(i % 2) - 0.5;
    char prefix[220];
    snprintf(prefix, sizeof prefix, "%s", in_folder("out"));
    assert_int_equal(sweep_write_csv(store, prefix, &err), 0);
    text[read_bytes("out.csv", text, sizeof text - 1)] = 0;
    assert_int_equal(
        strncmp(text, "pilots.snr_db,pilots.count,trials,failures_mean,crb_perfect_m_", 60), 0);
    assert_non_null(strstr(text, "\n10,12,10,0,0.5,0,10,"));
    assert_non_null(strstr(text, "\n30,16,10,3,"));
    sweep_store_destroy(&store);
    sweep_plan_destroy(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_leave_out_what_is_not_there),
        cmocka_unit_test(every_trial_has_its_own_seed),
        cmocka_unit_test(a_plan_is_points_by_trials),
        cmocka_unit_test(a_plan_knows_itself),
        cmocka_unit_test(faults_are_told_with_their_place),
        cmocka_unit_test(threads_and_resuming_change_no_bit),
        cmocka_unit_test(damaged_checkpoints_are_refused),
        cmocka_unit_test(an_impossible_trial_ends_the_run),
        cmocka_unit_test(tables_hold_what_was_measured),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
