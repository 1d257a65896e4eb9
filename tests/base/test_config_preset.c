/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that stand on presets, and tables that share parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/log.h"

struct radio {
    double rate_hz, gain_db;
    int channels[4];
    size_t n_channels;
};

struct station {
    char name[16];
    struct radio radio;
    double lead_s;
};

static const struct config_key radio_keys[] = {
    {"radio.rate_hz", CONFIG_DOUBLE(struct radio, rate_hz), .unit = "Hz", .max = 1e9,
     .def = "100e6", .help = "sample rate"},
    {"radio.gain_db", CONFIG_DOUBLE(struct radio, gain_db), .unit = "dB", .max = 70, .def = "10",
     .help = "gain"},
    {"radio.channels", CONFIG_INTS(struct radio, channels, n_channels), .max = 31, .def = "[0, 1]"},
};
static const struct config_table radio_table = CONFIG_TABLE(struct radio, radio_keys);
static const struct config_default defaults[] = {{"radio.gain_db", "20"}};
static const struct config_part parts[] = {
    {CONFIG_PART(struct station, radio, &radio_table), CONFIG_PART_DEFAULTS(defaults)}};
static const struct config_key keys[] = {
    {"name", CONFIG_STRING(struct station, name), .def = "none"},
    {"radio.lead_s", CONFIG_DOUBLE(struct station, lead_s), .unit = "s", .max = 1, .def = "1e-3"},
};
static const struct config_table table = {CONFIG_KEYS(struct station, keys), CONFIG_PARTS(parts),
                                          .presets = "st-"};

static char folder[] = "/tmp/mirador-preset-XXXXXX";
static struct station s;
static struct status err;

static void put(const char *name, const char *text)
{
    char path[80];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static int load(const char *name, const char *set)
{
    char path[80];
    const struct config_sets sets = {&set, set ? 1 : 0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return config_load(&table, strchr(name, '.') ? path : name, &sets, &s, &err);
}

static void says(const char *text)
{
    if (!strstr(err.text, text))
        fail_msg("'%s' does not say '%s'", err.text, text);
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    setenv("MIRADOR_DATA", folder, 1);
    put("st-fast.yaml", "name: fast\nradio: {rate_hz: 200e6, channels: [3, 4, 5]}\n");
    put("st-slow.yaml", "preset: fast\nname: slow\nradio:\n  rate_hz: 1e6\n");
    put("st-bad.yaml", "name: bad\nradio:\n  gian_db: 3\n");
    put("st-circle.yaml", "preset: circle\n");
    put("readme.txt", "no preset");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[80];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void parts_stand_beside_own_keys(void **state)
{
    (void)state;
    put("own.yaml", "name: own\nradio:\n  lead_s: 0.5\n  rate_hz: 5e6\n  channels: [7]\n");
    assert_int_equal(load("own.yaml", NULL), OK);
    assert_true(s.radio.rate_hz == 5e6 && s.lead_s == 0.5);
    assert_true(s.radio.gain_db == 20); /* this table's default, not the part's 10 */
    assert_int_equal(s.radio.n_channels, 1);
    assert_int_equal(s.radio.channels[0], 7);
    assert_int_equal(load("own.yaml", "radio.gian_db=3"), ERR_ARG);
    says("did you mean 'radio.gain_db'?");
}

static void dump_of_parts_reads_back(void **state)
{
    (void)state;
    static struct station again;
    char *text;
    size_t n;
    assert_int_equal(load("slow", NULL), OK);
    FILE *out = open_memstream(&text, &n);
    assert_int_equal(config_dump(&table, &s, out), OK);
    fclose(out);
    assert_int_equal(config_parse(&table, "dump", text, n, NULL, &again, &err), OK);
    assert_memory_equal(&again, &s, sizeof s);
    const char *radio = strstr(text, "radio:\n");
    assert_non_null(radio);
    assert_null(strstr(radio + 1, "radio:\n")); /* one group */
    assert_non_null(strstr(text, "# gain [dB; 0..70; default 20]\n"));
    free(text);
}

static void a_file_goes_on_top_of_its_preset(void **state)
{
    (void)state;
    assert_int_equal(load("fast", NULL), OK);
    assert_string_equal(s.name, "fast");
    put("site.yaml", "preset: slow\nradio:\n  gain_db: 30\n");
    assert_int_equal(load("site.yaml", NULL), OK);
    assert_string_equal(s.name, "slow");
    assert_true(s.radio.rate_hz == 1e6 && s.radio.gain_db == 30);
    assert_int_equal(s.radio.n_channels, 3); /* from two presets below */
    put("site.yaml", "radio: {channels: [9]}\npreset: ./st-slow.yaml\n");
    assert_int_equal(load("site.yaml", "radio.rate_hz=2e6"), OK);
    assert_int_equal(s.radio.n_channels, 1); /* a list is replaced whole */
    assert_true(s.radio.rate_hz == 2e6);
    put("site.yaml", "preset: fast\nradio:\n#  gain_db: 3\n");
    assert_int_equal(load("site.yaml", NULL), OK);
    assert_true(s.radio.rate_hz == 200e6); /* an empty group hides nothing */
    put("site.yaml", "preset: fast\nradio: 3\n");
    assert_int_equal(load("site.yaml", NULL), ERR_ARG);
    says("site.yaml:2:8: 'radio' must be a mapping");
}

static void faults_name_the_file_they_stand_in(void **state)
{
    (void)state;
    put("site.yaml", "preset: bad\n");
    assert_int_equal(load("site.yaml", NULL), ERR_ARG);
    says("st-bad.yaml:3:3: unknown key 'radio.gian_db'");
    put("site.yaml", "preset: slow\nradio: {gain_db: 3}\n");
    char path[80];
    snprintf(path, sizeof path, "%s/site.yaml", folder);
    status_set(&err, ERR_GEOMETRY, "too slow");
    assert_int_equal(config_blame(&table, path, "radio.rate_hz", &err), ERR_GEOMETRY);
    says("st-slow.yaml:4:3: too slow");
    status_set(&err, ERR_GEOMETRY, "too slow");
    assert_int_equal(config_blame(&table, "slow", "radio.rate_hz", &err), ERR_GEOMETRY);
    says("st-slow.yaml:4:3: too slow");
}

static void what_is_no_preset_is_refused(void **state)
{
    (void)state;
    put("site.yaml", "name: x\npreset: slwo\n");
    assert_int_equal(load("site.yaml", NULL), ERR_NOT_FOUND);
    says("site.yaml:2:1: preset: we have no 'slwo' (did you mean 'slow'?); "
         "give one of bad, circle, fast, slow");
    assert_int_equal(load("fsat", NULL), ERR_NOT_FOUND);
    says("did you mean 'fast'?");
    assert_int_equal(load("a_name_that_is_far_too_long_to_be_one_of_ours", NULL), ERR_NOT_FOUND);
    put("site.yaml", "preset: other.yaml\n");
    assert_int_equal(load("site.yaml", NULL), ERR_IO);
    says("other.yaml: cannot read");
    put("site.yaml", "preset: [fast]\n");
    assert_int_equal(load("site.yaml", NULL), ERR_ARG);
    says("'preset' needs the name");
    put("site.yaml", "preset:\n");
    assert_int_equal(load("site.yaml", NULL), ERR_ARG);
    assert_int_equal(load("circle", NULL), ERR_ARG);
    says("more than 8 presets");
    assert_int_equal(config_load(&radio_table, "fast", NULL, &s.radio, &err), ERR_IO);
    put("site.yaml", "preset: fast\n");
    assert_int_equal(load("site.yaml", "preset=slow"), ERR_ARG); /* not from the command line */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_stand_beside_own_keys),
        cmocka_unit_test(dump_of_parts_reads_back),
        cmocka_unit_test(a_file_goes_on_top_of_its_preset),
        cmocka_unit_test(faults_name_the_file_they_stand_in),
        cmocka_unit_test(what_is_no_preset_is_refused),
    };
    return cmocka_run_group_tests_name("config_preset", tests, make_folder, remove_folder);
}
