/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-doctor: what `mirador doctor` runs. A program of its own because it is linked with UHD.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "host/cli/doctor.h"

struct job {
    struct doctor doctor;
    bool json, quiet;
};

static const struct option_spec specs[] = {
    {"record-dir", 0, "FOLDER", "where recordings shall go (record.folder)"},
    {"sysroot", 0, "FOLDER", "look at /proc, /sys and /dev/shm below this folder"},
    {"quiet", 'q', NULL, "leave out what is well"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct job *job = context;
    (void)err;
    if (strcmp(name, "record-dir") == 0)
        job->doctor.record_dir = value;
    else if (strcmp(name, "sysroot") == 0)
        job->doctor.sysroot = value;
    else
        job->quiet = true;
    return OK;
}

static const char *const verdicts[] = {"ok", "warning", "problem"};

static void print_json(const struct doctor_finding *f)
{
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s*,s:s*}", "check", f->check, "verdict", verdicts[f->verdict],
                  "what", f->what, "why", f->why, "cure", f->cure[0] ? f->cure : NULL);
    if (o)
        json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

static void print(void *context, const struct doctor_finding *f)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    const struct job *job = context;
    const bool colour = isatty(STDOUT_FILENO);
    if (job->json) {
        print_json(f);
        return;
    }
    if (job->quiet && f->verdict == DOCTOR_OK)
        return;
    printf("%s%-7s%s  %-13s  %s", colour ? colours[f->verdict] : "", verdicts[f->verdict],
           colour ? "\033[0m" : "", f->check, f->what);
    if (f->verdict != DOCTOR_OK)
        printf("; %s. Cure: %s", f->why, f->cure);
    putchar('\n');
    fflush(stdout);
}

/* A configuration that is wrong is a finding too. */
static bool load(struct doctor *d, const struct options *opt, const char *file, struct bs_cfg *cfg)
{
    struct doctor_finding f = {
        .check = "config",
        .verdict = DOCTOR_PROBLEM,
        .why = "miradord ends with code 2, and nothing else could be looked at",
        .cure = "correct the key; all of them, explained: miradord --dump-config",
    };
    const struct config_sets sets = {opt->sets, opt->n_sets};
    struct status err = {0};
    if (config_load(&bs_config_table, file, &sets, cfg, &err) == 0 &&
        bs_config_check(cfg, file, &err) == 0) {
        doctor_fine(d, "config", "'%.200s' is valid", file);
        return true;
    }
    snprintf(f.what, sizeof f.what, "%s", err.text);
    doctor_tell(d, &f);
    return false;
}

int main(int argc, char **argv)
{
    static struct job job = {
        .doctor = {.sysroot = "", .tell = print, .context = &job},
    };
    static struct bs_cfg cfg;
    struct options opt;
    const struct options_cfg options_cfg = {
        .program = "mirador doctor",
        .synopsis = "Looks for what will bite a base station on this machine, and says the cure.",
        .config = &bs_config_table,
        .default_config = "lab",
        .check = bs_config_check,
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    log_open("mirador", LOG_LEVEL_INFO);
    setenv("UHD_LOG_CONSOLE_LEVEL", "error", 0);
    int code = options_parse(&options_cfg, argc, argv, &opt);
    if (code < 0 && (opt.check_config || opt.dump_config))
        code = options_load(&options_cfg, &opt, &cfg);
    if (code >= 0)
        return code;
    job.json = opt.json;
    job.doctor.probes = doctor_probes_real;
    const char *file = opt.config_file ? opt.config_file : options_cfg.default_config;
    bool good = load(&job.doctor, &opt, file, &cfg) && doctor_examine(&job.doctor, &cfg);
    if (!job.json)
        printf("%zu well, %zu warning%s, %zu problem%s\n", job.doctor.n[DOCTOR_OK],
               job.doctor.n[DOCTOR_WARNING], job.doctor.n[DOCTOR_WARNING] == 1 ? "" : "s",
               job.doctor.n[DOCTOR_PROBLEM], job.doctor.n[DOCTOR_PROBLEM] == 1 ? "" : "s");
    return good ? EXIT_DONE : EXIT_FAILED;
}
