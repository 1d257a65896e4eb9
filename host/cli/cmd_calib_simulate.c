/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador calib simulate: a dataset out of a scenario. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "host/cli/calib_file.h"
#include "host/cli/cmd_calib.h"
#include "host/cli/scenario_file.h"

#define PROGRAM "mirador calib simulate"

struct simulate_job {
    const char *out;
    const char *sets[OPTIONS_MAX_SETS];
    size_t n_sets;
};

static const struct option_spec specs[] = {
    {"out", 'o', "FILE", "dataset to write (replaced if it exists)"},
    {"set", 's', "KEY=VALUE", "override a key of the scenario; may be repeated"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct simulate_job *job = context;
    if (strcmp(name, "out") == 0) {
        job->out = value;
        return 0;
    }
    if (job->n_sets == OPTIONS_MAX_SETS)
        return status_set(err, ERR_ARG, "more than %d times --set", OPTIONS_MAX_SETS);
    job->sets[job->n_sets++] = value;
    return 0;
}

static void report(const struct dataset *ds, const char *path, bool json)
{
    size_t broken = 0;
    for (size_t m = 0; m < ds->columns * ds->rows; m++)
        broken += ds->true_mask[m] != 1;
    if (json)
        calib_json_print(json_pack("{s:s, s:i, s:i, s:i, s:i, s:f}", "file", path, "columns",
                                   (int)ds->columns, "rows", (int)ds->rows, "pilots",
                                   (int)ds->n_pilots, "failures", (int)broken, "noise_var",
                                   ds->noise_var));
    else
        printf("%s: %zu x %zu elements, %zu broken, %zu pilots\n", path, ds->columns, ds->rows,
               broken, ds->n_pilots);
}

static int simulate(const struct simulate_job *job, const char *path, bool json)
{
    static struct scenario_file file;
    const struct config_sets sets = {job->sets, job->n_sets};
    struct status err = {0};
    if (scenario_file_read(path, &sets, &file, &err)) {
        fprintf(stderr, PROGRAM ": %s\n", err.text);
        return EXIT_USAGE;
    }
    struct dataset *ds = scenario_generate(&file.scenario, &err);
    if (!ds) {
        fprintf(stderr, PROGRAM ": %s: %s\n", path, err.text);
        return err.code == ERR_NO_MEMORY ? EXIT_FAILED : EXIT_USAGE;
    }
    int rc = dataset_write(job->out, ds, &err);
    if (rc)
        fprintf(stderr, PROGRAM ": %s\n", err.text);
    else
        report(ds, job->out, json);
    dataset_destroy(&ds);
    return rc ? EXIT_FAILED : EXIT_DONE;
}

int cmd_calib_simulate(int argc, char **argv)
{
    static struct simulate_job job;
    struct options opt;
    const struct options_cfg cfg = {
        .program = PROGRAM,
        .synopsis = "Makes a calibration dataset of a simulated experiment.",
        .operands = "SCENARIO.yaml",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    if (opt.n_operands != 1 || !job.out) {
        fputs(PROGRAM ": expected SCENARIO.yaml -o FILE; see '" PROGRAM " --help'\n", stderr);
        return EXIT_USAGE;
    }
    return simulate(&job, opt.operands[0], opt.json);
}
