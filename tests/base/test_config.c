/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * YAML through the key table: values, defaults, and the line each fault is reported with. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/log.h"

struct waypoint {
    double time_s;
    double at_m[3];
};

struct user {
    int id;
    char key_file[16];
    struct waypoint waypoints[4];
    size_t n_waypoints;
};

struct cfg {
    double rate_hz, gain_db, level_db;
    uint64_t seed;
    bool enable;
    int mode;
    double bs_m[3], ris_m[3];
    double taps[3];
    size_t n_taps;
    int channels[4];
    size_t n_channels;
    char names[2][8];
    size_t n_names;
    double rx_m[2][3];
    size_t n_rx;
    struct user users[3];
    size_t n_users;
};

static const struct config_key waypoint_keys[] = {
    {"time_s", CONFIG_DOUBLE(struct waypoint, time_s), .unit = "s", .max = 3600},
    {"at_m", CONFIG_VEC3(struct waypoint, at_m), .unit = "m", .min = -100, .max = 100},
};
static const struct config_table waypoint_table = CONFIG_TABLE(struct waypoint, waypoint_keys);

static const struct config_key user_keys[] = {
    {"id", CONFIG_INT(struct user, id), .max = 1048575, .help = "radio ID"},
    {"key_file", CONFIG_STRING(struct user, key_file), .def = "", .help = "file of its key"},
    {"waypoints", CONFIG_LIST(struct user, waypoints, n_waypoints, &waypoint_table)},
};
static const struct config_table user_table = CONFIG_TABLE(struct user, user_keys);

static const struct config_key keys[] = {
    {"radio.rate_hz", CONFIG_DOUBLE(struct cfg, rate_hz), .unit = "samples/s", .min = 1e3,
     .max = 1e9, .help = "sample rate of every channel"},
    {"radio.gain_db", CONFIG_DOUBLE(struct cfg, gain_db), .unit = "dB", .max = 70, .def = "10"},
    {"seed", CONFIG_U64(struct cfg, seed), .def = "1"},
    {"radio.tx.enable", CONFIG_BOOL(struct cfg, enable), .def = "no"},
    {"radio.tx.level_db", CONFIG_DOUBLE(struct cfg, level_db), .min = -90, .max = 0, .unit = "dBFS",
     .def = CONFIG_UNSET},
    {"mode", CONFIG_CHOICE(struct cfg, mode, "coded|steering|off"), .def = "coded"},
    {"bs_m", CONFIG_VEC3(struct cfg, bs_m), .unit = "m", .def = "[0, 0, 3]"},
    {"ris_m", CONFIG_VEC3(struct cfg, ris_m), .unit = "m", .def = CONFIG_UNSET},
    {"taps", CONFIG_DOUBLES(struct cfg, taps, n_taps), .min = -1, .max = 1},
    {"radio.channels", CONFIG_INTS(struct cfg, channels, n_channels), .max = 31, .min_items = 1,
     .def = "[0, 1]"},
    {"names", CONFIG_STRINGS(struct cfg, names, n_names)},
    {"rx_m", CONFIG_VEC3S(struct cfg, rx_m, n_rx), .unit = "m"},
    {"users", CONFIG_LIST(struct cfg, users, n_users, &user_table)},
};
static const struct config_table table = CONFIG_TABLE(struct cfg, keys);

static struct cfg c;
static struct status err;

static int parse_sets(const char *text, const char *const *items, size_t n)
{
    struct config_sets sets = {items, n};
    return config_parse(&table, "bs.yaml", text, strlen(text), &sets, &c, &err);
}

static int parse(const char *text)
{
    return config_parse(&table, "bs.yaml", text, strlen(text), NULL, &c, &err);
}

/* text is refused, with exactly this line, and nothing of it is left in the struct. */
static void refused(const char *text, const char *line)
{
    static const struct cfg zero;
    memset(&c, 1, sizeof c);
    assert_int_equal(parse(text), ERR_ARG);
    assert_int_equal(err.code, ERR_ARG);
    assert_string_equal(err.text, line);
    assert_memory_equal(&c, &zero, sizeof c);
}

static void set_refused(const char *text, const char *set, const char *line)
{
    assert_int_equal(parse_sets(text, &set, 1), ERR_ARG);
    assert_string_equal(err.text, line);
}

#define RATE "radio: {rate_hz: 20e6}\n"

static const char full[] = "# a comment\n"
                           "seed: 18446744073709551615\n"
                           "radio:\n"
                           "  rate_hz: 20e6\n"
                           "  gain_db: -0\n"
                           "  channels: [3, 1e0]\n"
                           "  tx: {enable: Yes, level_db: -3.5}\n"
                           "mode: off\n"
                           "bs_m: [1, -2.5, 3e-1]\n"
                           "ris_m:\n- 4\n- 5\n- 6\n"
                           "taps: []\n"
                           "names: [north, \"so:uth\"]\n"
                           "rx_m: [[1, 2, 3], [4, 5, 6]]\n"
                           "users:\n"
                           "  - id: 5\n"
                           "    key_file: u5.key\n"
                           "    waypoints:\n"
                           "      - {time_s: 0, at_m: [1, 1, 1]}\n"
                           "      - {time_s: 9, at_m: [2, 2, 2]}\n"
                           "  - id: 7\n";

static void reads_every_type(void **state)
{
    (void)state;
    assert_int_equal(parse(full), 0);
    assert_int_equal(err.code, OK);
    assert_true(c.seed == UINT64_MAX);
    assert_true(c.rate_hz == 20e6 && c.gain_db == 0 && c.level_db == -3.5);
    assert_true(c.enable);
    assert_int_equal(c.mode, 2);
    assert_true(c.bs_m[0] == 1 && c.bs_m[1] == -2.5 && c.bs_m[2] == 0.3);
    assert_true(c.ris_m[0] == 4 && c.ris_m[2] == 6);
    assert_int_equal(c.n_taps, 0);
    assert_int_equal(c.n_channels, 2);
    assert_int_equal(c.channels[0], 3);
    assert_int_equal(c.channels[1], 1);
    assert_int_equal(c.n_names, 2);
    assert_string_equal(c.names[1], "so:uth");
    assert_true(c.n_rx == 2 && c.rx_m[1][2] == 6);
    assert_int_equal(c.n_users, 2);
    assert_string_equal(c.users[0].key_file, "u5.key");
    assert_int_equal(c.users[0].n_waypoints, 2);
    assert_true(c.users[0].waypoints[1].time_s == 9 && c.users[0].waypoints[1].at_m[2] == 2);
    assert_int_equal(c.users[1].id, 7);
    assert_string_equal(c.users[1].key_file, "");
}

static void fills_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse(RATE), 0);
    assert_true(c.gain_db == 10 && c.seed == 1 && !c.enable && c.mode == 0 && c.bs_m[2] == 3);
    assert_true(isnan(c.level_db) && isnan(c.ris_m[0]) && isnan(c.ris_m[2]));
    assert_int_equal(c.n_channels, 2);
    assert_int_equal(c.channels[1], 1);
    assert_int_equal(c.n_users, 0);
    assert_int_equal(parse("radio:\n  rate_hz: 1e6\n  tx:\n"), 0); /* an empty group is fine */
}

static void suggests_for_unknown_keys(void **state)
{
    (void)state;
    refused("radio:\n  rate_hz: 1e6\n  gian_db: 3\n",
            "bs.yaml:3:3: unknown key 'radio.gian_db', did you mean 'radio.gain_db'?");
    refused("raido:\n  rate_hz: 1e6\n", "bs.yaml:1:1: unknown key 'raido', did you mean 'radio'?");
    refused("gain_db: 3\n", "bs.yaml:1:1: unknown key 'gain_db', did you mean 'radio.gain_db'?");
    refused("xylophone: 3\n", "bs.yaml:1:1: unknown key 'xylophone'");
    refused("radio.rate_hz: 3\n",
            "bs.yaml:1:1: write 'radio.rate_hz' nested, one level of indentation "
            "for each dot");
    refused(RATE "users:\n- id: 1\n- di: 2\n",
            "bs.yaml:4:3: unknown key 'users[1].di', did you mean 'users[1].id'?");
    refused("radio: {rate_hz: 1e6, tx: {enabel: on}}\n",
            "bs.yaml:1:28: unknown key 'radio.tx.enabel', did you mean 'radio.tx.enable'?");
}

static void one_number_stands_for_a_list_of_it(void **state)
{
    (void)state;
    assert_int_equal(parse(RATE "taps: 0.5\n"), 0);
    assert_int_equal(c.n_taps, 1);
    assert_true(c.taps[0] == 0.5);
}

static void refuses_wrong_types(void **state)
{
    (void)state;
    refused("radio:\n  rate_hz: fast\n",
            "bs.yaml:2:12: 'radio.rate_hz' must be a number in samples/s, not 'fast'");
    refused("radio:\n  rate_hz: \"20e6\"\n",
            "bs.yaml:2:12: 'radio.rate_hz' must be a number in samples/s, not the text \"20e6\"");
    refused("radio:\n  rate_hz:\n",
            "bs.yaml:2:11: 'radio.rate_hz' has no value, must be a number in samples/s");
    refused("radio: 5\n", "bs.yaml:1:8: 'radio' must be a mapping of keys to values");
    refused("radio: [5]\n", "bs.yaml:1:8: 'radio' must be a mapping of keys to values");
    refused("radio: {rate_hz: [1]}\n",
            "bs.yaml:1:18: 'radio.rate_hz' must be a number in samples/s, not a list");
    refused(RATE "users: [{id: 1.5}]\n",
            "bs.yaml:2:14: 'users[0].id' must be a whole number, not '1.5'");
    refused(RATE "users: {id: 1}\n", "bs.yaml:2:8: 'users' must be a list, not a mapping");
    refused(RATE "users: [3]\n", "bs.yaml:2:9: 'users[0]' must be a mapping of keys to values");
    refused(RATE "taps: {a: 1}\n", "bs.yaml:2:7: 'taps' must be a list, not a mapping");
    refused(RATE "taps: half\n", "bs.yaml:2:7: 'taps' must be a number, not 'half'");
    refused(RATE "mode: codde\n",
            "bs.yaml:2:7: 'mode' must be one of coded|steering|off, not 'codde'");
    refused(RATE "bs_m: [1, 2]\n",
            "bs.yaml:2:7: 'bs_m' must be three numbers [x, y, z] in m, not a list");
    refused(RATE "bs_m: [1, 2, x]\n", "bs.yaml:2:14: 'bs_m' must be a number in m, not 'x'");
    refused(RATE "seed: -1\n",
            "bs.yaml:2:7: 'seed' must be a whole number, not negative, not '-1'");
    refused(RATE "seed: 18446744073709551616\n",
            "bs.yaml:2:7: 'seed' must be a whole number of 64 bits, not '18446744073709551616'");
    refused("- 1\n", "bs.yaml:1:1: the document must be a mapping of keys to values");
    refused("radio: {rate_hz: 20e6, tx: {enable: maybe}}\n",
            "bs.yaml:1:37: 'radio.tx.enable' must be yes or no, not 'maybe'");
    static const char *const no_numbers[] = {".nan",  ".inf",  "nan", "0x10",
                                             "1e999", "1_000", "20e"};
    for (size_t i = 0; i < sizeof no_numbers / sizeof *no_numbers; i++) {
        char text[64];
        snprintf(text, sizeof text, "radio: {rate_hz: %s}\n", no_numbers[i]);
        assert_int_equal(parse(text), ERR_ARG);
    }
}

static void refuses_values_out_of_range(void **state)
{
    (void)state;
    refused("radio:\n  rate_hz: 1\n",
            "bs.yaml:2:12: 'radio.rate_hz' = 1 is out of range, must be 1000..1e+09 samples/s");
    refused("radio: {rate_hz: 1e6, gain_db: 71}\n",
            "bs.yaml:1:32: 'radio.gain_db' = 71 is out of range, must be 0..70 dB");
    refused(RATE "taps: [0, 1.01]\n",
            "bs.yaml:2:11: 'taps[1]' = 1.01 is out of range, must be -1..1");
    refused(RATE "taps: [0, 0, 0, 0]\n", "bs.yaml:2:7: 'taps' has 4 items, must have 0..3");
    refused("radio: {rate_hz: 1e6, channels: []}\n",
            "bs.yaml:1:33: 'radio.channels' has 0 items, must have 1..4");
    refused(RATE "users: [{id: 1}, {id: 1}, {id: 1}, {id: 1}]\n",
            "bs.yaml:2:8: 'users' has 4 items, must have 0..3");
    refused(RATE "names: [waytoolong]\n",
            "bs.yaml:2:9: 'names[0]' is too long: 10 characters, at most 7");
    refused(RATE "names: [\"a\\nb\"]\n", "bs.yaml:2:9: 'names[0]' holds a control character");
    refused(RATE "names: [\"a\\0b\"]\n", "bs.yaml:2:9: a text must not hold a NUL character");
}

static void names_missing_and_duplicate_keys(void **state)
{
    (void)state;
    refused("", "bs.yaml:1:1: missing required key 'radio.rate_hz' in samples/s: "
                "sample rate of every channel");
    refused("seed: 1\n", "bs.yaml:1:1: missing required key 'radio.rate_hz' in samples/s: "
                         "sample rate of every channel");
    refused(RATE "users:\n  - key_file: a\n",
            "bs.yaml:3:5: missing required key 'users[0].id': radio ID");
    refused("seed: 1\nseed: 2\n", "bs.yaml:2:1: duplicate key 'seed', first in line 1");
    refused("radio: {rate_hz: 1e6}\nradio: {gain_db: 3}\n",
            "bs.yaml:2:1: duplicate key 'radio', first in line 1");
}

static void applies_overrides(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "radio.gain_db=20",
        "users[0].id=9",
        "users[2].id=11",
        "users[2].key_file=a: b #c",
        "users[1].waypoints[0].time_s=4",
        "users[1].waypoints[0].at_m=[7, 8, 9]",
        "mode=steering",
        "radio.channels=[2]",
        "users[0].key_file=",
        "radio.gain_db=30",
    };
    assert_int_equal(parse_sets(full, sets, sizeof sets / sizeof *sets), 0);
    assert_true(c.gain_db == 30);
    assert_int_equal(c.n_users, 3);
    assert_int_equal(c.users[0].id, 9);
    assert_string_equal(c.users[0].key_file, "");
    assert_int_equal(c.users[0].n_waypoints, 2);
    assert_int_equal(c.users[2].id, 11);
    assert_string_equal(c.users[2].key_file, "a: b #c");
    assert_true(c.users[1].n_waypoints == 1 && c.users[1].waypoints[0].at_m[1] == 8);
    assert_int_equal(c.mode, 1);
    assert_int_equal(c.n_channels, 1);

    static const char *const from_nothing[] = {"radio.rate_hz=1e6", "users[0].id=1"};
    assert_int_equal(parse_sets("users:\nradio:\n", from_nothing, 2), 0);
    assert_int_equal(c.users[0].id, 1);
}

static void refuses_bad_overrides(void **state)
{
    (void)state;
    set_refused(
        RATE, "radio.gian_db=3",
        "--set radio.gian_db=3: unknown key 'radio.gian_db', did you mean 'radio.gain_db'?");
    set_refused(RATE, "radio.gain_db=90",
                "--set radio.gain_db=90: 'radio.gain_db' = 90 is out of range, must be 0..70 dB");
    set_refused(RATE, "radio.gain_db",
                "--set radio.gain_db: expected KEY=VALUE, as in radio.rate_hz=100e6");
    set_refused(RATE, "users[4].id=1",
                "--set users[4].id=1: the list has 0 items, so the next index is 0");
    set_refused(RATE, "users[x].id=1",
                "--set users[x].id=1: an index is a number in brackets, as in users[0].id");
    set_refused(RATE, "users[0]id=1",
                "--set users[0]id=1: an index is a number in brackets, as in users[0].id");
    set_refused(RATE "seed: 4\n", "seed[0]=1",
                "--set seed[0]=1: an index, but no list stands there");
    set_refused(RATE "seed: 4\n", "seed.x=1", "--set seed.x=1: no mapping stands above 'x'");
    set_refused(RATE, "=1", "--set =1: expected KEY=VALUE, as in radio.rate_hz=100e6");
    set_refused(RATE, "users[0].key_file=a",
                "--set users[0].key_file=a: missing required key 'users[0].id': radio ID");
}

static void dump_reads_back_to_the_same(void **state)
{
    (void)state;
    static struct cfg again;
    char *text;
    size_t n;
    assert_int_equal(parse(full), 0);
    FILE *out = open_memstream(&text, &n);
    assert_int_equal(config_dump(&table, &c, out), 0);
    fclose(out);
    assert_int_equal(config_parse(&table, "dump", text, n, NULL, &again, &err), 0);
    assert_memory_equal(&again, &c, sizeof c);
    assert_non_null(strstr(text, "# sample rate of every channel [samples/s; 1000..1e+09]\n"
                                 "  rate_hz: 2e+07\n"));
    assert_non_null(strstr(text, "[coded|steering|off; default coded]\nmode: off\n"));
    free(text);

    assert_int_equal(parse(RATE), 0); /* keys left out stay out */
    out = open_memstream(&text, &n);
    assert_int_equal(config_dump(&table, &c, out), 0);
    fclose(out);
    assert_int_equal(config_parse(&table, "dump", text, n, NULL, &again, &err), 0);
    assert_true(isnan(again.ris_m[0]) && isnan(again.level_db));
    assert_non_null(strstr(text, "# ris_m:\n"));
    free(text);

    FILE *full_disk = fopen("/dev/full", "w");
    assert_non_null(full_disk);
    assert_int_equal(config_dump(&table, &c, full_disk), ERR_IO);
    fclose(full_disk);
}

static void loads_files(void **state)
{
    (void)state;
    char path[] = "/tmp/mirador-test-XXXXXX", text[64];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, RATE, strlen(RATE)), (ssize_t)strlen(RATE));
    close(fd);
    assert_int_equal(config_load(&table, path, NULL, &c, &err), 0);
    assert_true(c.rate_hz == 20e6);
    unlink(path);
    assert_int_equal(config_load(&table, path, NULL, &c, &err), ERR_IO);
    assert_non_null(strstr(err.text, "No such file or directory; check the path"));
    assert_int_equal(config_load(&table, "/tmp", NULL, &c, &err), ERR_IO);
    assert_int_equal(config_load(&table, NULL, NULL, &c, &err), ERR_ARG); /* rate_hz is missing */
    assert_int_equal(config_load(&table, path, NULL, &c, NULL), ERR_IO);  /* err may be NULL */
    setenv("MIRADOR_DATA", "/nowhere", 1);
    assert_int_equal(config_data_path("bs.yaml", text, sizeof text, &err), ERR_NOT_FOUND);
    assert_int_equal(config_data_path("bs.yaml", text, 5, &err), ERR_NO_SPACE);
    setenv("MIRADOR_DATA", "/dev", 1);
    assert_int_equal(config_data_path("null", text, sizeof text, &err), 0);
    assert_string_equal(text, "/dev/null");
}

static void blame(const char *file, const char *key, const char *place)
{
    char expected[400];
    struct status why = {0};
    snprintf(expected, sizeof expected, "%s:%sof two keys; cure", file, place);
    status_set(&why, ERR_GEOMETRY, "of two keys; cure");
    assert_int_equal(config_blame(&table, file, key, &why), ERR_GEOMETRY);
    assert_string_equal(why.text, expected);
}

static void blames_the_place_in_the_file(void **state)
{
    (void)state;
    char file[] = "/tmp/mirador-test-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    FILE *out = fdopen(fd, "w");
    fputs("radio:\n  gain_db: 3\nboards:\n  - {name: a}\n  - name: b\n    at_m: [1, 2]\n", out);
    fclose(out);
    blame(file, "radio.gain_db", "2:3: ");
    blame(file, "radio.rate_hz", "1:1: "); /* left to its default */
    blame(file, "boards[0].name", "4:6: ");
    blame(file, "boards[1].at_m", "6:5: ");
    blame(file, "boards[1]", "5:5: ");
    blame(file, "boards[7].name", "3:1: ");
    blame(file, "users", " ");
    remove(file);
    blame(file, "users", " ");
}

static void finds_the_nearest_word(void **state)
{
    (void)state;
    static const char *const words[] = {"demo", "status", "keys"};
    assert_string_equal(config_nearest("stauts", words, 3), "status");
    assert_string_equal(config_nearest("key", words, 3), "keys");
    assert_string_equal(config_nearest("demo", words, 3), "demo");
    assert_null(config_nearest("record", words, 3));
    assert_null(config_nearest("", words, 3));
    assert_null(config_nearest("x", words, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type),
        cmocka_unit_test(fills_defaults),
        cmocka_unit_test(suggests_for_unknown_keys),
        cmocka_unit_test(one_number_stands_for_a_list_of_it),
        cmocka_unit_test(refuses_wrong_types),
        cmocka_unit_test(refuses_values_out_of_range),
        cmocka_unit_test(names_missing_and_duplicate_keys),
        cmocka_unit_test(applies_overrides),
        cmocka_unit_test(refuses_bad_overrides),
        cmocka_unit_test(dump_reads_back_to_the_same),
        cmocka_unit_test(loads_files),
        cmocka_unit_test(blames_the_place_in_the_file),
        cmocka_unit_test(finds_the_nearest_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
