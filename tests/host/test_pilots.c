/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Live pilots: when they are due, what the extraction makes of a recorded train, how the
 * calibration thread hands its snapshots over, and their record on disk. */
#include "base/state_dir.h"
#include "dsp/fft.h"
#include "dsp/rng.h"
#include "host/calib_worker.h"
#include "host/pilot_extract.h"
#include "host/pixel_store.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { M = 256, N = 30 };

static struct bs_cfg cfg;
static struct schedule schedule;

static int load_lab(void **state)
{
    static const char lab[] = "ris:\n  boards:\n"
                              "    - {name: ris1, position_m: [7, 1.5, 1.9]}\n"
                              "    - {name: ris2, position_m: [1, 6, 1.7]}\n"
                              "users:\n  - {id: 5, key_file: user.key}\n"
                              "pixels: {every: 1, lag: 7}\n";
    struct status err = {0};
    (void)state;
    return config_parse(&bs_config_table, "bs.yaml", lab, sizeof lab - 1, NULL, &cfg, &err) ||
           bs_config_check(&cfg, "bs.yaml", &err) || bs_config_schedule(&cfg, &schedule, &err);
}

static void both_ends_agree_when_and_where(void **state)
{
    (void)state;
    const struct pilot_train t = {.every = 3, .n = 60};
    assert_true(pilot_train_due(&t, 9) && !pilot_train_due(&t, 10));
    assert_int_equal(pilot_train_ris(&t, 9), 1);
    assert_int_equal(pilot_train_ris(&t, 12), 0);
    assert_false(pilot_train_due(&(struct pilot_train){.every = 0}, 0));
    for (size_t i = 0; i < 60; i += 2) /* a profile and its inverse, the drift alternating */
        assert_true(pilot_sign(i) == -pilot_sign(i + 1) && pilot_sign(i) == -pilot_sign(i + 2));
}

/* --- extraction --------------------------------------------------------------------------- */

struct air {
    cplx g[N]; /* what the surface adds under profile i */
    struct block *block;
    struct block_pool *pool;
    struct cycle_report report;
};

static void add_way(const struct waveform_cfg *w, const cplxf *period, double delay, cplx gain,
                    double turn, cplx *out)
{
    const size_t slot = waveform_slot_samps(w);
    for (size_t n = 0; n < slot; n++) { /* whole-sample delays: the waveform repeats */
        size_t at = (n + 4 * w->n - (size_t)delay) % w->n;
        out[n] += gain * period[at] * cexp(I * turn);
    }
}

/* A user at u whose pilots come straight and, 30 dB below, by surface `ris`, to four antennas of
 * unknown phase, with a phase that wanders from pilot to pilot. */
static struct air *record(struct vec3 u, size_t ris)
{
    struct air *a = calloc(1, sizeof *a);
    struct status err = {0};
    struct rng rng = rng_seed(3);
    const struct waveform_cfg w = pilot_train_waveform(&cfg.pixels.train, bs_config_waveform(&cfg));
    const size_t slot = waveform_slot_samps(&w);
    const struct schedule_span *span = &schedule.window[WINDOW_PILOTS];
    const struct anchors anchors = bs_config_anchors(&cfg);
    struct waveform *wave = waveform_create(&w, &err);
    cplx *x = calloc(slot, sizeof *x);
    assert_true(a && wave && x);
    a->pool = block_pool_create(1, 4, (size_t)span->n, &err);
    a->block = block_pool_take(a->pool, false);
    a->block->kind = BLOCK_PILOTS;
    a->block->info.tick = 1000 + span->begin;
    a->block->plan = (struct cycle_plan){.index = 4, .cycle = 40 + ris};
    a->report = (struct cycle_report){.plan = a->block->plan,
                                      .outcome = FIX_DONE,
                                      .response_start = 1000 + (double)schedule.response + 200};
    a->report.fix.position = u;
    for (size_t i = 0; i < N; i++)
        a->g[i] = 0.03 * rng_cn(&rng);
    const double sample_m = SPEED_OF_LIGHT / w.rate_hz;
    for (size_t ant = 0; ant < 4; ant++) {
        struct vec3 rx = bs_config_antenna(&cfg, ant);
        double more =
            vec3_dist(u, anchors.ris[ris]) + vec3_dist(anchors.ris[ris], rx) - vec3_dist(u, rx);
        cplx phase = cexp(I * 2 * PI * rng_u01(&rng)), by = cexp(I * 2 * PI * rng_u01(&rng));
        for (size_t t = 0; t < 2 * N; t++) {
            size_t at = (size_t)(schedule.pilots - span->begin) + 200 + t * slot;
            double turn = 0.02 * (double)t + 0.3 * sin((double)t);
            memset(x, 0, slot * sizeof *x);
            add_way(&w, waveform_period(wave), 0, 0.3 * phase, turn, x);
            add_way(&w, waveform_period(wave), round(more / sample_m),
                    0.3 * phase * by * pilot_sign(t) * a->g[t / 2], turn, x);
            for (size_t n = 0; n < slot; n++) {
                cplx y = 32767 * x[n] + 3 * rng_cn(&rng);
                a->block->samp[ant][at + n] =
                    (struct sc16){(int16_t)lrint(creal(y)), (int16_t)lrint(cimag(y))};
            }
        }
    }
    free(x);
    waveform_destroy(&wave);
    return a;
}

static void air_free(struct air *a)
{
    block_pool_give(a->pool, a->block);
    block_pool_destroy(&a->pool);
    free(a);
}

static void a_train_gives_one_value_per_profile(void **state)
{
    (void)state;
    struct status err = {0};
    struct pilot_extract *e = pilot_extract_create(&cfg, &schedule, &err);
    struct pixel_pilots out;
    assert_non_null(e);
    for (size_t ris = 0; ris < 2; ris++) {
        struct air *a = record((struct vec3){4, 4.4, 1.2}, ris);
        cplx cross = 0;
        double own = 0, said = 0;
        assert_int_equal(pilot_extract_run(e, a->block, &a->report, &out), OK);
        assert_int_equal(out.n, N);
        assert_int_equal(out.ris, ris);
        for (size_t i = 0; i < N; i++) {
            cross += conj(a->g[i]) * out.y[i];
            own += cplx_norm(a->g[i]);
            said += cplx_norm(out.y[i]);
        }
        double lost = 1 - cplx_norm(cross) / (own * said); /* misfit with one common gain free */
        printf("RIS%zu: misfit %.1f dB, noise %.1f dB\n", ris + 1, 10 * log10(lost),
               10 * log10(out.noise_var * N / said));
        assert_true(lost < 1e-3);
        assert_true(out.noise_var * N / said < 1e-3);
        air_free(a);
    }
    pilot_extract_destroy(&e);
    pilot_extract_destroy(&e);
}

static void a_disturbed_cycle_gives_none(void **state)
{
    (void)state;
    struct status err = {0};
    struct pilot_extract *e = pilot_extract_create(&cfg, &schedule, &err);
    struct air *a = record((struct vec3){4, 4.4, 1.2}, 0);
    struct pixel_pilots out;
    assert_non_null(e);
    a->report.faults = FAULT_RIS_LATE;
    assert_int_equal(pilot_extract_run(e, a->block, &a->report, &out), ERR_STATE);
    a->report.faults = 0;
    a->report.outcome = FIX_REFUSED;
    assert_int_equal(pilot_extract_run(e, a->block, &a->report, &out), ERR_STATE);
    a->report.outcome = FIX_DONE;
    a->block->info.faults = FAULT_RX_GAP;
    assert_int_equal(pilot_extract_run(e, a->block, &a->report, &out), ERR_STATE);
    a->block->info.faults = 0;
    a->report.plan.index++; /* another cycle's answer */
    assert_int_equal(pilot_extract_run(e, a->block, &a->report, &out), ERR_STATE);
    a->report.plan.index--;
    for (size_t ant = 0; ant < 4; ant++) /* the user sent no train */
        for (size_t n = 0; n < a->block->n_samp; n++)
            a->block->samp[ant][n] = (struct sc16){(int16_t)(n % 5), (int16_t)(n % 3)};
    assert_int_equal(pilot_extract_run(e, a->block, &a->report, &out), ERR_NO_PEAK);
    air_free(a);
    pilot_extract_destroy(&e);
}

/* --- the worker --------------------------------------------------------------------------- */

static struct calib_worker *make_worker(bool lossless)
{
    static cplx profiles[N * M];
    struct status err = {0};
    struct rng rng = rng_seed(5);
    for (size_t i = 0; i < N * M; i++)
        profiles[i] = rng_u01(&rng) < 0.5 ? -1 : 1;
    const struct calib_worker_cfg wc = {
        .cfg = &cfg, .profiles = {profiles, profiles}, .lossless = lossless};
    struct calib_worker *w = calib_worker_create(&wc, &err);
    if (!w)
        fail_msg("%s", err.text);
    return w;
}

static struct pixel_pilots train_of(int64_t index)
{
    struct rng rng = rng_seed((uint64_t)index);
    struct pixel_pilots p = {.index = index,
                             .cycle = (uint64_t)index,
                             .time_s = 0.2 * (double)index,
                             .n = N,
                             .position = {4, 4, 1.2}};
    p.cov[0][0] = p.cov[1][1] = p.cov[2][2] = 0.01;
    for (size_t i = 0; i < N; i++)
        p.y[i] = rng_cn(&rng);
    return p;
}

static void under_load_the_oldest_are_dropped_and_counted(void **state)
{
    (void)state;
    struct calib_worker *w = make_worker(false);
    struct calib_counters n;
    uint64_t version = 0;
    static struct pixel_map map;
    for (int64_t i = 0; i < 20; i++) { /* nobody works */
        struct pixel_pilots p = train_of(i);
        calib_worker_put(w, &p);
        assert_false(calib_worker_adopt(w, 0, i, &version, &map));
    }
    calib_worker_counters(w, &n);
    assert_int_equal(n.put, 20);
    assert_int_equal(n.dropped, 4);
    calib_worker_stop(w);
    calib_worker_destroy(&w);
    calib_worker_destroy(&w);
}

static void *work(void *worker)
{
    calib_worker_run(worker);
    return NULL;
}

/* The snapshot of a cycle is that of 7 cycles before, however fast the worker is. */
static void lossless_snapshots_are_adopted_at_a_fixed_lag(void **state)
{
    (void)state;
    struct calib_worker *w = make_worker(true);
    pthread_t thread;
    uint64_t version = 0;
    static struct pixel_map map;
    assert_int_equal(pthread_create(&thread, NULL, work, w), 0);
    for (int64_t i = 0; i < 30; i++) {
        struct pixel_pilots p = train_of(i);
        bool due = i >= 11 && (i - 11) % CALIB_JUDGE_EVERY == 0; /* trains 0..4 were judged at 4 */
        assert_int_equal(calib_worker_adopt(w, 0, i, &version, &map), due);
        if (due)
            assert_int_equal(map.cycle, i - 7);
        calib_worker_put(w, &p);
    }
    assert_false(calib_worker_adopt(w, 1, 30, &version, &map)); /* nothing of the other one */
    calib_worker_stop(w);
    pthread_join(thread, NULL);
    calib_worker_destroy(&w);
}

/* --- on disk ------------------------------------------------------------------------------ */

static char folder[] = "/tmp/mirador-pilots-XXXXXX";

static void the_record_comes_back_as_it_was(void **state)
{
    (void)state;
    static struct pixel_map map, back;
    struct status err = {0};
    char path[256];
    struct pixel_store_head head = {
        .board = "ris1", .serial = "A/7", .columns = 16, .rows = 2, .alarm = 0.4};
    struct pixel_store_head said;
    map = (struct pixel_map){.n_element = 32, .cycle = 99, .time_s = 12.5, .used = 40};
    for (size_t m = 0; m < 32; m++) {
        map.state[m] = m == 3 ? PIXEL_FAILED : m == 4 ? PIXEL_UNKNOWN : PIXEL_HEALTHY;
        map.mask[m] = m == 3 ? CMPLXF(0.1f, -0.2f) : 1;
        map.sigma_of[m] = 0.1f;
        map.log_odds[m] = -3;
    }
    pixel_store_path(folder, &head, path, sizeof path);
    assert_non_null(strstr(path, "/pixels-A_7.json"));
    assert_int_equal(pixel_store_read(path, &said, &back, &err), ERR_NOT_FOUND);
    assert_int_equal(pixel_store_write(path, &head, &map, &err), OK);
    assert_int_equal(pixel_store_read(path, &said, &back, &err), OK);
    assert_string_equal(said.serial, "A/7");
    assert_true(back.n_element == 32 && back.failed == 1 && back.unknown == 1 && back.cycle == 99);
    assert_true(cabsf(back.mask[3] - map.mask[3]) < 1e-4f && back.state[3] == PIXEL_FAILED);
    unlink(path);
}

static void damaged_records_are_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"{", "remove it"},
        {"{\"format\":\"x\"}", "no record of pixels"},
        {"{\"format\":\"mirador-pixels\",\"version\":1,\"columns\":2,\"rows\":1,\"pixels\":[[1,1,0,"
         "0,0]]}",
         "do not agree"},
        {"{\"format\":\"mirador-pixels\",\"version\":1,\"columns\":1,\"rows\":1,\"pixels\":[[7,1,0,"
         "0,0]]}",
         "cannot be"},
        {"{\"format\":\"mirador-pixels\",\"version\":1,\"columns\":1,\"rows\":1,\"pixels\":[[1,1,"
         "\"a\",0,0]]}",
         "cannot be"},
        {"{\"format\":\"mirador-pixels\",\"version\":1,\"columns\":1,\"rows\":1,\"pixels\":[[1,1,0,"
         "1e300,0]]}",
         "cannot be"},
        {"{\"format\":\"mirador-pixels\",\"format\":\"mirador-pixels\"}", "duplicate"},
    };
    static struct pixel_map map;
    struct pixel_store_head head;
    char path[256];
    snprintf(path, sizeof path, "%s/pixels-x.json", folder);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct status err = {0};
        assert_int_equal(file_replace(path, bad[i][0], strlen(bad[i][0]), 0600, &err), OK);
        assert_int_equal(pixel_store_read(path, &head, &map, &err), ERR_FORMAT);
        if (!strstr(err.text, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], err.text);
    }
    unlink(path);
}

static int make_folder(void **state)
{
    return load_lab(state) || !mkdtemp(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_agree_when_and_where),
        cmocka_unit_test(a_train_gives_one_value_per_profile),
        cmocka_unit_test(a_disturbed_cycle_gives_none),
        cmocka_unit_test(under_load_the_oldest_are_dropped_and_counted),
        cmocka_unit_test(lossless_snapshots_are_adopted_at_a_fixed_lag),
        cmocka_unit_test(the_record_comes_back_as_it_was),
        cmocka_unit_test(damaged_records_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
