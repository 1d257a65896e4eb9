/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-view: the live page. */
#include "base/log.h"
#include "base/options.h"
#include "base/state_dir.h"
#include "host/view/bridge.h"
#include <stdio.h>
#include <string.h>

static const struct options_cfg options_cfg = {
    .program = "mirador-view",
    .synopsis =
        "Serves the live page: what a miradord tells, in browsers, and their commands to it.",
    .config = &view_config_table,
    .check = view_config_check,
    .ready_fd = true,
};

static int tell_address(const struct view_cfg *cfg, int port, struct status *err)
{
    char address[100];
    int n = snprintf(address, sizeof address, "http://%s:%d/", cfg->listen.host, port);
    log_info("the page is at %s%s", address,
             cfg->listen.token_file[0] ? ", with #token=... of the token file behind it" : "");
    if (cfg->listen.address_file[0] == '\0')
        return OK;
    return file_replace(cfg->listen.address_file, address, (size_t)n, 0600, err);
}

static int serve(const struct view_cfg *cfg, struct options *opt)
{
    struct status err = {0};
    struct bridge *bridge = bridge_create(cfg, &err);
    if (bridge && tell_address(cfg, bridge_port(bridge), &err) == OK) {
        options_ready(opt);
        bridge_run(bridge);
    }
    bridge_destroy(&bridge);
    if (err.code == OK)
        return EXIT_DONE;
    fprintf(stderr, "mirador-view: %s\n", err.text);
    return options_exit_code(&err);
}

int main(int argc, char **argv)
{
    static struct view_cfg cfg;
    struct options opt;
    struct status err = {0};
    log_open("mirador-view", LOG_LEVEL_INFO);
    int code = options_parse(&options_cfg, argc, argv, &opt);
    if (code < 0)
        code = options_load(&options_cfg, &opt, &cfg);
    if (code >= 0)
        return code;
    if (stop_signals_install(&err)) {
        fprintf(stderr, "mirador-view: %s\n", err.text);
        return EXIT_FAILED;
    }
    return serve(&cfg, &opt);
}
