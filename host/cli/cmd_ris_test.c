/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador ris test: walks patterns over a board, reads every one back and times it, then shows
 * again what was there. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "host/cli/cmd_ris.h"
#include "host/cli/ris_link.h"

#define RANDOM_MAX 100000

struct test_job {
    struct ris_link link;
    uint64_t n_random, slot;
    bool slot_given, force;
    struct ris_shape shape;
    uint8_t dead[RIS_SIDE_MAX]; /* columns that do not switch */
    size_t n, wrong;
    double *load_ms, *apply_ms; /* [n] */
    char first_fault[160];
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* ---- the patterns: all states flat, checkerboards, each row, each column, then random ---- */

static size_t n_fixed(struct ris_shape s)
{
    return (1u << s.bits) + 2u + s.rows + s.columns;
}

static unsigned fixed_state(struct ris_shape s, size_t i, unsigned column, unsigned row)
{
    unsigned states = 1u << s.bits, top = states - 1;
    if (i < states)
        return (unsigned)i;
    i -= states;
    if (i < 2)
        return (column + row + i) % 2 ? top : 0;
    i -= 2;
    if (i < s.rows)
        return row == i ? top : 0;
    return column == i - s.rows ? top : 0;
}

static uint32_t next_random(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    return *x ^= *x << 5;
}

static void make_pattern(const struct test_job *job, size_t i, uint32_t *seed, uint8_t *pattern)
{
    struct ris_shape s = job->shape;
    memset(pattern, 0, RIS_PATTERN_MAX);
    for (unsigned row = 0; row < s.rows; row++)
        for (unsigned column = 0; column < s.columns; column++) {
            unsigned state = i < n_fixed(s) ? fixed_state(s, i, column, row)
                                            : (next_random(seed) >> 7) & ((1u << s.bits) - 1);
            if (!job->dead[column])
                ris_pattern_set(s, pattern, (size_t)row * s.columns + column, state);
        }
}

/* ---- one pattern ---- */

static json_t *load_command(const struct test_job *job, uint64_t slot)
{
    return json_pack("{sssssIsisisi}", "cmd", "load", "board", job->link.board, "slot",
                     (json_int_t)slot, "columns", job->shape.columns, "rows", job->shape.rows,
                     "bits", job->shape.bits);
}

static int change(struct test_job *job, const uint8_t *pattern, double *load_ms, double *apply_ms,
                  struct status *err)
{
    const struct ris_link_frame frame = {pattern, ris_pattern_bytes(job->shape)};
    double began = now_ms();
    json_t *answer = ris_link_ask(&job->link, load_command(job, job->slot), &frame, NULL, err);
    json_decref(answer);
    if (answer == NULL)
        return err->code;
    double loaded = now_ms();
    answer = ris_link_ask(&job->link,
                          json_pack("{sssssI}", "cmd", "apply", "board", job->link.board, "slot",
                                    (json_int_t)job->slot),
                          NULL, NULL, err);
    json_decref(answer);
    *load_ms = loaded - began;
    *apply_ms = now_ms() - loaded;
    return answer != NULL ? OK : err->code;
}

static int read_back(struct test_job *job, uint8_t *back, struct status *err)
{
    json_t *answer =
        ris_link_ask(&job->link, json_pack("{ssss}", "cmd", "readback", "board", job->link.board),
                     NULL, back, err);
    json_decref(answer);
    return answer != NULL ? OK : err->code;
}

static void compare(struct test_job *job, size_t i, const uint8_t *want, const uint8_t *got)
{
    size_t elements = (size_t)job->shape.columns * job->shape.rows, wrong = 0, first = 0;
    for (size_t m = 0; m < elements; m++)
        if (ris_pattern_get(job->shape, want, m) != ris_pattern_get(job->shape, got, m)) {
            first = wrong == 0 ? m : first;
            wrong++;
        }
    if (wrong == 0)
        return;
    if (job->wrong++ == 0)
        snprintf(job->first_fault, sizeof job->first_fault,
                 "pattern %zu: %zu of %zu elements differ, first at column %zu, row %zu", i, wrong,
                 elements, first % job->shape.columns, first / job->shape.columns);
}

static int walk(struct test_job *job, struct status *err)
{
    uint32_t seed = 2463534242u;
    uint8_t want[RIS_PATTERN_MAX], got[RIS_PATTERN_MAX];
    bool bar = isatty(2);
    for (size_t i = 0; i < job->n; i++) {
        if (stop_requested())
            return status_set(err, ERR_INTERRUPTED, "stopped after %zu patterns", i);
        make_pattern(job, i, &seed, want);
        memset(got, 0, sizeof got);
        int rc = change(job, want, &job->load_ms[i], &job->apply_ms[i], err);
        if (rc == OK)
            rc = read_back(job, got, err);
        if (rc)
            return rc;
        compare(job, i, want, got);
        if (bar && i % 16 == 0)
            fprintf(stderr, "\r%zu of %zu patterns", i, job->n);
    }
    if (bar)
        fprintf(stderr, "\r\033[K");
    return OK;
}

/* ---- before and after ---- */

static int look_at_board(struct test_job *job, struct status *err)
{
    json_t *status = ris_link_board(&job->link, err);
    if (status == NULL)
        return err->code;
    const char *mode = json_string_value(json_object_get(status, "mode"));
    const json_t *dead = json_object_get(status, "dead_columns");
    json_int_t slots = json_integer_value(json_object_get(status, "slots"));
    int rc = OK;
    if (!ris_link_shape(status, &job->shape) || mode == NULL || slots < 1)
        rc = status_set(err, ERR_FORMAT, "board %s: no such status as this program knows",
                        job->link.board);
    else if (!job->force && (strcmp(mode, "armed") == 0 || strcmp(mode, "running") == 0))
        rc = status_set(err, ERR_BUSY,
                        "board %s is armed by somebody; stop that program, or add --force",
                        job->link.board);
    for (size_t i = 0; i < json_array_size(dead); i++)
        job->dead[json_integer_value(json_array_get(dead, i)) & (RIS_SIDE_MAX - 1)] = 1;
    if (!job->slot_given)
        job->slot = (uint64_t)(slots - 1);
    json_decref(status);
    return rc;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double quantile(double *sorted, size_t n, double q)
{
    size_t i = (size_t)(q * (double)(n - 1) + 0.5);
    return sorted[i];
}

static void report(struct test_job *job, bool json)
{
    static const char *const names[] = {"load", "apply"};
    double *times[] = {job->load_ms, job->apply_ms};
    if (json)
        printf("{\"board\":\"%s\",\"patterns\":%zu,\"wrong\":%zu", job->link.board, job->n,
               job->wrong);
    else
        printf("board %s: %zu patterns, %zu wrong%s%s\n", job->link.board, job->n, job->wrong,
               job->wrong ? "; " : "", job->first_fault);
    for (int i = 0; i < 2; i++) {
        qsort(times[i], job->n, sizeof *times[i], by_size);
        double p50 = quantile(times[i], job->n, 0.5), p99 = quantile(times[i], job->n, 0.99);
        double max = times[i][job->n - 1];
        if (json)
            printf(",\"%s_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}", names[i], p50, p99, max);
        else
            printf("  %-5s  p50 %8.3f  p99 %8.3f  max %8.3f ms\n", names[i], p50, p99, max);
    }
    if (json)
        puts("}");
}

static int test_board(struct test_job *job, bool json, struct status *err)
{
    uint8_t before[RIS_PATTERN_MAX] = {0};
    struct status dark = {0}, after = {0};
    double unused[2];
    int rc = look_at_board(job, err);
    if (rc)
        return rc;
    job->n = n_fixed(job->shape) + (size_t)job->n_random;
    job->load_ms = calloc(job->n, sizeof *job->load_ms);
    job->apply_ms = calloc(job->n, sizeof *job->apply_ms);
    if (job->load_ms == NULL || job->apply_ms == NULL)
        return status_set(err, ERR_NO_MEMORY, "out of memory");
    bool lit = read_back(job, before, &dark) == OK; /* a board fresh from power-up shows nothing */
    rc = walk(job, err);
    if (rc == OK)
        report(job, json);
    if (lit && change(job, before, &unused[0], &unused[1], &after) != OK && rc == OK)
        rc = status_set(err, after.code, "cannot show the old profile again: %.180s", after.text);
    if (rc == OK && job->wrong > 0)
        rc = status_set(err, ERR_STATE,
                        "%zu of %zu patterns came back wrong; check the cable and the supply, slow "
                        "the baud rate down",
                        job->wrong, job->n);
    return rc;
}

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct test_job *job = context;
    int rc = ris_link_option(&job->link, name, value, err);
    if (rc <= 0)
        return rc;
    if (strcmp(name, "random") == 0) {
        rc = option_u64(name, value, &job->n_random, err);
        return rc == OK && job->n_random > RANDOM_MAX
                   ? status_set(err, ERR_ARG, "--random: at most %d", RANDOM_MAX)
                   : rc;
    }
    if (strcmp(name, "slot") == 0) {
        job->slot_given = true;
        return option_u64(name, value, &job->slot, err);
    }
    job->force = true;
    return OK;
}

int cmd_ris_test(int argc, char **argv)
{
    static struct test_job job = {.link.program = "mirador ris test", .n_random = 64};
    static const struct option_spec specs[] = {
        RIS_LINK_SPECS,
        {"random", 'n', "N", "random patterns after the fixed ones (64)"},
        {"slot", 's', "N", "slot that is overwritten (the board's last)"},
        {"force", 0, NULL, "even if a sequence is armed, which this ends"},
    };
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = "mirador ris test",
        .synopsis = "Walks patterns over a board, reads each back, and times load and apply.",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    int rc = stop_signals_install(&err);
    if (rc == OK)
        rc = ris_link_open(&job.link, &err);
    if (rc == OK)
        rc = test_board(&job, opt.json, &err);
    if (rc != OK)
        fprintf(stderr, "mirador ris test: %s\n", err.text);
    free(job.load_ms);
    free(job.apply_ms);
    ris_link_close(&job.link);
    return rc == OK ? EXIT_DONE : ris_link_exit(&err);
}
