/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole programs: a demo that is recorded replays bit by bit, from the start, from the middle and
 * cut out; one that is killed is repaired; what is set anew in its course is in it. */
#include "tests/e2e/record_place.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <hdf5.h>

/* Positions of `mirador replay --json`, bit by bit those of the live run (which printed them with
 * 17 digits). Returns how many. */
static size_t same_fixes(const struct demo_run *live, const char *arguments)
{
    char command[600], *line = NULL;
    size_t size = 0, n = 0, at = 0;
    snprintf(command, sizeof command, MIRADOR "replay --json %s", arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    while (getline(&line, &size, pipe) > 0) {
        json_t *o = json_loads(line, 0, NULL);
        if (strcmp(json_string_value(json_object_get(o, "type")), "fix") == 0) {
            json_int_t cycle = json_integer_value(json_object_get(o, "cycle"));
            while (at < live->n_fix && live->fix[at].cycle < cycle)
                at++;
            assert_true(at < live->n_fix && live->fix[at].cycle == cycle);
            for (size_t i = 0; i < 3; i++) {
                const char *const key[] = {"position_m", "track_m"};
                const double *const is[] = {live->fix[at].position_m, live->fix[at].track_m};
                for (size_t k = 0; k < 2; k++) {
                    double x = json_number_value(json_array_get(json_object_get(o, key[k]), i));
                    assert_memory_equal(&x, &is[k][i], sizeof x);
                }
            }
            n++;
        } else {
            assert_int_equal(json_integer_value(json_object_get(o, "differ")), 0);
        }
        json_decref(o);
    }
    free(line);
    int status = pclose(pipe);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return n;
}

static size_t numbers(hid_t file, const char *name, double *out, size_t room)
{
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(set >= 0);
    hid_t space = H5Dget_space(set);
    hssize_t n = H5Sget_simple_extent_npoints(space);
    assert_true(n > 0 && (size_t)n <= room);
    assert_true(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0);
    H5Sclose(space);
    H5Dclose(set);
    return (size_t)n;
}

/* The export has the positions of the live run, in their cycles, and every train of pilots. */
static void assert_exported(const struct demo_run *live)
{
    static double cycle[400], position[1200], profile[400 * 3 * 256], trains[400];
    char path[100];
    assert_int_equal(record_run(MIRADOR "record export %s/run", record_place()), 0);
    snprintf(path, sizeof path, "%s/run.h5", record_place());
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    size_t n = numbers(file, "/cycle", cycle, 400), fixes = 0;
    assert_int_equal(numbers(file, "/position_m", position, 1200), 3 * n);
    assert_int_equal(numbers(file, "/delay_profile", profile, 400 * 3 * 256), n * 3 * 256);
    for (size_t i = 0; i < n; i++) {
        if (isnan(position[3 * i]))
            continue;
        assert_true(fixes < live->n_fix && (double)live->fix[fixes].cycle == cycle[i]);
        assert_memory_equal(position + 3 * i, live->fix[fixes].position_m, 3 * sizeof *position);
        fixes++;
    }
    assert_int_equal(fixes, live->n_fix);
    assert_true(numbers(file, "/pilots/noise_var", trains, 400) >= fixes / 2);
    H5Fclose(file);
    snprintf(path, sizeof path, "%s/run-profiles.gp", record_place());
    assert_int_equal(access(path, R_OK), 0);
    assert_int_equal(record_run(MIRADOR "record export --from 100 %s/run", record_place()), 2);
    assert_non_null(strstr(record_output(), "100 s is behind the end"));
}

/* Other thresholds, paths or walls give other positions, and that is no failure; what a replay
 * cannot change is refused by name. */
static void assert_overrides(void)
{
    static const char *const act[] = {"estimate.map=no",
                                      "estimate.min_peak_db=60",
                                      "estimate.cooperative=no",
                                      "estimate.sigma_ris_m=0.1",
                                      "ris.boards[1].position_m=[1.2,6,1.7]",
                                      "room.max_m=[9,8,3]"};
    static const char *const refused[] = {
        "radio.rx_gain_db=3", "radio.rate_hz=50e6", "control.endpoint=tcp://127.0.0.1:1",
        "waveform.n=512",     "pixels.alarm=0.5",   "ris.mode=static",
        "estmate.map=no"};
    for (size_t i = 0; i < sizeof act / sizeof *act; i++) {
        if (record_run(MIRADOR "replay --set '%s' %s/run", act[i], record_place()))
            fail_msg("%s: %s", act[i], record_output());
        if (strstr(record_output(), "bit by bit"))
            fail_msg("%s does nothing", act[i]);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char text[80];
        snprintf(text, sizeof text, "%.*s is no key that acts", (int)strcspn(refused[i], "="),
                 refused[i]);
        assert_int_equal(record_run(MIRADOR "replay --set '%s' %s/run", refused[i], record_place()),
                         2);
        assert_non_null(strstr(record_output(), text));
    }
    assert_int_equal(record_run(MIRADOR "replay --from 100 %s/run", record_place()), 2);
    assert_non_null(strstr(record_output(), "100 s is behind the end"));
}

/* Opened by name, at the recorded rate. */
static void assert_inspectrum_opens(void)
{
    const int code =
        record_run(MIRADOR_SOURCE_DIR "/tests/e2e/inspectrum_opens.sh %s/run-rx0.sigmf-meta "
                                      "25000000 20000000",
                   record_place());
    if (code == 77)
        print_message("[  SKIPPED ] %s", record_output());
    else if (code)
        fail_msg("%s", record_output());
}

static void a_demo_replays_bit_by_bit(void **state)
{
    struct demo_run live;
    char args[400];
    (void)state;
    snprintf(args, sizeof args,
             WINDOWS "--seconds 10 --speed 0 --seed 4 --pixels 1 --record %s/run "
                     "--set bs.record.checkpoint_s=2",
             record_place());
    demo_run(&live, args);
    if (live.exit_code)
        fail_msg("exit code %d: %s", live.exit_code, live.stderr_text);
    assert_true(live.n_fix >= 20);
    if (record_run(MIRADOR "record check %s/run", record_place()))
        fail_msg("%s", record_output());
    snprintf(args, sizeof args, "%s/run", record_place());
    assert_int_equal(same_fixes(&live, args), live.n_fix);
    assert_inspectrum_opens();
    assert_exported(&live);
    snprintf(args, sizeof args, "--from 6.1 --to 8 %s/run", record_place());
    size_t middle = same_fixes(&live, args);
    assert_true(middle >= 5 && middle <= 10);
    assert_int_equal(record_run(MIRADOR "record cut --from 6 --to 8 %s/run %s/part", record_place(),
                                record_place()),
                     0);
    assert_int_equal(record_run(MIRADOR "record check %s/part", record_place()), 0);
    snprintf(args, sizeof args, "%s/part", record_place());
    assert_true(same_fixes(&live, args) >= middle);
    assert_overrides();
    demo_run_free(&live);
}

/* --- the whole stream beside the windows ------------------------------------------------------ */

static json_t *captures(const char *name, long long *samples)
{
    char path[200];
    struct stat s;
    snprintf(path, sizeof path, "%s/%s.sigmf-data", record_place(), name);
    assert_int_equal(stat(path, &s), 0);
    *samples = s.st_size / 4;
    snprintf(path, sizeof path, "%s/%s.sigmf-meta", record_place(), name);
    json_t *o = json_load_file(path, 0, NULL), *list = json_object_get(o, "captures");
    assert_true(json_array_size(list) > 0);
    json_incref(list);
    json_decref(o);
    return list;
}

static long long number(const json_t *list, size_t i, const char *key)
{
    return json_integer_value(json_object_get(json_array_get(list, i), key));
}

static void *samples_of(const char *name, long long first, long long n)
{
    char path[200];
    void *bytes = malloc((size_t)n * 4);
    snprintf(path, sizeof path, "%s/%s.sigmf-data", record_place(), name);
    FILE *f = fopen(path, "rb");
    assert_true(f && bytes);
    assert_int_equal(fseek(f, 4 * first, SEEK_SET), 0);
    assert_int_equal(fread(bytes, 4, (size_t)n, f), n);
    fclose(f);
    return bytes;
}

/* Every window's samples stand in the stream at their tick; but those that a killed daemon had not
 * written yet. Returns how many do. */
static size_t windows_in_stream(const char *recording)
{
    char windows[60], whole[60];
    long long n_window, n_stream;
    snprintf(windows, sizeof windows, "%s-rx1", recording);
    snprintf(whole, sizeof whole, "%s-stream-rx1", recording);
    json_t *window = captures(windows, &n_window), *stream = captures(whole, &n_stream);
    assert_int_equal(json_array_size(stream), 1); /* no gap in gated time */
    const size_t n = json_array_size(window);
    size_t compared = 0;
    for (size_t i = 0; i < n; i++) {
        const long long first = number(window, i, "core:sample_start"),
                        end = i + 1 < n ? number(window, i + 1, "core:sample_start") : n_window,
                        at = number(window, i, "core:global_index") -
                             number(stream, 0, "core:global_index");
        assert_true(at >= 0);
        if (at + end - first > n_stream)
            continue;
        void *a = samples_of(windows, first, end - first), *b = samples_of(whole, at, end - first);
        assert_memory_equal(a, b, (size_t)(end - first) * 4);
        compared++;
        free(a);
        free(b);
    }
    json_decref(window);
    json_decref(stream);
    return compared;
}

static void a_stream_holds_the_windows(void **state)
{
    struct demo_run live;
    char args[300];
    long long n_window;
    (void)state;
    snprintf(args, sizeof args,
             "--preset b210 --seconds 1.2 --speed 0 --seed 4 --record %s/stream "
             "--set bs.record.stream=yes",
             record_place());
    demo_run(&live, args); /* too short for a position */
    demo_run_free(&live);
    if (record_run(MIRADOR "record check %s/stream", record_place()))
        fail_msg("%s", record_output());
    json_t *window = captures("stream-rx1", &n_window);
    const size_t n = json_array_size(window);
    assert_true(n >= 4);
    assert_int_equal(windows_in_stream("stream"), n);
    json_decref(window);
}

/* Two channels and the stream. What is repaired is whole, and at its place. */
static void a_killed_daemon_leaves_whole_cycles(void **state)
{
    char args[300], journal[100];
    struct stat s = {0};
    (void)state;
    snprintf(args, sizeof args,
             "--preset b210 --seconds 0 --speed 0 --seed 5 --record %s/killed "
             "--set bs.record.stream=yes",
             record_place());
    snprintf(journal, sizeof journal, "%s/killed.mirador-journal", record_place());
    pid_t demo = demo_start(args);
    for (int i = 0; i < 12000 && s.st_size < 8000; i++) { /* some ten cycles */
        usleep(10000);
        (void)stat(journal, &s);
    }
    if (s.st_size < 8000)
        kill(demo, SIGKILL);
    assert_true(s.st_size >= 8000);
    assert_int_equal(kill(demo_process("miradord"), SIGKILL), 0);
    waitpid(demo, NULL, 0);
    assert_int_equal(record_run(MIRADOR "record check %s/killed", record_place()), 1);
    if (record_run(MIRADOR "record check --repair %s/killed", record_place()))
        fail_msg("%s", record_output());
    if (record_run(MIRADOR "replay %s/killed", record_place()))
        fail_msg("%s", record_output());
    assert_non_null(strstr(record_output(), "0 cycles differ"));
    assert_true(windows_in_stream("killed") >= 6);
}

/* --- commands in the middle of a recording ---------------------------------------------------- */

static size_t lines_of(const char *file)
{
    size_t n = 0;
    FILE *f = fopen(file, "r");
    for (int c; f && (c = fgetc(f)) != EOF;)
        n += c == '\n';
    if (f)
        fclose(f);
    return n;
}

/* Until so many more cycles are in the journal. */
static void more_cycles(const char *journal, size_t n)
{
    const size_t until = lines_of(journal) + n;
    for (int i = 0; i < 6000 && lines_of(journal) < until; i++)
        usleep(20000);
    assert_true(lines_of(journal) >= until);
}

static int tell(const char *order)
{
    return record_run(MIRADOR "%s --endpoint ipc://%s/%s/control.sock", order, demo_place(),
                      demo_folder());
}

static void told(const char *order)
{
    if (tell(order))
        fail_msg("%s: %s", order, record_output());
}

static double at(const json_t *o, const char *outer, const char *inner)
{
    const json_t *v = json_object_get(json_object_get(o, outer), inner);
    if (!json_is_number(v))
        fail_msg("no %s.%s", outer, inner);
    return json_number_value(v);
}

/* Another comes (nobody answers for him), the one who is there goes and comes back. */
static void change_users(const char *journal)
{
    assert_int_equal(tell("users remove 1"), 1); /* the last one */
    assert_int_equal(tell("users add 2"), 1);    /* no key */
    assert_int_equal(
        record_run(MIRADOR "keys user add 2 --out %s/%s/user-2.key", demo_place(), demo_folder()),
        0);
    told("users add 2");
    assert_int_equal(tell("users add 2"), 1);
    more_cycles(journal, 10);
    told("users remove 1");
    assert_int_equal(tell("users remove 2"), 1);
    more_cycles(journal, 14);
    told("users add 1");
    more_cycles(journal, 24);
    told("users list");
    int first = 0, second = 0;
    assert_int_equal(sscanf(record_output(), "%*[^\n] %d %*[^\n] %d", &first, &second), 2);
    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
}

struct set_anew { /* what the journal shows */
    size_t retuned, fixes_low, far;
    size_t of_user_2, alone, fixes_back; /* cycles: his; in a row, his; positions of user 1 after */
    double index, cycle, gain_db, carrier_hz;
};

static void read_cycle(struct set_anew *s, const json_t *o)
{
    const json_t *report = json_object_get(o, "report");
    const json_int_t faults = json_integer_value(json_object_get(report, "faults"));
    const json_t *radio = json_object_get(json_object_get(o, "plan"), "radio");
    const double gain_db = json_number_value(json_object_get(radio, "rx_gain_db")),
                 carrier_hz = json_number_value(json_object_get(radio, "carrier_hz")),
                 index = at(o, "plan", "index"), cycle = at(o, "plan", "cycle");
    const bool same = gain_db == s->gain_db && carrier_hz == s->carrier_hz;
    const bool fix = json_object_get(report, "position_m") != NULL;
    assert_true(index > s->index && cycle > s->cycle);
    assert_true(s->cycle == 0 || cycle - s->cycle == index - s->index);
    s->far += s->cycle > 0 && index - s->index == 2;
    if (faults >> 12 & 1) {
        assert_false(fix);
        assert_false(same);
        s->retuned++;
    } else {
        assert_true(s->cycle == 0 || same);
    }
    s->fixes_low += fix && s->retuned == 1;
    const bool second = json_integer_value(json_object_get(report, "user")) == 2;
    assert_false(second && fix);
    s->of_user_2 = second ? s->of_user_2 + 1 : 0;
    s->alone = s->of_user_2 > s->alone ? s->of_user_2 : s->alone;
    s->fixes_back += fix && s->alone >= 4;
    s->index = index;
    s->cycle = cycle;
    s->gain_db = gain_db;
    s->carrier_hz = carrier_hz;
}

/* Gain, carrier there and back, period, users: each on a cycle's boundary, none with a position
 * from the cycle it touched, and all of it in the recording. */
static void what_is_set_anew_is_in_the_recording(void **state)
{
    char args[300], journal[100], *line = NULL;
    size_t size = 0;
    struct set_anew seen = {.index = -1};
    (void)state;
    snprintf(args, sizeof args, WINDOWS "--seconds 0 --speed 8 --seed 5 --record %s/set",
             record_place());
    snprintf(journal, sizeof journal, "%s/set.mirador-journal", record_place());
    pid_t demo = demo_start(args);
    more_cycles(journal, 40);
    told("set gain --rx 1");
    more_cycles(journal, 30);
    told("set period 0.4");
    more_cycles(journal, 10);
    told("set frequency 5.81e9");
    told("set frequency 5.8e9");
    more_cycles(journal, 5);
    assert_int_equal(tell("set frequency 6e9"), 1);
    told("set period 0.2");
    more_cycles(journal, 5);
    change_users(journal);
    assert_int_equal(kill(demo, SIGINT), 0);
    waitpid(demo, NULL, 0);
    FILE *f = fopen(journal, "r");
    assert_non_null(f);
    while (getline(&line, &size, f) > 0) {
        json_t *o = json_loads(line, 0, NULL);
        if (json_object_get(o, "plan"))
            read_cycle(&seen, o);
        json_decref(o);
    }
    fclose(f);
    free(line);
    assert_int_equal(seen.retuned, 3);
    assert_true(seen.fixes_low >= 5 && seen.far >= 10);
    assert_true(seen.gain_db == 1);
    if (!(seen.alone >= 6 && seen.fixes_back >= 2))
        fail_msg("the other alone for %zu cycles, %zu positions after", seen.alone,
                 seen.fixes_back);
    if (record_run(MIRADOR "record check %s/set", record_place()) ||
        record_run(MIRADOR "replay %s/set", record_place()))
        fail_msg("%s", record_output());
    assert_non_null(strstr(record_output(), "0 cycles differ"));
    /* from a checkpoint behind the change too */
    if (record_run(MIRADOR "replay --from 12 %s/set", record_place()))
        fail_msg("%s", record_output());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_demo_replays_bit_by_bit),
        cmocka_unit_test(a_killed_daemon_leaves_whole_cycles),
        cmocka_unit_test(a_stream_holds_the_windows),
        cmocka_unit_test(what_is_set_anew_is_in_the_recording),
    };
    return cmocka_run_group_tests(tests, record_place_make, record_place_remove);
}
