/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-sweep: Monte Carlo experiments on all cores, and under mpirun on many machines. A program
 * of its own, so that `mirador` needs no MPI; `mirador sweep` runs it. */
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "base/options.h"
#include "host/cli/sweep_output.h"
#include "host/cli/sweep_ranks.h"
#include "host/clock.h"

#define PROGRAM "mirador sweep"
#define NAP_NS  10000000 /* a look at what others sent costs 70 us */

struct sweep_job {
    const char *sets[OPTIONS_MAX_SETS];
    size_t n_sets;
    const char *out; /* folder */
    uint64_t jobs;   /* threads of each rank; 0: by itself */
    double checkpoint_s;
    bool trials, list, draw, json;
    char prefix[512], checkpoint[540];
    size_t n_before; /* trials that the checkpoint had */
    double start_s;
};

static const struct option_spec specs[] = {
    {"out", 'o', "FOLDER", "where CSV, figures and checkpoint go (.)"},
    {"set", 's', "KEY=VALUE", "override a key of the experiment; may be repeated"},
    {"jobs", 'j', "N", "threads of each process (all cores; under mpirun: 1)"},
    {"checkpoint", 0, "SECONDS", "time between checkpoints (10)"},
    {"trials", 0, NULL, "also write every number of every trial"},
    {"draw", 0, NULL, "only draw the figures, from the CSV of an earlier run"},
    {"list", 'l', NULL, "list the experiments that come with mirador"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct sweep_job *job = context;
    if (strcmp(name, "trials") == 0)
        job->trials = true;
    else if (strcmp(name, "list") == 0)
        job->list = true;
    else if (strcmp(name, "draw") == 0)
        job->draw = true;
    else if (strcmp(name, "out") == 0)
        job->out = value;
    else if (strcmp(name, "checkpoint") == 0)
        return option_double(name, value, 0.01, 1e6, &job->checkpoint_s, err);
    else if (strcmp(name, "jobs") == 0) {
        int rc = option_u64(name, value, &job->jobs, err);
        if (rc == 0 && (job->jobs < 1 || job->jobs > 4096))
            return status_set(err, ERR_ARG, "--jobs needs 1 to 4096 threads");
        return rc;
    } else if (job->n_sets == OPTIONS_MAX_SETS)
        return status_set(err, ERR_ARG, "more than %d times --set", OPTIONS_MAX_SETS);
    else
        job->sets[job->n_sets++] = value;
    return 0;
}

static int is_yaml(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".yaml") == 0;
}

static int list_shipped(void)
{
    char folder[400];
    struct dirent **names;
    struct status err = {0};
    int n = config_data_path("experiments", folder, sizeof folder, &err)
                ? -1
                : scandir(folder, &names, is_yaml, alphasort);
    if (n < 0) {
        fprintf(stderr, PROGRAM ": %s\n", err.text[0] ? err.text : "no experiments are there");
        return EXIT_FAILED;
    }
    for (int i = 0; i < n; i++) {
        printf("%.*s\n", (int)(strlen(names[i]->d_name) - 5), names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return EXIT_DONE;
}

/* A word without a slash or a dot is one of the experiments that come with mirador. */
static int find_file(const char *word, char *path, size_t size, struct status *err)
{
    char name[200];
    snprintf(path, size, "%s", word);
    if (strchr(word, '/') || strchr(word, '.') || access(word, F_OK) == 0)
        return 0;
    snprintf(name, sizeof name, "experiments/%.180s.yaml", word);
    if (config_data_path(name, path, size, err))
        return status_set(err, ERR_ARG,
                          "no experiment '%s' comes with mirador; '" PROGRAM " --list' names them",
                          word);
    return 0;
}

static int name_outputs(struct sweep_job *job, const char *path, struct status *err)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path,
               *dot = strrchr(base, '.');
    int n = snprintf(job->prefix, sizeof job->prefix, "%s/%.*s", job->out,
                     dot ? (int)(dot - base) : (int)strlen(base), base);
    if (n >= (int)sizeof job->prefix)
        return status_set(err, ERR_NO_SPACE, "%s: the path is too long", job->out);
    snprintf(job->checkpoint, sizeof job->checkpoint, "%s.checkpoint", job->prefix);
    return 0;
}

#define ROUNDS 4

/* What is not done yet of the trials [first, end) of a point. */
static int queue_point(const struct sweep_store *store, struct sweep_crew *crew, size_t point,
                       size_t first, size_t end, struct status *err)
{
    for (; first < end; first += SWEEP_BATCH) {
        struct sweep_batch batch = {(uint32_t)point, (uint32_t)first, 0};
        for (size_t i = 0; i < SWEEP_BATCH && first + i < end; i++)
            if (!store->done[point * store->plan->n_trials + first + i])
                batch.todo |= 1u << i;
        if (batch.todo && !sweep_crew_push(crew, &batch, 1))
            return status_set(err, ERR_NO_MEMORY, "no memory for the queue");
    }
    return 0;
}

/* Everything in four rounds over all points: points that share their profiles stand together, and
 * after a round the time left is known. */
static int queue_all(const struct sweep_store *store, struct sweep_crew *crew, struct status *err)
{
    const struct sweep_plan *plan = store->plan;
    const size_t round = (plan->n_trials / ROUNDS / SWEEP_BATCH + 1) * SWEEP_BATCH;
    int rc = 0;
    for (size_t first = 0; rc == 0 && first < plan->n_trials; first += round)
        for (size_t k = 0; rc == 0 && k < plan->n_points; k++) {
            size_t end = first + round < plan->n_trials ? first + round : plan->n_trials;
            rc = queue_point(store, crew, sweep_plan_order(plan, k), first, end, err);
        }
    return rc;
}

static void show_progress(const struct sweep_job *job, const struct sweep_store *store, size_t n)
{
    const size_t all = store->n_items;
    double spent = clock_s() - job->start_s, share = (double)n / (double)all;
    double left = n > job->n_before ? spent * (double)(all - n) / (double)(n - job->n_before) : 0;
    char bar[31] = "..............................";
    memset(bar, '#', (size_t)(30 * share));
    fprintf(stderr, "\r[%s] %3.0f %%  %zu of %zu trials, %.0f:%02.0f left ", bar, 100 * share, n,
            all, (left - (double)((long)left % 60)) / 60, (double)((long)left % 60));
    fflush(stderr);
}

/* Rank 0, until everything is there, a stop is asked for or something fails. */
static int lead(struct sweep_job *job, struct sweep_ranks *ranks, struct sweep_store *store,
                struct sweep_crew *crew, struct status *err)
{
    const bool bar = isatty(2);
    double saved = clock_s(), shown = 0, wait_s = job->checkpoint_s;
    size_t n_saved = job->n_before;
    bool stopping = false;
    while (!sweep_crew_idle(crew) || ranks->n_final < ranks->n - 1) {
        struct status fault = {0};
        while (sweep_ranks_serve(ranks, store, crew, &fault))
            if (fault.code && err->code == 0)
                *err = fault;
        if (!stopping && (stop_requested() || err->code || sweep_crew_failed(crew))) {
            sweep_crew_close(crew, true);
            stopping = true;
        }
        double now = clock_s();
        if (bar && now - shown > 0.5) {
            show_progress(job, store, sweep_store_count(store));
            shown = now;
        }
        if (now - saved > wait_s && sweep_store_count(store) > n_saved) {
            n_saved = sweep_store_count(store);
            if (sweep_store_save(store, job->checkpoint, &fault) && err->code == 0)
                *err = fault;
            saved = clock_s();
            wait_s = job->checkpoint_s + 20 * (saved - now); /* at most 5 % of the time */
        }
        nanosleep(&(struct timespec){0, NAP_NS}, NULL);
    }
    if (bar) {
        show_progress(job, store, sweep_store_count(store));
        fputc('\n', stderr);
    }
    return err->code;
}

static void follow(struct sweep_ranks *ranks, struct sweep_store *store, struct sweep_crew *crew,
                   size_t n_threads)
{
    bool open = true;
    while (!sweep_crew_idle(crew)) {
        if (stop_requested() || sweep_crew_failed(crew))
            sweep_crew_close(crew, true);
        else if (open && !(open = sweep_ranks_report(ranks, store, crew, n_threads)))
            sweep_crew_close(crew, false);
        nanosleep(&(struct timespec){0, NAP_NS}, NULL);
    }
}

static size_t thread_count(const struct sweep_job *job, const struct sweep_ranks *ranks)
{
    cpu_set_t mine;
    if (job->jobs)
        return job->jobs;
    if (ranks->n > 1 || sched_getaffinity(0, sizeof mine, &mine) != 0)
        return 1;
    return (size_t)CPU_COUNT(&mine);
}

/* Computes what is missing. Returns 0 when rank 0 has everything. */
static int compute(struct sweep_job *job, struct sweep_ranks *ranks, struct sweep_store *store,
                   struct status *err)
{
    const size_t n_threads = thread_count(job, ranks);
    struct status fault = {0};
    struct sweep_crew *crew = sweep_crew_start(store, n_threads, err);
    if (sweep_ranks_agree(ranks, crew ? 0 : err->code, err)) {
        (void)sweep_crew_end(&crew, &fault);
        return err->code;
    }
    job->start_s = clock_s();
    if (ranks->rank == 0) {
        if (queue_all(store, crew, err) == 0)
            sweep_crew_close(crew, false);
        lead(job, ranks, store, crew, err);
    } else {
        follow(ranks, store, crew, n_threads);
    }
    if (sweep_crew_end(&crew, &fault) && err->code == 0)
        *err = fault;
    if (ranks->rank > 0)
        sweep_ranks_final(ranks, store, err);
    return err->code;
}

static void print_summary(const struct sweep_job *job, const struct sweep_ranks *ranks,
                          const struct sweep_store *store)
{
    const struct sweep_plan *plan = store->plan;
    double cpu = 0;
    json_t *each = json_array(), *figures = json_array();
    for (int i = 0; i < ranks->n; i++) {
        json_array_append_new(each, json_real(ranks->cpu_s[i]));
        cpu += ranks->cpu_s[i];
    }
    for (size_t i = 0; i < plan->file.n_figures; i++)
        json_array_append_new(figures,
                              json_sprintf("%s-%s.png", job->prefix, plan->file.figures[i].name));
    double wall = clock_s() - job->start_s;
    if (job->json) {
        json_t *out =
            json_pack("{s:o, s:i, s:i, s:i, s:i, s:f, s:o, s:o}", "csv",
                      json_sprintf("%s.csv", job->prefix), "points", (int)plan->n_points, "trials",
                      (int)plan->n_trials, "resumed", (int)job->n_before, "ranks", ranks->n,
                      "wall_s", wall, "cpu_s", each, "figures", figures);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(out);
        return;
    }
    json_decref(each);
    json_decref(figures);
    printf("%s.csv: %zu points, %zu trials each", job->prefix, plan->n_points, plan->n_trials);
    if (job->n_before)
        printf(" (%zu of all from the checkpoint)", job->n_before);
    printf(", %.1f s (%.1f s of processor)\n", wall, cpu);
    for (size_t i = 0; i < plan->file.n_figures; i++)
        printf("  %s-%s.png, .svg\n", job->prefix, plan->file.figures[i].name);
}

/* Rank 0: CSV, figures; the checkpoint has done its duty then. */
static int finish(struct sweep_job *job, struct sweep_ranks *ranks, struct sweep_store *store,
                  struct status *err)
{
    int rc = sweep_write_csv(store, job->prefix, err);
    if (rc == 0 && job->trials)
        rc = sweep_write_trials(store, job->prefix, err);
    if (rc)
        return rc;
    unlink(job->checkpoint);
    rc = sweep_draw(store->plan, job->prefix, err);
    ranks->cpu_s[0] = sweep_cpu_s();
    print_summary(job, ranks, store);
    return rc;
}

/* Rank 0's part before work begins: it alone has the files. */
static int resume(struct sweep_job *job, struct sweep_store *store, struct status *err)
{
    if (access(job->out, W_OK) != 0)
        return status_set(err, ERR_IO,
                          "%s: cannot write there; make the folder, or choose another --out",
                          job->out);
    int rc = sweep_store_load(store, job->checkpoint, err);
    if (rc == ERR_NOT_FOUND)
        *err = (struct status){0};
    job->n_before = store->n_done;
    if (rc == 0)
        log_info("%s: %zu of %zu trials are there already", job->checkpoint, store->n_done,
                 store->n_items);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int draw_again(const struct sweep_job *job, const struct sweep_plan *plan,
                      struct status *err)
{
    int rc = sweep_check_csv(plan, job->prefix, err);
    return rc ? rc : sweep_draw(plan, job->prefix, err);
}

static int run(struct sweep_job *job, struct sweep_ranks *ranks, const struct sweep_plan *plan,
               struct status *err)
{
    struct sweep_store *store = sweep_store_create(plan, err);
    int rc = store ? 0 : err->code;
    if (rc == 0 && ranks->rank == 0)
        rc = resume(job, store, err);
    if (sweep_ranks_agree(ranks, rc, err)) {
        sweep_store_destroy(&store);
        return err->code;
    }
    rc = compute(job, ranks, store, err);
    if (ranks->rank == 0) {
        if (rc == 0 && store->n_done == store->n_items) {
            rc = finish(job, ranks, store, err);
        } else {
            struct status ignored;
            int kept = sweep_store_save(store, job->checkpoint, &ignored);
            if (rc == 0)
                rc = status_set(err, ERR_INTERRUPTED, "stopped after %zu of %zu trials%s",
                                store->n_done, store->n_items,
                                kept ? "" : "; the same command goes on from there");
        }
    }
    sweep_store_destroy(&store);
    return rc;
}

static int open_all(struct sweep_job *job, const struct options *opt, struct sweep_plan **plan,
                    struct status *err)
{
    char path[512];
    const struct config_sets sets = {job->sets, job->n_sets};
    if (opt->n_operands != 1)
        return status_set(err, ERR_ARG,
                          "expected one EXPERIMENT.yaml, got %d; see '" PROGRAM " --help'",
                          opt->n_operands);
    int rc = find_file(opt->operands[0], path, sizeof path, err);
    rc = rc ? rc : name_outputs(job, path, err);
    if (rc)
        return rc;
    *plan = sweep_plan_read(path, &sets, err);
    return *plan ? 0 : err->code;
}

/* A fault that all ranks have is told once. */
static void complain(const struct sweep_ranks *ranks, const struct status *err)
{
    if (ranks->rank == 0)
        fprintf(stderr, PROGRAM ": %s\n", err->text);
    else if (err->code == ERR_IO || err->code == ERR_NO_MEMORY)
        fprintf(stderr, PROGRAM ": rank %d: %s\n", ranks->rank, err->text);
}

static int exit_code(const struct status *err)
{
    return err->code == ERR_STATE ? EXIT_USAGE : options_exit_code(err);
}

int main(int argc, char **argv)
{
    static struct sweep_job job = {.out = ".", .checkpoint_s = 10};
    static struct sweep_ranks ranks;
    struct options opt;
    struct status err = {0};
    struct sweep_plan *plan = NULL;
    const struct options_cfg cfg = {
        .program = PROGRAM,
        .synopsis = "Monte Carlo over the keys of a scenario, on all cores; under mpirun on many "
                    "machines. Goes on where it was stopped. Writes CSV, PNG and SVG.",
        .operands = "EXPERIMENT.yaml",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    log_open("mirador", LOG_LEVEL_INFO);
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    if (job.list)
        return list_shipped();
    job.json = opt.json;
    int rc = stop_signals_install(&err);
    rc = rc ? rc : sweep_ranks_open(&ranks, &err);
    if (rc == 0) {
        rc = open_all(&job, &opt, &plan, &err);
        rc = sweep_ranks_agree(&ranks, rc, &err);
        if (rc == 0 && job.draw)
            rc = ranks.rank == 0 ? draw_again(&job, plan, &err) : 0;
        else if (rc == 0)
            rc = run(&job, &ranks, plan, &err);
    }
    if (rc)
        complain(&ranks, &err);
    sweep_plan_destroy(&plan);
    sweep_ranks_close(&ranks);
    return rc ? exit_code(&err) : EXIT_DONE;
}
