/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/cli/watch_view.h"

static struct watch_view view;
static char *text;

static bool take(const char *topic, const char *json, double now_s)
{
    json_t *message = json_loads(json, 0, NULL);
    assert_non_null(message);
    return watch_view_take(&view, topic, message, now_s);
}

static const char *shown(bool line, double now_s)
{
    size_t n;
    free(text);
    FILE *out = open_memstream(&text, &n);
    if (line)
        watch_view_line(&view, out);
    else
        watch_view_screen(&view, now_s, "\n", out);
    fclose(out);
    return text;
}

static void has(const char *where, const char *what)
{
    if (!strstr(where, what))
        fail_msg("no '%s' in: %s", what, where);
}

static void take_cycle(void)
{
    assert_false(take("truth",
                      "{\"type\":\"truth\",\"time_s\":1,\"users\":[{\"id\":7,\"present\":true,"
                      "\"position_m\":[1,2,1]}]}",
                      9));
    assert_false(take("truth",
                      "{\"type\":\"truth\",\"time_s\":3,\"users\":[{\"id\":7,\"present\":true,"
                      "\"position_m\":[1,4,1]}]}",
                      9));
    assert_false(take("fix",
                      "{\"cycle\":5,\"time_s\":2,\"user\":7,\"position_m\":[1,3.3,1.4],"
                      "\"ellipse95_m\":[0.2,0.1],\"paths\":[{\"name\":\"L1\",\"used\":true,"
                      "\"snr_db\":31},{\"name\":\"L2\",\"used\":false,\"snr_db\":9}]}",
                      10));
    assert_true(take("cycle",
                     "{\"cycle\":5,\"time_s\":2,\"response\":\"permitted\",\"outcome\":\"done\","
                     "\"reason\":\"\",\"faults\":[],\"latency_ms\":3.5}",
                     10));
}

static void a_fix_is_one_line_with_its_error(void **state)
{
    (void)state;
    take_cycle();
    const char *line = shown(true, 10);
    has(line, "user 7 at 1.00 3.30 1.40 m");
    has(line, "error 0.50 m");
    has(line, "SNR L1 31 (L2 9) dB");
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

/* The fix's third argument is how long its L2 is, of 15 m. */
static void take_steered(int cycle, double time_s, double length_m)
{
    char json[400];
    snprintf(json, sizeof json,
             "{\"cycle\":%d,\"time_s\":%g,\"user\":7,\"position_m\":[1,3,1],\"ellipse95_m\":[0.2,"
             "0.1],\"identity\":\"steering\",\"chi2\":1.25,\"dof\":2,\"paths\":[{\"name\":\"L2\","
             "\"used\":true,\"length_m\":%g,\"bias_m\":0}]}",
             cycle, time_s, length_m);
    assert_false(take("fix", json, 10));
    snprintf(json, sizeof json, "{\"cycle\":%d,\"time_s\":%g}", cycle, time_s);
    assert_true(take("cycle", json, 10));
}

static void take_length(double time_s)
{
    char json[200];
    snprintf(json, sizeof json,
             "{\"time_s\":%g,\"users\":[{\"id\":7,\"present\":true,\"position_m\":[1,3,1],"
             "\"lengths_m\":[10,15,16]}]}",
             time_s);
    assert_false(take("truth", json, 9));
}

static void misidentified_paths_are_counted_by_the_truth(void **state)
{
    (void)state;
    take_length(1);
    take_length(2);
    take_steered(5, 1.2, 15.3);
    has(shown(true, 10), "error 0.00 m; SNR");
    has(text, "; misidentified 0 of 1");
    take_steered(6, 1.4, 16.3);
    has(shown(true, 10), "error 0.00 m, a path misidentified; SNR");
    has(text, "; misidentified 1 of 2");
    has(shown(false, 10), "identity   by steering: 2 positions, 1 with a misidentified path\n");
    take_steered(7, 2.2, 15.3); /* before its truth, which is there for the next look */
    has(shown(false, 10), "2 positions");
    take_length(2.4);
    take_length(2.6);
    has(shown(false, 10), "3 positions, 1 with");
}

static void without_truth_the_screen_says_how_paths_agree(void **state)
{
    (void)state;
    take_steered(5, 1.2, 15.3);
    assert_null(strstr(shown(true, 10), "misidentified"));
    has(shown(false, 10), "identity   by steering: chi2 1.25 of 2 degrees of freedom\n");
}

static void a_cycle_without_a_position_says_why(void **state)
{
    (void)state;
    take_cycle();
    assert_true(take("cycle",
                     "{\"cycle\":6,\"time_s\":2.2,\"response\":\"silent\",\"outcome\":\"radio\","
                     "\"reason\":\"\",\"faults\":[\"rx_gap\",\"tx_late\"],\"latency_ms\":1}",
                     11));
    const char *line = shown(true, 11);
    has(line, "no position: silent, radio");
    has(line, "faults rx_gap tx_late");
    has(shown(false, 11), "0.2 s before"); /* the last position stays, with its age */
}

/* Where somebody was is not shown once the user is not to be located any more. */
static void who_withdraws_is_not_shown_any_more(void **state)
{
    (void)state;
    static const char *const cycle = "{\"cycle\":%d,\"time_s\":2.2,\"user\":%d,\"forgotten\":%s,"
                                     "\"response\":\"no_permit\",\"outcome\":\"not_asked\"}";
    static const char *const health[] = {
        "{\"users\":[{\"id\":8,\"forgotten\":false}]}",
        "{\"users\":[{\"id\":7,\"forgotten\":true},{\"id\":8,\"forgotten\":false}]}"};
    char text_of[200];
    take_cycle();
    snprintf(text_of, sizeof text_of, cycle, 6, 8, "true"); /* another one */
    take("cycle", text_of, 11);
    snprintf(text_of, sizeof text_of, cycle, 7, 7, "false");
    take("cycle", text_of, 11);
    take("health", "{\"users\":[{\"id\":7,\"forgotten\":false}]}", 11);
    has(shown(false, 11), "user 7 at 1.00");
    snprintf(text_of, sizeof text_of, cycle, 8, 7, "true");
    take("cycle", text_of, 11);
    assert_null(strstr(shown(false, 11), "user 7"));
    for (size_t i = 0; i < 2; i++) { /* removed, forgotten */
        take_cycle();
        has(shown(false, 11), "user 7 at 1.00");
        take("health", health[i], 11);
        assert_null(strstr(shown(false, 11), "user 7"));
    }
}

static void the_screen_says_how_old_it_is(void **state)
{
    (void)state;
    has(shown(false, 1), "nothing heard yet");
    take_cycle();
    has(shown(false, 10.5), "heard 0.5 s ago\n");
    has(shown(false, 15), "heard 5.0 s ago: WHAT FOLLOWS IS OLD");
}

static void surfaces_pixels_and_counters_are_shown(void **state)
{
    (void)state;
    take_cycle();
    take("ris",
         "{\"boards\":[{\"name\":\"ris1\",\"ok\":true},{\"name\":\"ris2\",\"ok\":false,"
         "\"fault\":\"ris_late\",\"text\":\"late\"}]}",
         10);
    take("calib",
         "{\"kind\":\"pixels\",\"board\":\"ris1\",\"columns\":16,\"rows\":16,\"unknown\":3,"
         "\"failed\":[{\"element\":4}]}",
         10);
    take("health",
         "{\"state\":\"running\",\"cycles\":50,\"fixes\":40,\"faults\":{\"rx_gap\":2,\"ris_late\":"
         "0},"
         "\"deadlines\":{\"fix\":{\"p99_us\":900,\"budget_us\":5000,\"missed\":1}}}",
         10);
    const char *screen = shown(false, 10);
    has(screen, "ris1 follows");
    has(screen, "ris2 DOES NOT FOLLOW ris_late late");
    has(screen, "ris1: 1 broken, 3 unknown of 256");
    has(screen, "50 cycles");
    has(screen, "faults     rx_gap 2\n");
    has(screen, "fix        p99      900 us of     5000 us, missed 1");
}

static void the_link_of_each_user_is_shown(void **state)
{
    (void)state;
    take_cycle();
    take("health",
         "{\"link\":{\"users\":[{\"id\":7,\"queued\":5,\"queue\":256,\"dropped\":9,\"dropped_"
         "queue\":8,"
         "\"beam_gain_db\":6.02,\"pointing_loss_db\":0.031,\"aim_sigma_m\":0.12,\"speed_mps\":1.4,"
         "\"figures\":{\"down\":{\"slots\":32,\"fer\":0.125,\"snr_db\":21.52,\"evm_db\":null,"
         "\"raw_ber\":1e-4,\"ber\":0,\"throughput_bps\":1234567},\"up\":{\"slots\":0,\"fer\":null,"
         "\"throughput_bps\":970}}},{\"id\":8,\"beam_gain_db\":5.9,"
         "\"pointing_loss_db\":null,\"aim_sigma_m\":null,\"speed_mps\":null}]}}",
         10);
    const char *screen = shown(false, 10);
    has(screen,
        "link 7     down 1.23 Mbit/s, FER 0.125, SNR 21.5 dB, BER 0, before correction 0.0001\n");
    has(screen, "           up   1.0 kbit/s\n");
    has(screen, "beam 6.0 dB, less 0.03 dB for an aim good to 0.12 m at 1.4 m/s\n");
    has(screen, "beam 5.9 dB, less - dB for an aim good to - m at - m/s\n");
    has(screen, "5 of 256 packets wait, 9 dropped (8 by a full queue)\n");
    has(shown(true, 10), "; down 1.23 Mbit/s, FER 0.125, SNR 21.5 dB");
}

static void the_last_lines_of_the_log_stand_in_their_order(void **state)
{
    (void)state;
    char json[200];
    take_cycle();
    for (int i = 0; i < 2 * WATCH_LOG; i++) {
        snprintf(json, sizeof json,
                 "{\"unix_s\":%d,\"level\":\"warn\",\"suppressed\":%d,\"text\":\"line %d.\"}",
                 1700000000 + i, i == 2 * WATCH_LOG - 1 ? 4 : 0, i);
        assert_false(take("log", json, 10));
    }
    const char *screen = shown(false, 10);
    has(screen, "warn: line 11. (4 lines left out before)\n");
    assert_true(strstr(screen, "line 10.") < strstr(screen, "line 11."));
    has(screen, "line 6.\n");
    assert_null(strstr(screen, "line 5."));
}

static void strange_messages_do_no_harm(void **state)
{
    (void)state;
    static const char *const topics[] = {"fix",   "cycle", "health", "ris",
                                         "calib", "log",   "truth",  "?"};
    static const char *const odd[] = {
        "{}", "[]", "[1]",
        "{\"paths\":5,\"faults\":[1,null],\"boards\":[3],\"deadlines\":[],\"kind\":\"pixels\"}",
        "{\"link\":{\"users\":[1,{\"id\":null,\"figures\":[]}]}}"};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        for (size_t j = 0; j < sizeof odd / sizeof *odd; j++) {
            take(topics[i], odd[j], 1);
            (void)shown(true, 1);
            (void)shown(false, 1);
        }
}

static int clear(void **state)
{
    (void)state;
    watch_view_clear(&view);
    memset(&view, 0, sizeof view);
    free(text);
    text = NULL;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_fix_is_one_line_with_its_error, clear),
        cmocka_unit_test_teardown(misidentified_paths_are_counted_by_the_truth, clear),
        cmocka_unit_test_teardown(without_truth_the_screen_says_how_paths_agree, clear),
        cmocka_unit_test_teardown(a_cycle_without_a_position_says_why, clear),
        cmocka_unit_test_teardown(who_withdraws_is_not_shown_any_more, clear),
        cmocka_unit_test_teardown(the_screen_says_how_old_it_is, clear),
        cmocka_unit_test_teardown(surfaces_pixels_and_counters_are_shown, clear),
        cmocka_unit_test_teardown(the_link_of_each_user_is_shown, clear),
        cmocka_unit_test_teardown(the_last_lines_of_the_log_stand_in_their_order, clear),
        cmocka_unit_test_teardown(strange_messages_do_no_harm, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
