/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Quantiles against sorted samples, threads that add at once, and a stage that was late because the
 * CPU was taken away from everybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/realtime.h"
#include "dsp/rng.h"
#include "host/clock.h"
#include "host/deadlines.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 20000, MS = 1000000 };

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void quantiles_are_at_most_a_sixteenth_too_large(void **state)
{
    (void)state;
    static int64_t ns[N];
    static struct histogram h;
    struct histogram_summary s;
    struct rng rng = rng_seed(5);
    histogram_read(&h, &s);
    assert_true(s.n == 0 && s.p50_us == 0 && s.max_us == 0);
    for (size_t i = 0; i < N; i++) /* 1 us to 1 s, evenly in octaves */
        histogram_add(&h, ns[i] = (int64_t)(1e3 * pow(1e6, rng_u01(&rng))));
    qsort(ns, N, sizeof *ns, by_value);
    histogram_read(&h, &s);
    const double share[] = {0.5, 0.99, 0.999}, got[] = {s.p50_us, s.p99_us, s.p999_us};
    assert_int_equal(s.n, N);
    for (size_t i = 0; i < 3; i++) {
        double exact = 1e-3 * (double)ns[(size_t)ceil(share[i] * N) - 1];
        assert_true(got[i] >= exact && got[i] <= exact * (1 + 1.0 / HISTOGRAM_SUB));
    }
    assert_true(fabs(s.max_us - 1e-3 * (double)ns[N - 1]) < 1e-9);
}

static void nothing_falls_out_of_the_bins(void **state)
{
    (void)state;
    static struct histogram h;
    struct histogram_summary s;
    const int64_t odd[] = {-5, 0, 1, 15, 16, 17, INT64_MAX};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        histogram_add(&h, odd[i]);
    histogram_read(&h, &s);
    assert_int_equal(s.n, 7);
    assert_true(fabs(s.p50_us - 0.015) < 1e-12);
    assert_true(s.max_us > 9e15);
}

static void *add_many(void *h)
{
    for (int i = 0; i < N; i++)
        histogram_add(h, i);
    return NULL;
}

static void threads_add_at_once(void **state)
{
    (void)state;
    static struct histogram h;
    struct histogram_summary s;
    pthread_t a, b;
    assert_int_equal(pthread_create(&a, NULL, add_many, &h), 0);
    assert_int_equal(pthread_create(&b, NULL, add_many, &h), 0);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    histogram_read(&h, &s);
    assert_int_equal(s.n, 2 * N);
    assert_true(fabs(s.max_us - 1e-3 * (N - 1)) < 1e-9);
}

static void counts_what_is_over_budget(void **state)
{
    (void)state;
    const struct deadlines_cfg cfg = {.budget_s = {[DEADLINE_FIX] = 1e-3}};
    struct deadline out[DEADLINE_STAGES];
    struct deadlines *d = deadlines_create(&cfg, NULL);
    assert_non_null(d);
    deadlines_note(d, DEADLINE_FIX, 0, 1 * MS); /* just in time */
    deadlines_note(d, DEADLINE_FIX, 0, 1 * MS + 1);
    deadlines_note(d, DEADLINE_ARM, 0, 1000ll * MS); /* has no budget */
    deadlines_read(d, out);
    assert_int_equal(out[DEADLINE_FIX].took.n, 2);
    assert_int_equal(out[DEADLINE_FIX].missed, 1);
    assert_int_equal(out[DEADLINE_FIX].inconclusive, 0);
    assert_int_equal(out[DEADLINE_ARM].took.n, 1);
    assert_int_equal(out[DEADLINE_ARM].missed, 0);
    deadlines_destroy(&d);
    assert_null(d);
    deadlines_destroy(&d);
}

struct thief {
    int cpu;
    int64_t begin_ns, end_ns;
};

/* Keeps the CPU from everybody, the witness included, for 8 ms. */
static void *steal(void *context)
{
    struct thief *t = context;
    const struct realtime_cfg wish = {
        .priority = REALTIME_WITNESS + 10, .cpus = &t->cpu, .n_cpu = 1};
    if (!realtime_apply(pthread_self(), &wish).fifo)
        return NULL;
    t->begin_ns = t->end_ns = clock_ns();
    while (t->end_ns < t->begin_ns + 8 * MS)
        t->end_ns = clock_ns();
    return NULL;
}

static uint64_t hiccups(const struct witness *w)
{
    struct witness_summary s;
    witness_read(w, &s);
    return s.hiccups;
}

static void a_stolen_cpu_excuses(void **state)
{
    (void)state;
    struct status err = {0};
    struct thief thief = {0};
    struct deadline out[DEADLINE_STAGES];
    pthread_t thread;
    assert_true(realtime_cpus(&thief.cpu, 1) == 1);
    struct witness *w = witness_create(&thief.cpu, 1, &err);
    if (!w)
        skip(); /* SCHED_FIFO is not permitted here: err.text says so */
    const struct deadlines_cfg cfg = {.budget_s = {[DEADLINE_FIX] = 5e-3}, .witness = w};
    struct deadlines *d = deadlines_create(&cfg, NULL);
    uint64_t before = hiccups(w);
    assert_int_equal(pthread_create(&thread, NULL, steal, &thief), 0);
    pthread_join(thread, NULL);
    assert_true(thief.end_ns > thief.begin_ns);
    while (hiccups(w) == before)
        ;
    assert_true(witness_away_ns(w, thief.begin_ns, thief.end_ns) > 6 * MS);
    deadlines_note(d, DEADLINE_FIX, thief.begin_ns, thief.end_ns);
    deadlines_read(d, out);
    assert_int_equal(out[DEADLINE_FIX].inconclusive, 1);
    assert_int_equal(out[DEADLINE_FIX].missed, 0);
    /* Late by more than the machine was away: ours. And long before: nobody was away. */
    deadlines_note(d, DEADLINE_FIX, thief.begin_ns - 10000ll * MS, thief.end_ns);
    deadlines_note(d, DEADLINE_FIX, thief.begin_ns - 2000ll * MS, thief.begin_ns - 1990ll * MS);
    deadlines_read(d, out);
    assert_int_equal(out[DEADLINE_FIX].missed, 2);
    deadlines_destroy(&d);
    witness_destroy(&w);
    assert_null(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_at_most_a_sixteenth_too_large),
        cmocka_unit_test(nothing_falls_out_of_the_bins),
        cmocka_unit_test(threads_add_at_once),
        cmocka_unit_test(counts_what_is_over_budget),
        cmocka_unit_test(a_stolen_cpu_excuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
