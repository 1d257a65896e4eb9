/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador record info, check and cut: on the files of a recording, without a daemon. */
#include "base/log.h"
#include "base/options.h"
#include "host/cli/recording_verbs.h"
#include "host/recording_check.h"
#include "host/recording_reader.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct job {
    bool repair;
    double from_s, to_s;
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct job *job = context;
    if (!value) {
        job->repair = true;
        return OK;
    }
    return option_double(name, value, 0, 1e9, name[0] == 'f' ? &job->from_s : &job->to_s, err);
}

static int complain(const char *program, const struct status *err)
{
    fprintf(stderr, "%s: %s\n", program, err->text);
    return err->code == ERR_NOT_FOUND || err->code == ERR_ARG || err->code == ERR_BUSY
               ? EXIT_USAGE
               : EXIT_FAILED;
}

/* -1 to go on. */
static int parse(struct options_cfg *cfg, int n_operands, int argc, char **argv,
                 struct options *opt)
{
    int code = options_parse(cfg, argc, argv, opt);
    if (code >= 0)
        return code;
    if (opt->n_operands == n_operands)
        return -1;
    fprintf(stderr, "%s: give %s\n", cfg->program, cfg->operands);
    return EXIT_USAGE;
}

/* --- info ------------------------------------------------------------------------------------- */

static json_t *info_json(const struct recording_head *h, const struct recording_summary *s)
{
    json_t *o = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:I,s:s,s:s,s:s}", "cycles",
        (json_int_t)s->cycles, "fixes", (json_int_t)s->fixes, "marks", (json_int_t)s->marks,
        "checkpoints", (json_int_t)s->checkpoints, "with_faults", (json_int_t)s->with_faults,
        "samples", (json_int_t)s->samples, "seconds", s->last_s - s->first_s, "unix_s", s->unix_s,
        "rate_hz", h->rate_hz, "carrier_hz", h->carrier_hz, "channels", (json_int_t)h->n_rx,
        "device", h->serial, "program", h->version, "end", s->why);
    return o;
}

static void print_info(const struct recording_head *h, const struct recording_summary *s)
{
    char when[40] = "?";
    time_t t = (time_t)s->unix_s;
    struct tm tm;
    if (gmtime_r(&t, &tm))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &tm);
    printf("begun        %s by miradord %s, device %s\n", when, h->version, h->serial);
    printf("samples      %zu channels at %g MS/s and %g GHz, %llu each\n", h->n_rx,
           h->rate_hz * 1e-6, h->carrier_hz * 1e-9, (unsigned long long)s->samples);
    printf("cycles       %llu over %.2f s, %llu touched by a fault\n",
           (unsigned long long)s->cycles, s->last_s - s->first_s,
           (unsigned long long)s->with_faults);
    printf("positions    %llu\n", (unsigned long long)s->fixes);
    printf("checkpoints  %llu, marks %llu\n", (unsigned long long)s->checkpoints,
           (unsigned long long)s->marks);
    printf("end          %s\n", s->why[0] ? s->why : "cut short: mirador record check --repair");
}

int recording_info_verb(int argc, char **argv)
{
    struct options opt;
    struct status err = {0};
    struct recording_summary s;
    struct options_cfg cfg = {.program = "mirador record info",
                              .synopsis = "Says what a recording holds.",
                              .operands = "RECORDING",
                              .json = true};
    int code = parse(&cfg, 1, argc, argv, &opt);
    if (code >= 0)
        return code;
    struct recording_reader *r = recording_reader_open(opt.operands[0], &err);
    if (!r || recording_summarise(opt.operands[0], &s, &err)) {
        recording_reader_close(&r);
        return complain(cfg.program, &err);
    }
    if (opt.json) {
        json_t *o = info_json(recording_reader_head(r), &s);
        json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
        putchar('\n');
        json_decref(o);
    } else {
        print_info(recording_reader_head(r), &s);
    }
    recording_reader_close(&r);
    return EXIT_DONE;
}

/* --- check, cut ------------------------------------------------------------------------------- */

int recording_check_verb(int argc, char **argv)
{
    static const struct option_spec specs[] = {
        {"repair", 0, NULL, "keep everything up to the last whole cycle, cut off the rest"}};
    struct job job = {0};
    struct options opt;
    struct status err = {0};
    uint64_t cycles;
    struct options_cfg cfg = {.program = "mirador record check",
                              .synopsis = "Looks at every byte of a recording: digests, sizes, and "
                                          "whether its files\nsay the same.",
                              .operands = "RECORDING",
                              .specs = specs,
                              .n_specs = 1,
                              .apply = apply,
                              .context = &job};
    int code = parse(&cfg, 1, argc, argv, &opt);
    if (code >= 0)
        return code;
    int rc = recording_check(opt.operands[0], &err);
    if (rc && rc != ERR_CRC && job.repair) { /* damage is not healed by a new digest */
        fprintf(stderr, "%s: %s\n", cfg.program, err.text);
        rc = recording_repair(opt.operands[0], &cycles, &err);
        if (rc == OK) {
            printf("repaired: %llu cycles are kept\n", (unsigned long long)cycles);
            rc = recording_check(opt.operands[0], &err);
        }
    }
    if (rc)
        return complain(cfg.program, &err);
    puts("whole");
    return EXIT_DONE;
}

int recording_cut_verb(int argc, char **argv)
{
    static const struct option_spec specs[] = {
        {"from", 0, "SECONDS", "since the first cycle; from the checkpoint before it (0)"},
        {"to", 0, "SECONDS", "up to there (the end)"},
    };
    struct job job = {.to_s = INFINITY};
    struct options opt;
    struct status err = {0};
    uint64_t cycles;
    struct options_cfg cfg = {.program = "mirador record cut",
                              .synopsis = "Copies a part of a recording to one of its own.",
                              .operands = "RECORDING NEW",
                              .specs = specs,
                              .n_specs = 2,
                              .apply = apply,
                              .context = &job};
    int code = parse(&cfg, 2, argc, argv, &opt);
    if (code >= 0)
        return code;
    if (recording_cut(opt.operands[0], job.from_s, job.to_s, opt.operands[1], &cycles, &err))
        return complain(cfg.program, &err);
    printf("%llu cycles\n", (unsigned long long)cycles);
    return EXIT_DONE;
}
