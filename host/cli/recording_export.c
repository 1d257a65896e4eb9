/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador record export: the estimates of a recording, worked over again, for other programs. */
#include "base/log.h"
#include "base/options.h"
#include "host/cli/export_pilots.h"
#include "host/cli/export_table.h"
#include "host/cli/recording_verbs.h"
#include "host/pilot_extract.h"
#include "host/recording_float.h"
#include "host/replay.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct job {
    struct replay_cfg cfg;
    const char *sets[64];
    const char *out;
    bool plots, samples; /* samples: as floats, and nothing else */
    struct export_table table;
    struct pilot_extract *extract; /* and pilots: NULL without trains */
    struct export_pilots *pilots;
};

static const struct option_spec specs[] = {
    {"out", 'o', "FILE", "where to (RECORDING.h5); figures beside it"},
    {"from", 0, "SECONDS", "begin so long after the first recorded cycle (0)"},
    {"to", 0, "SECONDS", "end there (the end)"},
    {"set", 's', "KEY=VALUE", "override the recorded configuration; may be repeated"},
    {"no-plots", 0, NULL, "no figures"},
    {"format", 0, "cf32_le",
     "the samples instead, as a SigMF Collection of this type (RECORDING-cf32)"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct job *job = context;
    if (strcmp(name, "format") == 0) {
        job->samples = true;
        return strcmp(value, "cf32_le") == 0
                   ? OK
                   : status_set(err, ERR_ARG, "--format must be cf32_le, not '%.40s'", value);
    }
    switch (name[0]) {
    case 'o':
        job->out = value;
        return OK;
    case 'f':
        return option_double(name, value, 0, 1e9, &job->cfg.from_s, err);
    case 't':
        return option_double(name, value, 0, 1e9, &job->cfg.to_s, err);
    case 'n':
        job->plots = false;
        return OK;
    default:
        if (job->cfg.sets.n == sizeof job->sets / sizeof *job->sets)
            return status_set(err, ERR_ARG, "too many --set");
        job->sets[job->cfg.sets.n++] = value;
        return OK;
    }
}

/* False: no memory. */
static bool add_train(struct job *job, const struct block *train, const struct cycle_report *report)
{
    struct pixel_pilots pilots;
    if (!train || !job->extract || pilot_extract_run(job->extract, train, report, &pilots))
        return true;
    export_pilots_add(job->pilots, &pilots);
    return export_table_add_train(&job->table, &pilots);
}

static int gather(struct job *job, struct replay *replay, struct replay_step *step,
                  struct status *err)
{
    int rc;
    while ((rc = replay_next(replay, step, err)) == OK) {
        if (!export_table_add(&job->table, &step->report) ||
            !add_train(job, replay_pilots(replay), &step->report))
            return status_set(err, ERR_NO_MEMORY, "no memory for %zu cycles; use --from and --to",
                              job->table.n);
    }
    if (rc == ERR_NOT_FOUND && job->table.n == 0)
        return status_set(err, ERR_ARG, "no cycle lies between --from and --to");
    return rc == ERR_NOT_FOUND ? OK : rc;
}

static int make_pilots(struct job *job, const struct replay *replay, struct status *err)
{
    if (replay_config(replay)->pixels.train.every == 0)
        return OK;
    job->extract = pilot_extract_create(replay_config(replay), replay_schedule(replay), err);
    job->pilots = job->extract ? export_pilots_create(replay, err) : NULL;
    return job->pilots ? OK : err->code;
}

/* FILE without .h5, for what lies beside it. */
static void beside(const struct job *job, char prefix[512])
{
    size_t n = strlen(job->out);
    n -= n > 3 && strcmp(job->out + n - 3, ".h5") == 0 ? 3 : 0;
    snprintf(prefix, 512, "%.*s", (int)n, job->out);
}

static int write_files(struct job *job, struct status *err)
{
    char prefix[512];
    beside(job, prefix);
    int rc = export_write(job->out, &job->table, err);
    if (rc)
        return rc;
    printf("%s: %zu cycles, %zu trains of pilots\n", job->out, job->table.n, job->table.n_train);
    return job->pilots ? export_pilots_write(job->pilots, prefix, err) : OK;
}

static int run(struct job *job, struct status *err)
{
    struct replay *replay = replay_create(&job->cfg, err);
    struct replay_step *step = calloc(1, sizeof *step);
    int rc = replay && step ? OK : err->code ? err->code : ERR_NO_MEMORY;
    rc = rc ? rc : make_pilots(job, replay, err);
    if (rc == OK) {
        const struct recording_head *h = recording_reader_head(replay_reader(replay));
        job->table.recording = job->cfg.recording;
        job->table.program = h->version;
        job->table.rate_hz = h->rate_hz;
        job->table.carrier_hz = h->carrier_hz;
        rc = gather(job, replay, step, err);
    }
    rc = rc ? rc : write_files(job, err);
    export_pilots_destroy(&job->pilots);
    pilot_extract_destroy(&job->extract);
    replay_destroy(&replay);
    free(step);
    return rc;
}

static int plot(const struct job *job, struct status *err)
{
    char prefix[512];
    beside(job, prefix);
    return export_plot(prefix, &job->table, err);
}

/* Exit code. */
static int write_samples(const struct job *job)
{
    struct status err = {0};
    char out[600];
    uint64_t n;
    snprintf(out, sizeof out, "%s-cf32", job->cfg.recording);
    if (job->cfg.from_s > 0 || isfinite(job->cfg.to_s) || job->cfg.sets.n > 0) {
        fputs(
            "mirador record export: --format goes without --from, --to and --set; 'mirador record "
            "cut' makes a part first\n",
            stderr);
        return EXIT_USAGE;
    }
    const char *to = job->out ? job->out : out;
    if (recording_write_float(job->cfg.recording, to, &n, &err)) {
        fprintf(stderr, "mirador record export: %s\n", err.text);
        return err.code == ERR_NOT_FOUND || err.code == ERR_BUSY ? EXIT_USAGE
                                                                 : options_exit_code(&err);
    }
    printf("%s.sigmf-collection: %llu samples of each channel as cf32_le\n", to,
           (unsigned long long)n);
    return EXIT_DONE;
}

int recording_export_verb(int argc, char **argv)
{
    static struct job job = {.cfg = {.to_s = INFINITY}, .plots = true};
    static char out[600];
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = "mirador record export",
        .synopsis = "Works a recording over again and writes positions, path lengths, delay\n"
                    "profiles and pilots as HDF5, and figures of them; pilots also as datasets\n"
                    "for 'mirador calib pixels', one for each surface.",
        .operands = "RECORDING",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    if (opt.n_operands != 1) {
        fputs("mirador record export: which recording? give its prefix\n", stderr);
        return EXIT_USAGE;
    }
    job.cfg.recording = opt.operands[0];
    job.cfg.sets.items = job.sets;
    if (job.samples)
        return write_samples(&job);
    if (!job.out) {
        snprintf(out, sizeof out, "%s.h5", opt.operands[0]);
        job.out = out;
    }
    umask(umask(0) | 027); /* positions are nobody else's */
    int rc = run(&job, &err);
    if (rc == OK && job.plots && plot(&job, &err))
        log_warn("%s", err.text);
    export_table_free(&job.table);
    if (rc == OK)
        return EXIT_DONE;
    fprintf(stderr, "mirador record export: %s\n", err.text);
    return rc == ERR_NOT_FOUND ? EXIT_USAGE : options_exit_code(&err);
}
