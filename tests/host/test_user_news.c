/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is told of a user: everything while they permit it; after a no, an order, or long silence
 * nothing of where they are or were. */
#include "host/bs/user_news.h"
#include "tests/host/pipeline_rig.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

enum { USER = 5, MESSAGES = 8 };

static struct {
    char topic[MESSAGES][16];
    json_t *header[MESSAGES];
    size_t n;
    unsigned healths;
} told;
static char text[32768];
static struct user_news news;
static double device_s; /* of the last cycle that was told */

static void publish(void *context, const char *topic, int length, const void *array, size_t n_byte)
{
    (void)context, (void)n_byte;
    assert_true(length > 0 && told.n < MESSAGES);
    assert_int_equal(array != NULL, strcmp(topic, "paths") == 0);
    strcpy(told.topic[told.n], topic);
    told.header[told.n] = json_loadb(text, (size_t)length, 0, NULL);
    assert_non_null(told.header[told.n]);
    told.n++;
}

static void health(void *context)
{
    (void)context;
    told.healths++;
}

static void hear_nothing(void)
{
    while (told.n > 0)
        json_decref(told.header[--told.n]);
}

static const json_t *heard(const char *topic)
{
    for (size_t i = 0; i < told.n; i++)
        if (strcmp(told.topic[i], topic) == 0)
            return told.header[i];
    return NULL;
}

static int begin(void **state)
{
    if (set_up(state))
        return -1;
    const struct bench *b = *state;
    news = (struct user_news){.cfg = {.pipeline = b->pipeline,
                                      .publish = publish,
                                      .health = health,
                                      .text = text,
                                      .size = sizeof text}};
    told.healths = 0;
    return 0;
}

static int end(void **state)
{
    hear_nothing();
    return tear_down(state);
}

static void tell(struct cycle_report *r)
{
    hear_nothing();
    user_news_fix(&news, r, 1);
    user_news_cycle(&news, r, 1);
    device_s = r->time_s;
}

static void assert_forgotten(const char *consent)
{
    const json_t *cycle = heard("cycle");
    assert_true(told.n == 1 && cycle);
    assert_true(json_is_true(json_object_get(cycle, "forgotten")));
    assert_string_equal(json_string_value(json_object_get(cycle, "state")), consent);
    assert_null(json_object_get(cycle, "paths"));
    assert_null(json_object_get(cycle, "profile"));
    assert_true(json_is_null(json_object_get(cycle, "response_snr_db")));
}

/* What the boards acknowledged for the user's cycle. Whether the hash of the beam is told; that of
 * a board which shows the base always is. */
static bool beam_is_told(void)
{
    struct telemetry_ris r = {
        .n_board = BS_RIS,
        .shown = {.id = USER, .profile = {3, PROFILE_BASE}, .beams = true},
        .ack = {{.hash = 0x1234}, {.hash = 0x5678}},
    };
    user_news_ris(&news, &r);
    assert_int_equal(r.ack[1].hash, 0x5678);
    return r.ack[0].hash == 0x1234;
}

/* The slot of data of the cycle before, heard now. Whether its strength and beam are told. */
static bool link_is_told(void)
{
    struct link_report r = {.user_id = USER,
                            .kind = LINK_SLOT_DATA,
                            .beam = {LINK_AIM_TRACK, {1, 2, 3}, 6, 0.1f, 0.2f, 1.5f, 40},
                            .up = {.found = true, .ok = true, .slot = {.snr_db = 20}}};
    hear_nothing();
    user_news_link(&news, 0, &r);
    const json_t *link = heard("link");
    const bool snr = json_is_number(json_object_get(link, "up_snr_db"));
    assert_int_equal(beam_is_told(), snr);
    assert_int_equal(json_object_get(link, "aim_m") != NULL, snr);
    return snr;
}

/* Whether health tells of the user, so long after the last cycle; of the slots that were heard it
 * tells then and only then. */
static bool is_told_later(double later_s)
{
    static struct health h;
    const double now_ns = 1e9 * (device_s + later_s);
    h = (struct health){.room_s = 10,
                        .orders = {.n_user = 1, .user = {{.id = USER}}},
                        .traffic = {.carries = true, .n = 1, .user = {{.id = USER}}}};
    user_news_health(&news, llround(now_ns) - atomic_load(&news.cfg.pipeline->ahead_ns), &h);
    const struct health_link_user *link = &h.traffic.user[0];
    const bool told_of = !h.orders.user[0].forgotten;
    assert_int_equal(beam_is_told(), told_of);
    assert_int_equal(isfinite(link->up.snr_db), told_of);
    assert_int_equal(link->beam.aim != LINK_AIM_NONE, told_of);
    return told_of;
}

static bool link_is_kept(void)
{
    return is_told_later(0);
}

static void permitted(struct bench *b, struct cycle_report *r)
{
    cycle(b, true, answer(b, &b->keys, true), r);
    assert_int_equal(r->outcome, FIX_DONE);
}

static void who_permits_is_told(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    permitted(b, &r);
    tell(&r);
    assert_true(heard("fix") && heard("cycle") && heard("paths"));
    assert_true(json_is_false(json_object_get(heard("cycle"), "forgotten")));
    assert_non_null(json_object_get(heard("cycle"), "profile"));
    assert_true(link_is_told() && link_is_kept());
}

/* An order that comes while the report waits: to withhold, and to remove. */
static void a_report_that_waited_tells_no_place(void **state)
{
    static const char *const consent[] = {"withheld", "none"};
    struct bench *b = *state;
    struct cycle_report r, waited;
    permitted(b, &r);
    for (int removed = 0; removed < 2; removed++) {
        waited = r;
        pipeline_allow(b->pipeline, 0, false);
        if (removed)
            pipeline_user(b->pipeline, 0, -1);
        tell(&waited);
        assert_forgotten(consent[removed]);
        assert_false(link_is_told() || link_is_kept());
    }
}

/* What was told before the order too, and whoever looks on learns it with the order. */
static void an_order_is_told_at_once(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    permitted(b, &r);
    tell(&r);
    assert_true(link_is_told());
    pipeline_allow(b->pipeline, 0, false);
    assert_int_equal(told.healths, 0);
    user_news_forget(&news, USER);
    assert_int_equal(told.healths, 1);
    assert_false(link_is_kept() || pipeline_tells(b->pipeline, 0, USER));
    assert_false(link_is_told());
}

static void a_no_is_told_until_they_permit_again(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    permitted(b, &r);
    tell(&r);
    assert_true(link_is_told());
    cycle(b, true, answer(b, &b->keys, false), &r);
    tell(&r);
    assert_forgotten("refused");
    assert_false(link_is_told() || link_is_kept());
    cycle(b, true, NULL, &r); /* for who has missed that cycle */
    tell(&r);
    assert_forgotten("silent");
    permitted(b, &r);
    tell(&r);
    assert_true(json_is_false(json_object_get(heard("cycle"), "forgotten")));
    assert_true(link_is_told() && link_is_kept());
}

/* The pipeline has heard it, and the cycles that say so wait; also the one before. */
static void a_no_that_is_not_told_yet_counts(void **state)
{
    struct bench *b = *state;
    struct cycle_report r, waited;
    permitted(b, &r);
    tell(&r);
    assert_true(link_is_told());
    permitted(b, &waited);
    cycle(b, true, answer(b, &b->keys, false), &r);
    assert_false(link_is_kept());
    tell(&waited);
    assert_forgotten("refused");
    tell(&r);
    assert_forgotten("refused");
    assert_false(link_is_told() || link_is_kept());
}

/* A pause, or no radio: there is no cycle to say it. */
static void who_is_not_asked_is_forgotten(void **state)
{
    struct bench *b = *state;
    struct cycle_report r, waited;
    permitted(b, &r);
    tell(&r);
    waited = r;
    assert_true(link_is_told());
    assert_true(is_told_later(CONSENT_KEPT_S - 0.1));
    assert_false(is_told_later(CONSENT_KEPT_S + 0.1));
    assert_false(is_told_later(0)); /* the room's time may have stood meanwhile */
    assert_false(link_is_told());
    tell(&waited);
    assert_forgotten("located");
    permitted(b, &r);
    tell(&r);
    assert_true(heard("fix") && link_is_told() && link_is_kept());
}

/* A schedule that has no turn for them. */
static void who_is_skipped_is_forgotten(void **state)
{
    static const double later_s[] = {CONSENT_KEPT_S - 0.2, CONSENT_KEPT_S + 0.2};
    struct bench *b = *state;
    const double period_s = (double)b->schedule.period / (double)b->schedule.rate;
    struct cycle_report r;
    pipeline_user(b->pipeline, 1, USER + 1);
    permitted(b, &r);
    tell(&r);
    assert_true(link_is_told());
    b->asked = 1;
    for (int late = 0; late < 2; late++) {
        b->index = r.plan.index + llround(later_s[late] / period_s);
        struct cycle_report other;
        cycle(b, true, NULL, &other);
        assert_int_equal(pipeline_tells(b->pipeline, 0, USER), !late);
        tell(&other);
        assert_int_equal(link_is_kept(), !late);
        assert_int_equal(link_is_told(), !late);
    }
}

/* A cycle so long after the last one with permission. */
static void keep_silent(struct bench *b, int64_t permitted_at, double later_s)
{
    const double period_s = (double)b->schedule.period / (double)b->schedule.rate;
    struct cycle_report r;
    b->index = permitted_at + llround(later_s / period_s);
    cycle(b, true, NULL, &r);
    tell(&r);
}

/* So long that a no may have got lost. */
static void who_is_silent_for_long_is_forgotten(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    permitted(b, &r);
    tell(&r);
    const int64_t at = r.plan.index;
    assert_true(link_is_told());
    keep_silent(b, at, CONSENT_KEPT_S - 0.2);
    assert_true(json_is_false(json_object_get(heard("cycle"), "forgotten")));
    assert_true(link_is_kept());
    for (int i = 0; i < 2; i++) {
        keep_silent(b, at, CONSENT_KEPT_S + 0.2 + i);
        assert_forgotten("silent");
        assert_false(link_is_told() || link_is_kept());
    }
    permitted(b, &r);
    tell(&r);
    assert_true(link_is_told());
}

/* A radio that was opened anew: nobody knows how long it took. */
static void who_is_silent_after_time_was_set_back_is_forgotten(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    b->index += 200;
    permitted(b, &r);
    tell(&r);
    keep_silent(b, r.plan.index, -2 * CONSENT_KEPT_S);
    assert_forgotten("silent");
}

int main(void)
{
#define NEWS(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        NEWS(who_permits_is_told),
        NEWS(a_report_that_waited_tells_no_place),
        NEWS(an_order_is_told_at_once),
        NEWS(a_no_is_told_until_they_permit_again),
        NEWS(a_no_that_is_not_told_yet_counts),
        NEWS(who_is_not_asked_is_forgotten),
        NEWS(who_is_skipped_is_forgotten),
        NEWS(who_is_silent_for_long_is_forgotten),
        NEWS(who_is_silent_after_time_was_set_back_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
