/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-ris: the RIS controller. */
#include "base/log.h"
#include "base/options.h"
#include "base/realtime.h"
#include "ris_ctrl/native_process.h"
#include "ris_ctrl/ris_config.h"
#include "ris_ctrl/service.h"
#include <stdio.h>
#include <string.h>

static const struct options_cfg options_cfg = {
    .program = "mirador-ris",
    .synopsis =
        "keeps RIS boards configured: one ZeroMQ service in front of all of them (at most 8, "
        "each of them one board or a surface of up to 16 tiles)",
    .config = &ris_config_table,
    .default_config = "lab",
    .check = ris_config_check,
    .ready_fd = true,
};

/* A command is handed over some eight times on its way to the board and back: on one CPU that is
 * eight switches, on several eight times waking up another one. What is refused is in the log. An
 * emulated board needs the machine more than we do. */
static void be_quick(const struct ris_config *cfg)
{
    int cpus[RIS_CONFIG_CPUS];
    size_t n = realtime_cpus(cpus, RIS_CONFIG_CPUS);
    const struct realtime_cfg wish = {.priority = REALTIME_RIS,
                                      .cpus = cfg->n_cpu > 0 ? cfg->cpus : &cpus[n - 1],
                                      .n_cpu = cfg->n_cpu > 0 ? cfg->n_cpu : n > 0};
    bool emulated = false;
    for (size_t i = 0; i < cfg->n_board; i++)
        emulated = emulated || cfg->boards[i].driver == RIS_DRIVER_QEMU;
    if (cfg->realtime && !emulated)
        (void)realtime_process(&wish);
}

static int serve(const struct ris_config *cfg, struct options *opt)
{
    struct status err = {.code = OK};
    be_quick(cfg);
    struct sockets *sockets = sockets_create(&cfg->curve, &err);
    struct service *service = sockets != NULL ? service_create(cfg, sockets, &err) : NULL;
    if (service != NULL) {
        log_info("serving %zu boards at %s", cfg->n_board, cfg->endpoint);
        options_ready(opt);
        if (service_run(service, &err) == OK)
            log_info("stopping");
    }
    service_destroy(&service);
    sockets_destroy(&sockets);
    if (err.code == OK)
        return EXIT_DONE;
    fprintf(stderr, "mirador-ris: %s\n", err.text);
    return options_exit_code(&err);
}

int main(int argc, char **argv)
{
    static struct ris_config cfg;
    struct options opt;
    struct status err = {.code = OK};
    if (argc > 1 && strcmp(argv[1], NATIVE_PROCESS_VERB) == 0)
        return native_process_main(argc - 2, argv + 2);
    log_open("mirador-ris", LOG_LEVEL_INFO);
    int r = options_parse(&options_cfg, argc, argv, &opt);
    if (r < 0)
        r = options_load(&options_cfg, &opt, &cfg);
    if (r >= 0)
        return r;
    if (stop_signals_install(&err) != OK) {
        fprintf(stderr, "mirador-ris: %s\n", err.text);
        return EXIT_FAILED;
    }
    return serve(&cfg, &opt);
}
