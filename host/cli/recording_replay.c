/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador replay: a recording through the pipeline, as fast as it goes. */
#include "base/log.h"
#include "base/options.h"
#include "host/cli/recording_verbs.h"
#include "host/clock.h"
#include "host/replay.h"
#include "host/telemetry.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    struct replay_cfg cfg;
    const char *sets[OPTIONS_MAX_SETS];
    size_t n_sets;
    bool json;
    size_t cycles, fixes, live_fixes, differ;
};

static const struct option_spec specs[] = {
    {"from", 0, "SECONDS", "begin so long after the first recorded cycle (0)"},
    {"to", 0, "SECONDS", "end there (at the end)"},
    {"set", 's', "KEY=VALUE", "override a key of the recorded configuration; may be repeated"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct job *job = context;
    if (name[0] == 'f')
        return option_double(name, value, 0, 1e9, &job->cfg.from_s, err);
    if (name[0] == 't')
        return option_double(name, value, 0, 1e9, &job->cfg.to_s, err);
    if (job->n_sets == OPTIONS_MAX_SETS)
        return status_set(err, ERR_ARG, "more than %d times --set", OPTIONS_MAX_SETS);
    job->sets[job->n_sets++] = value;
    return OK;
}

static void print_fix(const struct job *job, const struct replay_step *s)
{
    static char text[8192];
    const struct vec3 p = s->report.fix.position, q = s->live.report.fix.position;
    const bool live = s->live.report.outcome == FIX_DONE;
    if (job->json) {
        if (telemetry_format_fix(&s->report, 0, text, sizeof text) > 0)
            puts(text);
    } else if (s->same) {
        printf("%8.2f  %8.3f %8.3f %8.3f\n", s->since_s, p.x, p.y, p.z);
    } else {
        printf("%8.2f  %8.3f %8.3f %8.3f  live %s %8.3f %8.3f %8.3f\n", s->since_s, p.x, p.y, p.z,
               live ? "at" : "had none", q.x, q.y, q.z);
    }
}

static void note(struct job *job, const struct replay_step *s)
{
    job->cycles++;
    job->fixes += s->report.outcome == FIX_DONE;
    job->live_fixes += s->live.report.outcome == FIX_DONE;
    job->differ += !s->same;
    if (s->report.outcome == FIX_DONE)
        print_fix(job, s);
}

static void print_summary(const struct job *job, double seconds)
{
    if (job->json)
        printf("{\"type\":\"summary\",\"cycles\":%zu,\"fixes\":%zu,\"live_fixes\":%zu,"
               "\"differ\":%zu,\"seconds\":%.3f}\n",
               job->cycles, job->fixes, job->live_fixes, job->differ, seconds);
    else
        printf("\n%zu cycles in %.2f s: %zu fixes, live %zu; %zu cycles differ%s\n", job->cycles,
               seconds, job->fixes, job->live_fixes, job->differ,
               job->differ == 0 ? ": the same bit by bit" : "");
}

static int run(struct job *job, struct status *err)
{
    struct replay *replay = replay_create(&job->cfg, err);
    struct replay_step *step = calloc(1, sizeof *step);
    int64_t began = clock_ns();
    int rc = replay && step ? OK : err->code;
    if (replay && !job->json)
        puts("    time         x        y        z  [s, m]");
    while (rc == OK && (rc = replay_next(replay, step, err)) == OK)
        note(job, step);
    if (rc == ERR_NOT_FOUND && replay) {
        rc = OK;
        if (!recording_reader_why(replay_reader(replay))[0] && isinf(job->cfg.to_s))
            log_warn("the recording was cut short; 'mirador record check --repair' mends it");
        if (job->cycles == 0)
            rc = status_set(err, ERR_ARG,
                            "no cycle lies between --from and --to; 'mirador record "
                            "info' says how long the recording is");
        else
            print_summary(job, 1e-9 * (double)(clock_ns() - began));
    }
    replay_destroy(&replay);
    free(step);
    return rc;
}

int recording_replay_verb(int argc, char **argv)
{
    static struct job job = {.cfg = {.to_s = INFINITY}};
    struct options opt;
    struct status err = {0};
    const struct options_cfg options_cfg = {
        .program = "mirador replay",
        .synopsis =
            "Works a recording over again, as fast as it goes. Without --set every position\n"
            "comes out as it did live, bit by bit; exit code 1 if one does not.",
        .operands = "RECORDING",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&options_cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    if (opt.n_operands != 1) {
        fputs("mirador replay: which recording? give its prefix or its .sigmf-collection\n",
              stderr);
        return EXIT_USAGE;
    }
    job.cfg.recording = opt.operands[0];
    job.cfg.sets = (struct config_sets){job.sets, job.n_sets};
    job.json = opt.json;
    if (run(&job, &err)) {
        fprintf(stderr, "mirador replay: %s\n", err.text);
        return err.code == ERR_NOT_FOUND ? EXIT_USAGE : options_exit_code(&err);
    }
    return job.differ && job.n_sets == 0 ? EXIT_FAILED : EXIT_DONE;
}
