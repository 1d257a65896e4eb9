/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * miradord: the base station. */
#include "base/log.h"
#include "base/options.h"
#include "host/bs/daemon.h"
#include <stdlib.h>
#include <unistd.h>

#define STOP_PATIENCE_S 3.0 /* a thread may still wait for samples of a room that stands */

static const struct option_spec force_spec = {
    .name = "force-unsynchronised",
    .help = "start though the configured reference or PPS is missing; every fix says so",
};
static bool forced;

static int apply_force(void *context, const char *name, const char *value, struct status *err)
{
    (void)context, (void)name, (void)value, (void)err; /* there is only one */
    forced = true;
    return OK;
}

static const struct options_cfg options_cfg = {
    .program = "miradord",
    .synopsis = "Mirador's base station: senses, asks for permission, publishes positions.",
    .config = &bs_config_table,
    .default_config = "lab",
    .check = bs_config_check,
    .ready_fd = true,
    .specs = &force_spec,
    .n_specs = 1,
    .apply = apply_force,
};

static int complain(const struct status *err, int code)
{
    log_error("%s", err->text);
    return code;
}

static int run(struct daemon *d, const struct bs_cfg *cfg, struct options *opt)
{
    struct status err = {0};
    int code = daemon_parts_make(&d->p, cfg, &err);
    if (code) {
        daemon_parts_free(&d->p);
        return complain(&err, code);
    }
    if (cfg->run.lock_memory && cfg->run.realtime && !cfg->run.gated)
        d->memory_locked = realtime_lock_memory();
    int rc = daemon_threads_start(d, &err);
    if (rc == OK) {
        options_ready(opt);
        log_info("serving %zu user%s, telemetry on %s", cfg->n_users, cfg->n_users > 1 ? "s" : "",
                 cfg->telemetry_endpoint);
        rc = daemon_serve(d, &err);
    }
    code = rc || atomic_load(&d->failed) ? EXIT_FAILED : EXIT_DONE;
    if (rc)
        complain(&err, code);
    if (!daemon_threads_stop(d, STOP_PATIENCE_S)) {
        log_warn("a thread still waits for the radio; leaving without it");
        audit_close(&d->p.audit);
        _exit(code);
    }
    daemon_parts_free(&d->p);
    return code;
}

int main(int argc, char **argv)
{
    static struct bs_cfg cfg;
    static struct daemon daemon;
    struct options opt;
    struct status err = {0};
    log_open("miradord", LOG_LEVEL_INFO);
    int code = options_parse(&options_cfg, argc, argv, &opt);
    if (code < 0)
        code = options_load(&options_cfg, &opt, &cfg);
    if (code >= 0)
        return code;
    cfg.radio.force_unlocked |= forced;
    if (stop_signals_install(&err))
        return complain(&err, EXIT_FAILED);
    return run(&daemon, &cfg, &opt);
}
