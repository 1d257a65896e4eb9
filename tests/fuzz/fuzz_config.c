/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes as a YAML file, and behind the first NUL as overrides: no text may crash the reader, and
 * what it accepts must dump to a text that it accepts again. */
#include "fuzz.h"

#include "base/config.h"

struct waypoint {
    double time_s, at_m[3];
};
struct user {
    int id, mode;
    char name[8];
    struct waypoint waypoints[2];
    size_t n_waypoints;
};
struct cfg {
    double rate_hz, level_db, ris_m[3], taps[2], rx_m[2][3];
    size_t n_taps, n_rx, n_channels, n_names, n_users;
    uint64_t seed;
    bool on;
    int channels[2];
    char names[2][8];
    struct user users[2];
};

static const struct config_key waypoint_keys[] = {
    {"t", CONFIG_DOUBLE(struct waypoint, time_s), .max = 60},
    {"at", CONFIG_VEC3(struct waypoint, at_m), .def = "[1, 2, 3]"},
};
static const struct config_table waypoint_table = CONFIG_TABLE(struct waypoint, waypoint_keys);
static const struct config_key user_keys[] = {
    {"id", CONFIG_INT(struct user, id)},
    {"mode", CONFIG_CHOICE(struct user, mode, "a|b"), .def = "a"},
    {"name", CONFIG_STRING(struct user, name), .def = ""},
    {"w", CONFIG_LIST(struct user, waypoints, n_waypoints, &waypoint_table)},
};
static const struct config_table user_table = CONFIG_TABLE(struct user, user_keys);
static const struct config_key keys[] = {
    {"r.rate", CONFIG_DOUBLE(struct cfg, rate_hz), .unit = "Hz", .min = 1, .max = 1e9,
     .def = "20e6"},
    {"r.tx.db", CONFIG_DOUBLE(struct cfg, level_db), .def = CONFIG_UNSET},
    {"r.tx.on", CONFIG_BOOL(struct cfg, on), .def = "no"},
    {"seed", CONFIG_U64(struct cfg, seed), .def = "1"},
    {"ris", CONFIG_VEC3(struct cfg, ris_m), .def = CONFIG_UNSET},
    {"taps", CONFIG_DOUBLES(struct cfg, taps, n_taps)},
    {"ch", CONFIG_INTS(struct cfg, channels, n_channels), .max = 31},
    {"names", CONFIG_STRINGS(struct cfg, names, n_names)},
    {"rx", CONFIG_VEC3S(struct cfg, rx_m, n_rx)},
    {"users", CONFIG_LIST(struct cfg, users, n_users, &user_table)},
};
static const struct config_table table = CONFIG_TABLE(struct cfg, keys);

static void check_dump(const struct cfg *cfg)
{
    static struct cfg again;
    struct status err;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    FUZZ_CHECK(out && config_dump(&table, cfg, out) == 0);
    fclose(out);
    FUZZ_CHECK(config_parse(&table, "dump", text, n, NULL, &again, &err) == 0);
    FUZZ_CHECK(again.seed == cfg->seed && again.rate_hz == cfg->rate_hz);
    FUZZ_CHECK(again.n_users == cfg->n_users && again.users[1].id == cfg->users[1].id);
    FUZZ_CHECK(memcmp(again.names, cfg->names, sizeof again.names) == 0);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct cfg cfg;
    struct status err = {0};
    char *copy = malloc(n + 1);
    const char *items[4];
    size_t n_items = 0;
    memcpy(copy, bytes, n);
    copy[n] = 0;
    size_t length = strlen(copy);
    for (size_t at = length + 1; at < n && n_items < 4; at += strlen(copy + at) + 1)
        items[n_items++] = copy + at;
    struct config_sets sets = {items, n_items};
    if (config_parse(&table, "fuzz.yaml", copy, length, &sets, &cfg, &err) == 0)
        check_dump(&cfg);
    else
        FUZZ_CHECK(err.code != OK && err.text[0] != 0);
    free(copy);
    return 0;
}
