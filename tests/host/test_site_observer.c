/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one cycle says of delay and channels, from every source, with channels of random phase and
 * gain behind a leak that clutter spoils; and when the operator is alarmed. */
#include "calib/array.h"
#include "dsp/array.h"
#include "dsp/fft.h"
#include "dsp/rng.h"
#include "host/site_alarm.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ANT = 4, SEEDS = 20, CYCLES = 4 };
#define LATENCY_S    1.64e-6
#define CABLE_M      3.7
#define OWN_NOISE    1e-3
#define ANSWER_NOISE 0.1 /* of a carrier, beside 1: 20 dB, far less than in the lab */

static const char yaml[] = "ris:\n"
                           "  boards:\n"
                           "    - {name: ris1, position_m: [7, 1.5, 1.9]}\n"
                           "    - {name: ris2, position_m: [1, 6, 1.7]}\n"
                           "users:\n"
                           "  - {id: 5, key_file: none}\n";

struct bench {
    struct bs_cfg cfg;
    struct site_observer *observer;
    size_t n_carrier;
    double spacing_hz, leak_m[ANT];
    struct site_sample sample;
};

static int set_up(void **state)
{
    static struct bench b;
    struct status err = {0};
    if (config_parse(&bs_config_table, "bs.yaml", yaml, sizeof yaml - 1, NULL, &b.cfg, &err))
        return -1;
    const struct waveform_cfg wave = bs_config_waveform(&b.cfg);
    b.n_carrier = wave.k;
    b.spacing_hz = waveform_spacing_hz(&wave);
    for (size_t a = 0; a < ANT; a++)
        b.leak_m[a] = vec3_dist(bs_config_anchors(&b.cfg).tx, bs_config_antenna(&b.cfg, a));
    b.observer = site_observer_create(&b.cfg, &err);
    b.sample.own = fft_alloc(ANT * b.n_carrier * sizeof(cplxf));
    b.sample.answer = fft_alloc(ANT * b.n_carrier * sizeof(cplxf));
    *state = &b;
    return b.observer && b.sample.own && b.sample.answer ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    site_observer_destroy(&b->observer);
    fft_free(b->sample.own);
    fft_free(b->sample.answer);
    return 0;
}

/* A radio behind its antennas, as one start finds it. */
struct radio_now {
    cplx channel[ANT]; /* random phase, gain +-0.5 dB */
    cplx spoilt[ANT];  /* what clutter makes of the leak's tap, 1 without */
    double late_s;     /* true latency over the one that the streams are cut by */
};

static double around(struct rng *rng, double most)
{
    return most * (2 * rng_u01(rng) - 1);
}

static struct radio_now draw(struct rng *rng)
{
    struct radio_now r = {.late_s = around(rng, 0.3e-9)};
    for (size_t a = 0; a < ANT; a++) {
        r.channel[a] = pow(10, around(rng, 0.5) / 20) * cexp(I * around(rng, PI));
        r.spoilt[a] = 1 + 0.15 * cexp(I * around(rng, PI));
    }
    return r;
}

static cplx carrier_turn(const struct bench *b, double length_m)
{
    return cexp(2 * I * PI * b->cfg.radio.carrier_hz * length_m / SPEED_OF_LIGHT);
}

/* Adds a path of its own length at every antenna; late_s: delay without carrier phase. */
static void add(const struct bench *b, cplxf *h, const cplx *gain, const double *length_m,
                double late_s)
{
    for (size_t a = 0; a < ANT; a++) {
        const cplx turn = gain[a] / carrier_turn(b, length_m[a]);
        const double tau = length_m[a] / SPEED_OF_LIGHT + late_s;
        for (size_t k = 0; k < b->n_carrier; k++) {
            double f = ((double)k - 0.5 * (double)(b->n_carrier - 1)) * b->spacing_hz;
            h[a * b->n_carrier + k] += (cplxf)(turn * cexp(-2 * I * PI * f * tau));
        }
    }
}

static void add_noise(const struct bench *b, struct rng *rng, double rms, cplxf *h)
{
    for (size_t i = 0; i < ANT * b->n_carrier; i++)
        h[i] += (cplxf)(rms * rng_cn(rng));
}

/* One cycle under a source: streams are divided by what the leak's tap says. */
static void make_sample(struct bench *b, struct rng *rng, const struct radio_now *r,
                        enum site_source from, struct vec3 user)
{
    struct site_sample *s = &b->sample;
    cplx own[ANT], clutter[ANT];
    double length_m[ANT], far_m[ANT], to_user_m[ANT];
    const bool cable = from == SITE_CABLE;
    memset(s->own, 0, ANT * b->n_carrier * sizeof(cplxf));
    memset(s->answer, 0, ANT * b->n_carrier * sizeof(cplxf));
    s->zero.latency_s = LATENCY_S; /* the pipeline puts what it hears first to the leak's length */
    if (cable)
        s->zero.latency_s += (CABLE_M - b->leak_m[0]) / SPEED_OF_LIGHT;
    s->answered = from == SITE_USER;
    for (size_t a = 0; a < ANT; a++) {
        const cplx shown =
            cable ? r->channel[a] * (0.3 + 0.1 * (double)a) : r->channel[a] * r->spoilt[a];
        s->correction[a] = 1;
        s->tap[a] = (cplxf)(shown / carrier_turn(b, b->leak_m[a]));
        own[a] = r->channel[a] / shown;
        clutter[a] = cable ? 0 : 0.1 * cexp(I * around(rng, PI)) * own[a];
        length_m[a] = cable ? b->leak_m[0] : b->leak_m[a];
        far_m[a] = b->leak_m[a] + 3 + 0.01 * (double)a;
        to_user_m[a] = vec3_dist(user, bs_config_antenna(&b->cfg, a));
    }
    add(b, s->own, own, length_m, r->late_s);
    add(b, s->own, clutter, far_m, r->late_s);
    add_noise(b, rng, OWN_NOISE, s->own);
    for (size_t a = 0; a < ANT; a++) /* the answer's delay is counted from its arrival */
        to_user_m[a] -= vec3_dist(user, bs_config_antenna(&b->cfg, 0));
    add(b, s->answer, r->channel, to_user_m, 0);
    add_noise(b, rng, ANSWER_NOISE, s->answer);
}

/* CYCLES of a source; y [CYCLES x ANT]. Returns the mean latency found. */
static double observe(struct bench *b, struct rng *rng, const struct radio_now *r,
                      const struct site_request *request, const cplx *cable, cplxf *y)
{
    double sum = 0, latency_s;
    for (int i = 0; i < CYCLES; i++) {
        make_sample(b, rng, r, request->from, request->position);
        int rc = site_observe(b->observer, &b->sample, request, cable, &latency_s, y + i * ANT);
        if (rc)
            fail_msg("cycle %d by %s: %s", i, site_source_name(request->from), status_name(rc));
        sum += latency_s / CYCLES;
    }
    return sum;
}

/* The signal of a source, after this correction, against its steering vector. */
static float match(const struct radio_now *r, const struct array_calib *c)
{
    cplxf ones[ANT], seen[ANT];
    for (size_t a = 0; a < ANT; a++) {
        ones[a] = 1;
        seen[a] = (cplxf)(1 / (r->spoilt[a] * c->channel[a]));
    }
    return array_match(ones, seen, ANT);
}

static void every_source_finds_channels_of_random_phase(void **state)
{
    struct bench *b = *state;
    struct rng rng = rng_seed(4);
    float worst[SITE_SOURCES] = {1, 1, 1, 1}, before = 1;
    double farthest_m = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
        const struct radio_now r = draw(&rng);
        struct array_calib c, cable = {0};
        for (enum site_source from = SITE_LEAK; from < SITE_SOURCES; from++) {
            const struct site_request request = {
                .kind = CALIB_CHANNELS,
                .from = from,
                .cable_m = CABLE_M,
                .position = {2 + 4 * rng_u01(&rng), 2 + 4 * rng_u01(&rng), 1.2},
            };
            cplxf y[CYCLES * ANT];
            double s = observe(b, &rng, &r, &request, cable.channel, y);
            assert_int_equal(array_calib_estimate(y, NULL, CYCLES, ANT, &c), OK);
            if (from == SITE_LEAK || from == SITE_CABLE)
                farthest_m = fmax(farthest_m, fabs(s - LATENCY_S - r.late_s) * SPEED_OF_LIGHT);
            if (from == SITE_CABLE)
                cable = c;
            else
                worst[from] = fminf(worst[from], match(&r, &c));
        }
        for (size_t a = 0; a < ANT; a++)
            c.channel[a] = r.channel[a]; /* as if the leak said nothing */
        before = fminf(before, match(&r, &c));
    }
    print_message("worst match by leak %.5f, cable %.5f, user %.5f; delay within %.1f mm\n",
                  (double)worst[SITE_LEAK], (double)worst[SITE_ANTENNAS], (double)worst[SITE_USER],
                  1e3 * farthest_m);
    assert_true(worst[SITE_LEAK] > 0.99f && worst[SITE_ANTENNAS] > 0.99f);
    assert_true(worst[SITE_USER] > 0.99f && before < 0.7f);
    assert_true(farthest_m < 0.02);
}

static void silence_is_no_observation(void **state)
{
    struct bench *b = *state;
    struct rng rng = rng_seed(5);
    const struct radio_now r = draw(&rng);
    double latency_s;
    cplxf y[ANT];
    for (enum site_source from = SITE_LEAK; from < SITE_SOURCES; from += SITE_USER) {
        const struct site_request request = {.from = from, .cable_m = 1, .position = {4, 4, 1}};
        make_sample(b, &rng, &r, SITE_LEAK, request.position); /* nobody answered */
        memset(b->sample.own, 0, ANT * b->n_carrier * sizeof(cplxf));
        assert_int_not_equal(site_observe(b->observer, &b->sample, &request, NULL, &latency_s, y),
                             OK);
    }
}

/* --- alarms ------------------------------------------------------------------------------- */

static uint32_t alarms_of(const struct bench *b, const struct site_status *status)
{
    return site_alarms(status, &b->cfg);
}

static void age_temperature_and_drift_alarm(void **state)
{
    const struct bench *b = *state;
    struct site_status s = {0};
    s.health.temperature_c = NAN;
    assert_int_equal(alarms_of(b, &s), 0);
    s.health.of[CALIB_DELAY].stored = s.health.of[CALIB_CHANNELS].stored = true;
    s.health.of[CALIB_DELAY].temperature_step_c = NAN; /* unknown is no alarm */
    assert_int_equal(alarms_of(b, &s), 0);
    s.health.of[CALIB_DELAY].age_s = b->cfg.calib.max_age_s + 1;
    assert_int_equal(alarms_of(b, &s), ALARM_DELAY_OLD);
    s.health.of[CALIB_CHANNELS].age_s = b->cfg.calib.max_age_s + 1;
    assert_int_equal(alarms_of(b, &s), ALARM_DELAY_OLD | ALARM_CHANNELS_OLD);
    s.health.of[CALIB_DELAY].age_s = s.health.of[CALIB_CHANNELS].age_s = 0;
    s.health.of[CALIB_CHANNELS].temperature_step_c = -b->cfg.calib.max_temperature_step_c - 1;
    assert_int_equal(alarms_of(b, &s), ALARM_TEMPERATURE);
    s.health.of[CALIB_CHANNELS].temperature_step_c = 0;
    s.delay_drift_m = -2 * b->cfg.calib.max_delay_drift_m;
    assert_int_equal(alarms_of(b, &s), ALARM_DELAY_DRIFT);
    s.delay_drift_m = 0;
    s.last.room_age_s = 3 * b->cfg.background.refresh_s;
    assert_int_equal(alarms_of(b, &s), ALARM_BACKGROUND_WANTED);
    s.last.room_age_s = 0;
    s.health.damaged = true;
    assert_int_equal(alarms_of(b, &s), ALARM_FILE_DAMAGED);
}

/* One bad cycle is none; and what a fault touched is not looked at. */
static void alarms_follow_cycles_smoothly(void **state)
{
    const struct bench *b = *state;
    struct site_status s = {0};
    struct cycle_report r = {.site = {.room = ROOM_UNKNOWN}};
    r.site.delay_drift_m = 2 * b->cfg.calib.max_delay_drift_m;
    r.faults = FAULT_RX_GAP;
    for (int i = 0; i < 200; i++)
        site_status_note(&s, &r);
    assert_int_equal(alarms_of(b, &s), 0);
    r.faults = 0;
    site_status_note(&s, &r);
    assert_int_equal(alarms_of(b, &s), 0);
    for (int i = 0; i < 100; i++)
        site_status_note(&s, &r);
    assert_int_equal(alarms_of(b, &s), ALARM_DELAY_DRIFT | ALARM_BACKGROUND_WANTED);
    r.site.steering_match = 0.5;
    site_status_note(&s, &r);
    assert_true(alarms_of(b, &s) & ALARM_CHANNELS_MATCH);
    for (size_t bit = 0; bit < SITE_ALARMS; bit++)
        assert_true(site_alarm_name(bit)[0] && site_alarm_text(bit)[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_source_finds_channels_of_random_phase),
        cmocka_unit_test(silence_is_no_observation),
        cmocka_unit_test(age_temperature_and_drift_alarm),
        cmocka_unit_test(alarms_follow_cycles_smoothly),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
