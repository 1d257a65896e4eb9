/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `mirador ris` from outside: designs against the independent reference, then a real mirador-ris
 * with native boards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/state_dir.h"
#include "tests/ris_ctrl/bench.h"

#define MIRADOR MIRADOR_BIN_DIR "/mirador"

static char out[65536];
static struct bench bench;
static struct status err;

/* Runs `mirador ris ARGS`; its exit code, stdout and stderr in out. */
static int ris(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int ris(const char *format, ...)
{
    char args[900], command[1400];
    va_list list;
    va_start(list, format);
    vsnprintf(args, sizeof args, format, list);
    va_end(list);
    snprintf(command, sizeof command, "cd %s && " MIRADOR " ris %s 2>&1", bench.folder, args);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    out[fread(out, 1, sizeof out - 1, pipe)] = 0;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static json_t *answer(void)
{
    json_t *root = json_loads(out, JSON_DISABLE_EOF_CHECK, NULL);
    if (root == NULL)
        fail_msg("no JSON: %s", out);
    return root;
}

static double number(json_t *root, const char *key)
{
    json_t *v = json_object_get(root, key);
    if (!json_is_number(v))
        fail_msg("no number '%s' in %s", key, out);
    return json_number_value(v);
}

static void expect(int want, int got)
{
    if (want != got)
        fail_msg("exit code %d, wanted %d: %s", got, want, out);
}

static size_t bytes_of(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", bench.folder, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return 0;
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    fclose(f);
    return (size_t)n;
}

static int setup(void **state)
{
    (void)state;
    memset(&bench, 0, sizeof bench);
    setenv("MIRADOR_DATA", MIRADOR_SOURCE_DIR "/config", 1);
    assert_int_equal(state_dir_create("ris-cli", bench.folder, sizeof bench.folder, &err), 0);
    snprintf(bench.ris, sizeof bench.ris, "ipc://%s/ris.sock", bench.folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (bench.controller > 0)
        bench_stop(&bench);
    return state_dir_remove(bench.folder, &err);
}

/* "Not worse": p5 and median within 0.3 dB of the reference's design, or better. */
static void check_design(const char *surface, const char *kind, int bits, const char *reference)
{
    json_t *doc = json_load_file(TEST_DATA_DIR "/ris.json", 0, NULL);
    json_t *want = json_object_get(json_object_get(doc, "lab_ris"), reference);
    assert_non_null(want);
    expect(0, ris("design --scene lab --ris %s --kind %s --bits %d --no-plot --json", surface, kind,
                  bits));
    json_t *got = answer();
    if (number(got, "median_db") < number(want, "median") - 0.3 ||
        number(got, "p5_db") < number(want, "p5") - 0.3)
        fail_msg("%s: wanted median %.2f p5 %.2f, got %s", reference, number(want, "median"),
                 number(want, "p5"), out);
    assert_true(number(got, "min_db") <= number(got, "p5_db"));
    json_decref(got);
    json_decref(doc);
}

static void designs_are_as_good_as_the_reference(void **state)
{
    (void)state;
    check_design("RIS1", "wide", 1, "RIS1_wide_1bit");
    check_design("ris2", "wide", 2, "RIS2_wide_2bit");
    check_design("RIS1", "focus", 1, "RIS1_focus_centre_1bit");
    check_design("RIS2", "focus", 2, "RIS2_focus_centre_2bit");
    check_design("RIS1", "codebook", 1, "RIS1_codebook16_1bit");
}

static void figures_have_their_numbers_beside(void **state)
{
    (void)state;
    expect(0, ris("design --ris RIS1 --kind focus --out f --json"));
    json_t *got = answer();
    bool drawn = json_is_string(json_object_get(got, "figure"));
    json_decref(got);
    assert_true(bytes_of("f.csv") > 41 * 41 * 8);
    assert_true(!drawn || (bytes_of("f.png") > 1000 && bytes_of("f.svg") > 1000));
    expect(0, ris("show f.json --out p --ascii"));
    assert_true(bytes_of("p.csv") > 256 * 6);
    assert_true(!drawn || bytes_of("p.png") > 1000);
    assert_non_null(strstr(out, "##"));
    expect(0, ris("show f.json --json"));
    got = answer();
    assert_int_equal(json_array_size(json_object_get(got, "states")), 256);
    json_decref(got);
}

/* An empty PATH has no gnuplot: the design is made, the cure is said. */
static void gnuplot_may_be_absent(void **state)
{
    (void)state;
    char command[600];
    snprintf(command, sizeof command,
             "cd %s && PATH=/nonexistent " MIRADOR
             " ris design --ris RIS1 --kind focus --out g 2>&1",
             bench.folder);
    FILE *pipe = popen(command, "r");
    out[fread(out, 1, sizeof out - 1, pipe)] = 0;
    assert_int_equal(pclose(pipe), 0);
    assert_non_null(strstr(out, "apt-get install gnuplot-nox"));
    assert_true(bytes_of("g.csv") > 0);
    assert_true(bytes_of("g.json") > 0);
}

static void refused(const char *args, const char *text)
{
    int code = ris("%s", args);
    if (code != 2 || strstr(out, text) == NULL)
        fail_msg("ris %s: code %d, wanted 2 and '%s', got: %s", args, code, text, out);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    refused("", "which verb");
    refused("dsign", "did you mean 'design'?");
    refused("design", "give --ris");
    refused("design --ris RIS3", "it has RIS1, RIS2");
    refused("design --ris RIS1 --kind narrow", "focus, wide, codebook or static");
    refused("design --ris RIS1 --bits 4", "--bits");
    refused("design --ris RIS1 --bits 1.5", "whole number");
    refused("design --ris RIS1 --point 1,2", "3 numbers");
    refused("design --ris RIS1 --states 1,0,1", "2, 4 or 8 states");
    refused("design --ris RIS1 --states 1,2,1,2", "must differ");
    refused("design --ris RIS1 --bits 2 --states 1,0,1,2", "1 bits, not 2");
    refused("design --ris RIS1 --kind static --point 7.9,0.1,1", "in front");
    refused("design --ris RIS1 --region-x 5,3", "smaller");
    refused("design --ris RIS1 --scene nowhere", "nowhere");
    refused("push", "one file");
    assert_int_equal(ris("show missing.json"), 1);
    expect(0, ris("design --ris RIS1 --kind static --states 0.57,2.9,0.83,0.6 --no-plot --out d"));
    assert_int_equal(ris("push d.json -e ipc://%s/none.sock --help", bench.folder), 0);
    char path[200];
    snprintf(path, sizeof path, "%s/bad.json", bench.folder);
    static const char bad[] =
        "{\"v\":1,\"columns\":2,\"rows\":2,\"bits\":1,\"profiles\":[{\"name\":\"a\","
        "\"hash\":\"0000000000000000\",\"pattern\":\"05\"}]}";
    assert_int_equal(file_replace(path, bad, sizeof bad - 1, 0600, &err), 0);
    assert_int_equal(ris("show bad.json"), 1);
    assert_non_null(strstr(out, "does not match its hash"));
}

static void start(const char *const *sets)
{
    char text[2048];
    int r = bench_start(&bench, sets, text, sizeof text);
    if (r != 0)
        fail_msg("%d: %s", r, text);
}

/* Another terminal watches while something is pushed. */
static void health_is_shown_from_the_record(void **state)
{
    (void)state;
    static const char record[] =
        "{\"format\":\"mirador-pixels\",\"version\":1,\"board\":\"ris9\",\"serial\":\"\","
        "\"columns\":3,\"rows\":2,\"alarm\":0.4,\"cycle\":7,\"time_s\":1,\"used\":12,\"pixels\":"
        "[[1,1,0,0.1,-3],[2,0.3,0,0.1,9],[0,1,0,0.5,-1],[1,1,0,0.1,-3],[1,1,0,0.1,-3],[1,1,0,0.1,-"
        "3]]}";
    char path[300];
    snprintf(path, sizeof path, "%s/pixels-ris9.json", bench.folder);
    assert_int_equal(file_replace(path, record, sizeof record - 1, 0600, &err), 0);
    expect(0, ris("show --health --state . --board ris9 --ascii --out map"));
    assert_non_null(strstr(out, "1 of 6 pixels broken, 1 unknown, 12 trains"));
    assert_non_null(strstr(out, "  1 . . . \n  0 . #3? \n"));
    assert_non_null(strstr(out, "pixel    1 (column 1, row 0): reflects 0.30"));
    assert_true(bytes_of("map.csv") > 0);
    expect(0, ris("show --health --json pixels-ris9.json"));
    json_t *root = answer();
    assert_true(number(root, "unknown") == 1);
    assert_int_equal(json_array_size(json_object_get(root, "failed")), 1);
    json_decref(root);
    expect(2, ris("show --health"));
    assert_non_null(strstr(out, "--board"));
    expect(2, ris("show --health --state . --board nobody"));
    assert_non_null(strstr(out, "pixels.every"));
}

/* Both boards again and again: a watcher hears from the moment on that its subscription reached the
 * controller. Its words until it ends; how many bytes. */
static size_t push_until_heard(int fd, char *text, size_t size)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t got = 1;
    size_t n = 0;
    for (int i = 0; got > 0 && i < 200; i++) {
        expect(0, ris("push w.json -e %s -b ris1", bench.ris));
        expect(0, ris("push w.json -e %s -b ris2", bench.ris));
        while (got > 0 && poll(&p, 1, 50) == 1 && (got = read(fd, text + n, size - 1 - n)) > 0)
            n += (size_t)got;
    }
    text[n] = '\0';
    if (got != 0)
        fail_msg("the watcher does not end: %s", text);
    return n;
}

static void changes_are_watched(void **state)
{
    (void)state;
    char endpoint[200], published[200], command[900];
    snprintf(endpoint, sizeof endpoint, "endpoint=%s", bench.ris);
    snprintf(published, sizeof published, "publish=ipc://%s/pub.sock", bench.folder);
    start((const char *const[]){endpoint, NULL});
    expect(1, ris("watch -e %s", bench.ris));
    assert_non_null(strstr(out, "publishes nothing"));
    bench_stop(&bench);
    start((const char *const[]){endpoint, published, NULL});
    snprintf(command, sizeof command,
             "cd %s && " MIRADOR " ris watch -e %s -b ris2 -n 2 --json 2>/dev/null", bench.folder,
             bench.ris);
    FILE *watching = popen(command, "r");
    assert_non_null(watching);
    expect(0, ris("design --ris RIS2 --kind focus --no-plot --out w"));
    char heard[4096];
    size_t n = push_until_heard(fileno(watching), heard, sizeof heard);
    assert_int_equal(pclose(watching), 0);
    memcpy(out, heard, n + 1);
    assert_null(strstr(out, "ris1"));
    assert_non_null(strstr(out, "\"event\":\"load\""));
    assert_non_null(strstr(out, "\"event\":\"apply\""));
}

static void boards_are_listed_pushed_shown_and_tested(void **state)
{
    (void)state;
    char endpoint[200];
    snprintf(endpoint, sizeof endpoint, "endpoint=%s", bench.ris);
    start((const char *const[]){endpoint, NULL});
    expect(0, ris("list -e %s", bench.ris));
    assert_non_null(strstr(out, "ris1"));
    assert_non_null(strstr(out, "dark"));
    refused("show -e ipc:///none --board", "board");
    expect(2, ris("show -e %s", bench.ris));
    assert_non_null(strstr(out, "ris1, ris2"));
    expect(2, ris("show -e %s -b ris3", bench.ris));
    assert_non_null(strstr(out, "did you mean"));

    expect(0, ris("design --ris RIS2 --kind wide --no-plot --out w --json"));
    expect(0, ris("push w.json -e %s --json", bench.ris));
    json_t *pushed = answer();
    assert_string_equal(json_string_value(json_object_get(pushed, "board")), "ris2");
    assert_true(json_is_true(json_object_get(pushed, "verified")));
    expect(0, ris("show -e %s -b ris2 --json", bench.ris));
    json_t *shown = answer();
    assert_true(json_equal(json_object_get(shown, "hash"), json_object_get(pushed, "hash")));

    expect(0, ris("test -e %s -b ris2 --random 200 --json", bench.ris));
    json_t *tested = answer();
    assert_int_equal(number(tested, "patterns"), 2 + 2 + 32 + 200);
    assert_int_equal(number(tested, "wrong"), 0);
    assert_true(number(json_object_get(tested, "apply_ms"), "p99") > 0);
    expect(0, ris("show -e %s -b ris2 --json", bench.ris)); /* what was shown is shown again */
    json_t *again = answer();
    assert_true(json_equal(json_object_get(again, "hash"), json_object_get(pushed, "hash")));
    expect(0, ris("design --ris RIS1 --kind focus --bits 2 --no-plot --out two"));
    expect(2, ris("push two.json -e %s", bench.ris));
    assert_non_null(strstr(out, "design it for this board"));
    json_decref(again);
    json_decref(tested);
    json_decref(shown);
    json_decref(pushed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(designs_are_as_good_as_the_reference, setup, teardown),
        cmocka_unit_test_setup_teardown(figures_have_their_numbers_beside, setup, teardown),
        cmocka_unit_test_setup_teardown(gnuplot_may_be_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_input_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(health_is_shown_from_the_record, setup, teardown),
        cmocka_unit_test_setup_teardown(changes_are_watched, setup, teardown),
        cmocka_unit_test_setup_teardown(boards_are_listed_pushed_shown_and_tested, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
