/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-view: the live page. */
#include "base/log.h"
#include "base/options.h"
#include "base/state_dir.h"
#include "host/view/bridge.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct option_spec no_token_spec = {
    .name = "no-token",
    .help = "pages need no token: every user of this machine may press their controls",
};
static struct options opt;

/* In other words -s listen.token=no. */
static int apply_no_token(void *context, const char *name, const char *value, struct status *err)
{
    (void)context, (void)value;
    if (opt.n_sets == OPTIONS_MAX_SETS)
        return status_set(err, ERR_ARG, "--%s: too many options", name);
    opt.sets[opt.n_sets++] = "listen.token=no";
    return OK;
}

static const struct options_cfg options_cfg = {
    .program = "mirador-view",
    .synopsis =
        "Serves the live page: what a miradord tells, in browsers, and their commands to it.",
    .config = &view_config_table,
    .check = view_config_check,
    .ready_fd = true,
    .specs = &no_token_spec,
    .n_specs = 1,
    .apply = apply_no_token,
};

/* The token goes to the terminal and into the address file, which are their owner's; never into the
 * log. */
static int tell_address(const struct view_cfg *cfg, const struct bridge *bridge, struct status *err)
{
    char address[200];
    const char *token = bridge_token(bridge), *host = cfg->listen.host;
    const int port = bridge_port(bridge);
    int n = snprintf(address, sizeof address, "http://%s:%d/%s%s", host, port,
                     token[0] ? "#token=" : "", token);
    if (token[0])
        log_info("the page is at http://%s:%d/#token=TEXT-OF-FILE, its file is %s", host, port,
                 cfg->listen.token_file);
    else
        log_warn("the page is at %s, without a token: every user of this machine sees it and "
                 "presses its controls",
                 address);
    if (token[0] && isatty(STDOUT_FILENO)) {
        puts(address);
        fflush(stdout);
    }
    if (cfg->listen.address_file[0] == '\0')
        return OK;
    return file_replace(cfg->listen.address_file, address, (size_t)n, 0600, err);
}

static int serve(const struct view_cfg *cfg)
{
    struct status err = {0};
    struct bridge *bridge = bridge_create(cfg, &err);
    if (bridge && tell_address(cfg, bridge, &err) == OK) {
        options_ready(&opt);
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
    return serve(&cfg);
}
