/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The shared command line: exit codes, lines on stderr, the log, and the stop signals. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/options.h"

struct cfg {
    double gain_db;
};
static const struct config_key keys[] = {
    {"radio.gain_db", CONFIG_DOUBLE(struct cfg, gain_db), .unit = "dB", .max = 70, .def = "10"},
};
static const struct config_table table = CONFIG_TABLE(struct cfg, keys);

static char seen[128];

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    double seconds;
    assert_ptr_equal(context, seen);
    if (strcmp(name, "seconds") == 0)
        if (option_double(name, value, 0, 60, &seconds, err))
            return err->code;
    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s=%s ", name, value ? value : "");
    return 0;
}

static const struct option_spec specs[] = {
    {"seconds", 'n', "SECONDS", "how long"},
    {"quiet", 'q', NULL, "say less"},
};
static const struct options_cfg full = {.program = "prog",
                                        .synopsis = "Does things.",
                                        .operands = "FILE...",
                                        .specs = specs,
                                        .n_specs = 2,
                                        .config = &table,
                                        .ready_fd = true,
                                        .json = true,
                                        .apply = apply,
                                        .context = seen};
static struct options opt;
static char output[8192];

/* options_parse with stdout and stderr caught in output. */
static int parse(const struct options_cfg *cfg, char **argv)
{
    int argc = 0, saved[2] = {dup(1), dup(2)};
    FILE *file = tmpfile();
    while (argv[argc])
        argc++;
    seen[0] = 0;
    fflush(NULL);
    dup2(fileno(file), 1);
    dup2(fileno(file), 2);
    int rc = options_parse(cfg, argc, argv, &opt);
    fflush(NULL);
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    close(saved[0]);
    close(saved[1]);
    rewind(file);
    output[fread(output, 1, sizeof output - 1, file)] = 0;
    fclose(file);
    return rc;
}

#define PARSE(...) parse(&full, (char *[]){"prog", __VA_ARGS__, NULL})

static void parses_what_programs_share(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--seconds", "5", "-q", "a", "--json", "-c", "bs.yaml", "-s", "x=1",
                           "--set=y=2", "--ready-fd", "7", "--check-config", "b"),
                     -1);
    assert_string_equal(seen, "seconds=5 quiet= ");
    assert_true(opt.json && opt.check_config && !opt.dump_config);
    assert_string_equal(opt.config_file, "bs.yaml");
    assert_int_equal(opt.n_sets, 2);
    assert_string_equal(opt.sets[1], "y=2");
    assert_int_equal(opt.ready_fd, 7);
    assert_int_equal(opt.n_operands, 2);
    assert_string_equal(opt.operands[1], "b");
    assert_string_equal(output, "");
    assert_int_equal(parse(&full, (char *[]){"prog", NULL}), -1);
    assert_int_equal(opt.ready_fd, -1);
}

static void helps(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--help"), EXIT_DONE);
    assert_non_null(strstr(output, "usage: prog [OPTION...] FILE...\nDoes things.\n"));
    assert_non_null(strstr(output, "-n, --seconds SECONDS"));
    assert_non_null(strstr(output, "--check-config"));
    assert_int_equal(PARSE("--version"), EXIT_DONE);
    assert_memory_equal(output, "prog (mirador) ", 15);
}

static void bad_usage_exits_with_2(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--secnods", "5"), EXIT_USAGE);
    assert_string_equal(output,
                        "prog: unknown option '--secnods' (did you mean '--seconds'?); see 'prog "
                        "--help'\n");
    assert_int_equal(PARSE("--seconds"), EXIT_USAGE);
    assert_string_equal(output, "prog: option '--seconds' needs a value; see 'prog --help'\n");
    assert_int_equal(PARSE("-x"), EXIT_USAGE);
    assert_string_equal(output, "prog: unknown option '-x'; see 'prog --help'\n");
    assert_int_equal(PARSE("--json=1"), EXIT_USAGE);
    assert_string_equal(output, "prog: option '--json' takes no value; see 'prog --help'\n");
    assert_int_equal(PARSE("--seconds", "61"), EXIT_USAGE);
    assert_string_equal(output, "prog: --seconds needs a number from 0 to 60, not '61'; see 'prog "
                                "--help'\n");
    assert_int_equal(PARSE("--ready-fd", "x"), EXIT_USAGE);
    struct options_cfg bare = {.program = "bare", .synopsis = ""};
    assert_int_equal(parse(&bare, (char *[]){"bare", "file", NULL}), EXIT_USAGE);
    assert_string_equal(output, "bare: unexpected argument 'file'; see 'bare --help'\n");
    assert_int_equal(parse(&bare, (char *[]){"bare", "--json", NULL}), EXIT_USAGE);
    assert_int_equal(parse(&bare, (char *[]){"bare", "--config", "x", NULL}), EXIT_USAGE);
}

static int load(struct cfg *cfg)
{
    int saved = dup(2), null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    int rc = options_load(&full, &opt, cfg);
    dup2(saved, 2);
    close(saved);
    close(null);
    return rc;
}

static void loads_the_configuration(void **state)
{
    (void)state;
    struct cfg cfg;
    assert_int_equal(PARSE("--set", "radio.gain_db=20"), -1);
    assert_int_equal(load(&cfg), -1);
    assert_true(cfg.gain_db == 20);
    assert_int_equal(PARSE("--set", "radio.gain_db=99"), -1);
    assert_int_equal(load(&cfg), EXIT_USAGE);
    assert_int_equal(PARSE("--config", "/nowhere/x.yaml"), -1);
    assert_int_equal(load(&cfg), EXIT_USAGE);
    assert_int_equal(PARSE("--check-config"), -1);
    assert_int_equal(load(&cfg), EXIT_DONE);
}

static int check(const void *values, const char *file, struct status *err)
{
    const struct cfg *cfg = values;
    assert_string_equal(file, "defaults");
    return cfg->gain_db < 60 ? 0 : status_set(err, ERR_ARG, "too loud; lower it");
}

static void checks_before_it_says_that_all_is_well(void **state)
{
    (void)state;
    struct cfg cfg;
    struct options_cfg checked = full;
    checked.check = check;
    assert_int_equal(PARSE("--check-config", "--set", "radio.gain_db=59"), -1);
    assert_int_equal(options_load(&checked, &opt, &cfg), EXIT_DONE);
    assert_int_equal(PARSE("--check-config", "--set", "radio.gain_db=61"), -1);
    assert_int_equal(options_load(&checked, &opt, &cfg), EXIT_USAGE);
    assert_int_equal(PARSE("--set", "radio.gain_db=61"), -1);
    assert_int_equal(options_load(&checked, &opt, &cfg), EXIT_USAGE);
}

static void tells_when_ready(void **state)
{
    (void)state;
    int ends[2];
    char byte = 0, number[16];
    assert_int_equal(pipe(ends), 0);
    snprintf(number, sizeof number, "%d", ends[1]);
    assert_int_equal(PARSE("--ready-fd", number), -1);
    options_ready(&opt);
    options_ready(&opt); /* once is enough */
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'R');
    assert_int_equal(read(ends[0], &byte, 1), 0); /* closed */
    close(ends[0]);
}

static void numbers_are_whole_texts(void **state)
{
    (void)state;
    struct status err;
    double d;
    uint64_t u;
    assert_int_equal(option_double("x", "1e1", 0, 20, &d, &err), 0);
    assert_true(d == 10);
    assert_int_equal(option_double("x", "1x", 0, 20, &d, &err), ERR_ARG);
    assert_int_equal(option_double("x", "nan", 0, 20, &d, &err), ERR_ARG);
    assert_int_equal(option_double("x", "", 0, 20, &d, &err), ERR_ARG);
    assert_int_equal(option_u64("x", "18446744073709551615", &u, &err), 0);
    assert_true(u == UINT64_MAX);
    assert_int_equal(option_u64("x", "18446744073709551616", &u, &err), ERR_ARG);
    assert_int_equal(option_u64("x", "-1", &u, &err), ERR_ARG);
}

static void stops_on_signals(void **state)
{
    (void)state;
    struct status err;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        pid_t child = fork(); /* the flag never falls again, so each signal has its own process */
        if (child == 0) {
            if (stop_signals_install(&err) != 0 || stop_requested())
                _exit(10);
            struct pollfd wait = {.fd = stop_fd(), .events = POLLIN};
            if (poll(&wait, 1, 0) != 0)
                _exit(11);
            raise(SIGPIPE); /* ignored */
            raise(signals[i]);
            bool awake = poll(&wait, 1, 0) == 1 && poll(&wait, 1, 0) == 1;
            _exit(stop_requested() && awake ? 0 : 12);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

static char sunk[256];

static void sink(void *context, enum log_level level, const char *text)
{
    snprintf(sunk, sizeof sunk, "%s|%s|%s", (char *)context, log_level_name(level), text);
}

static void *log_many(void *context)
{
    for (int i = 0; i < 200; i++)
        log_write(LOG_LEVEL_INFO, "thread %s line %d", (const char *)context, i);
    return NULL;
}

static void logs_whole_lines(void **state)
{
    (void)state;
    char line[2048];
    int saved = dup(2), lines = 0;
    FILE *file = tmpfile();
    unsetenv("MIRADOR_LOG");
    log_open("unit", LOG_LEVEL_INFO);
    dup2(fileno(file), 2);
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, log_many, "a");
    pthread_create(&threads[1], NULL, log_many, "b");
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    log_set_sink(sink, "ctx");
    log_warn("two\nlines\t%d", 7);
    assert_string_equal(sunk, "ctx|warn|two?lines?7");
    log_debug("below the level");
    assert_string_equal(sunk, "ctx|warn|two?lines?7");
    log_set_sink(NULL, NULL);
    log_error("after");
    assert_string_equal(sunk, "ctx|warn|two?lines?7");
    log_write(LOG_LEVEL_INFO, "%1500s", "long");
    dup2(saved, 2);
    close(saved);
    rewind(file);
    while (fgets(line, sizeof line, file)) {
        assert_non_null(strstr(line, " unit "));
        assert_int_equal(line[strlen(line) - 1], '\n');
        assert_true(strlen(line) < 1024);
        lines++;
    }
    assert_int_equal(lines, 403);
    fclose(file);
    struct status err;
    assert_int_equal(status_set(&err, ERR_IO, "a\nb"), ERR_IO);
    assert_string_equal(err.text, "a?b");
    assert_int_equal(status_set(NULL, ERR_IO, "x"), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_what_programs_share),
        cmocka_unit_test(helps),
        cmocka_unit_test(bad_usage_exits_with_2),
        cmocka_unit_test(loads_the_configuration),
        cmocka_unit_test(checks_before_it_says_that_all_is_well),
        cmocka_unit_test(tells_when_ready),
        cmocka_unit_test(numbers_are_whole_texts),
        cmocka_unit_test(stops_on_signals),
        cmocka_unit_test(logs_whole_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
