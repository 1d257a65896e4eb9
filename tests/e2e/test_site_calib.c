/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Site calibrations as an operator does them: measured in a running base station, found again by
 * the next one, refused under another gain by name. */
#include "tests/e2e/demo_run.h"
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define TRUE_LATENCY_S (164 / 100e6) /* of the simulated radio */
#define LIGHT_MPS      299792458.0
enum { PATIENCE_S = 120 };

static char folder[64];

static int make_folder(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/mirador-site-XXXXXX");
    return mkdtemp(folder) ? demo_place_make(state) : -1;
}

static int remove_folder(void **state)
{
    char command[96];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command) || demo_place_remove(state);
}

/* A demo whose base station keeps its state in our folder; more: further options. */
static pid_t begin(const char *more)
{
    char args[512];
    snprintf(args, sizeof args,
             "--seconds 0 --speed 0 --path still --set bs.run.state_dir=%s --set "
             "bs.control.endpoint=ipc://%s/control %s",
             folder, folder, more);
    return demo_start(args);
}

static void end(pid_t demo)
{
    assert_int_equal(kill(demo, SIGTERM), 0);
    assert_int_equal(waitpid(demo, NULL, 0), demo);
}

/* What `mirador WORDS --json` prints, or NULL if it failed. */
static json_t *mirador(const char *words)
{
    char command[512];
    snprintf(command, sizeof command, MIRADOR_BIN_DIR "/mirador %s --json -e ipc://%s/control 2>&1",
             words, folder);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    json_t *answer = json_loadf(out, JSON_DISABLE_EOF_CHECK, NULL);
    if (pclose(out) == 0)
        return answer;
    json_decref(answer);
    return NULL;
}

/* The health of the site once the base station answers and has done some cycles. */
static json_t *site_health(long long cycles)
{
    for (int i = 0; i < 5 * PATIENCE_S; i++) {
        json_t *status = mirador("status");
        json_t *site = json_incref(json_object_get(status, "calib"));
        bool ready = json_integer_value(json_object_get(status, "cycles")) >= cycles;
        json_decref(status);
        if (site && ready)
            return site;
        json_decref(site);
        nanosleep(&(struct timespec){0, 200000000}, NULL);
    }
    fail_msg("no base station on ipc://%s/control", folder);
    return NULL;
}

static const json_t *member(const json_t *site, const char *part, const char *key)
{
    const json_t *value = json_object_get(json_object_get(site, part), key);
    assert_non_null(value);
    return value;
}

static void the_empty_room_is_kept_across_a_restart(void **state)
{
    (void)state;
    pid_t demo = begin("");
    json_decref(site_health(40));
    end(demo);
    demo = begin("--set bs.background.auto=no");
    json_t *site = site_health(40);
    assert_true(json_is_true(member(site, "background", "stored")));
    assert_string_not_equal(json_string_value(member(site, "background", "room")), "unknown");
    json_decref(site);
    end(demo);
}

/* The surfaces show something else than when the room was captured. */
static void the_empty_room_of_other_profiles_is_refused(void **state)
{
    (void)state;
    pid_t demo = begin("--set bs.background.auto=no --ris static");
    json_t *site = site_health(25);
    const char *why = json_string_value(member(site, "background", "refused"));
    assert_false(json_is_true(member(site, "background", "stored")));
    assert_non_null(strstr(why, "profiles of ris"));
    assert_string_equal(json_string_value(member(site, "background", "room")), "unknown");
    json_decref(site);
    end(demo);
}

static void delay_and_channels_are_measured_kept_and_used(void **state)
{
    (void)state;
    pid_t demo = begin("");
    json_decref(site_health(30));
    json_t *done = mirador("calib delay -n 8");
    assert_non_null(done);
    double latency_s = json_number_value(member(done, "result", "latency_s"));
    print_message("delay off by %.1f mm\n", 1e3 * LIGHT_MPS * (latency_s - TRUE_LATENCY_S));
    assert_true(fabs(latency_s - TRUE_LATENCY_S) * LIGHT_MPS < 0.02);
    json_decref(done);
    done = mirador("calib channels -n 8");
    assert_non_null(done);
    assert_true(json_number_value(member(done, "result", "match")) > 0.99);
    json_decref(done);
    end(demo);
    demo = begin("");
    json_t *site = site_health(60);
    assert_string_equal(json_string_value(member(site, "delay", "zero")), "stored");
    assert_true(json_is_true(member(site, "channels", "stored")));
    double match = json_number_value(member(site, "channels", "match"));
    print_message("match of the user's signal with the place found: %.4f\n", match);
    assert_true(match > 0.99);
    json_decref(site);
    end(demo);
}

static long long cycles_so_far(void)
{
    json_t *status = mirador("status");
    const long long n = json_integer_value(json_object_get(status, "cycles"));
    json_decref(status);
    return n;
}

/* Neither delay nor channels are in use, and why; the zero is the leak of these cycles. */
static void assert_refused(const json_t *site, const char *why)
{
    for (int i = 0; i < 2; i++) {
        const char *part = i ? "channels" : "delay",
                   *said = json_string_value(member(site, part, "refused"));
        assert_false(json_is_true(member(site, part, "stored")));
        if (!strstr(said, why))
            fail_msg("%s: '%s' is not refused for '%s'", part, said, why);
    }
    assert_string_equal(json_string_value(member(site, "delay", "zero")), "leak");
}

/* After an order to a running radio: what is stored is looked up in the background, so once zero
 * and channels are as they should be and the refusal says why, or at the end of patience. */
static json_t *site_after(const char *order, const char *zero, bool channels, const char *why)
{
    json_decref(mirador(order));
    for (int i = 0;; i++) {
        json_t *site = site_health(cycles_so_far() + 6);
        if (i > PATIENCE_S ||
            (strcmp(json_string_value(member(site, "delay", "zero")), zero) == 0 &&
             json_is_true(member(site, "channels", "stored")) == channels &&
             strstr(json_string_value(member(site, "channels", "refused")), why)))
            return site;
        json_decref(site);
    }
}

/* Gain and carrier change while the base station runs: what was measured under others goes out of
 * use by name and comes back with its conditions; measured anew, it holds for the new ones too. */
static void follow_gain_and_carrier(void)
{
    json_t *done = mirador("calib delay -n 8"),
           *site = site_after("set gain --rx 10", "stored", true, "");
    assert_non_null(done);
    json_decref(done);
    assert_string_equal(json_string_value(member(site, "delay", "zero")), "stored");
    assert_true(json_is_true(member(site, "channels", "stored")));
    assert_string_equal(json_string_value(member(site, "delay", "refused")), "");
    json_decref(site);
    site = site_after("set frequency 5.81e9", "leak", false,
                      "carrier_hz"); /* where the room is silent */
    assert_refused(site, "carrier_hz is 5810000000, was 5800000000");
    json_decref(site);
    json_decref(site_after("set frequency 5.8e9", "stored", true, ""));
    site = site_after("set gain --rx 9", "stored", false, "rx_gain_db is 9, was 10");
    assert_string_equal(json_string_value(member(site, "delay", "zero")), "stored");
    assert_false(json_is_true(member(site, "channels", "stored")));
    assert_string_equal(json_string_value(member(site, "background", "room")), "unknown");
    json_decref(site);
}

static void another_gain_is_refused_by_name(void **state)
{
    (void)state;
    pid_t demo = begin("--set bs.radio.rx_gain_db=9");
    json_t *site = site_health(20);
    assert_refused(site, "rx_gain_db is 9, was 10");
    json_decref(site);
    follow_gain_and_carrier();
    assert_null(mirador("calib channels --from user")); /* no position */
    assert_null(mirador("calib delay --antennas"));     /* no cable before */
    assert_null(mirador("calib background -n 2"));      /* too few */
    end(demo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_empty_room_is_kept_across_a_restart),
        cmocka_unit_test(the_empty_room_of_other_profiles_is_refused),
        cmocka_unit_test(delay_and_channels_are_measured_kept_and_used),
        cmocka_unit_test(another_gain_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
