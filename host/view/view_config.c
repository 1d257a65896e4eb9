/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/view/view_config.h"
#include "base/log.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CFG struct view_cfg

static const struct config_key keys[] = {
    {"listen.host", CONFIG_STRING(CFG, listen.host), .def = "127.0.0.1",
     .help = "IPv4 address to serve at. 0.0.0.0: all"},
    {"listen.port", CONFIG_INT(CFG, listen.port), .min = 0, .max = 65535, .def = "8088",
     .help = "TCP port; 0: any that is free"},
    {"listen.any_port", CONFIG_BOOL(CFG, listen.any_port), .def = "no",
     .help = "take any free port when this one is taken"},
    {"listen.names", CONFIG_STRINGS(CFG, listen.names, listen.n_names),
     .help = "names, beside addresses and localhost, by which browsers reach us"},
    {"listen.https_names", CONFIG_STRINGS(CFG, listen.https_names, listen.n_https_names),
     .help = "names by which browsers reach a proxy that speaks TLS for us: pages of https://NAME"},
    {"listen.token", CONFIG_BOOL(CFG, listen.token), .def = "yes",
     .help = "a page must show the token; no (--no-token), at 127.0.0.0/8 only: every user of this "
             "machine sees the page and presses its controls"},
    {"listen.token_file", CONFIG_STRING(CFG, listen.token_file),
     .def = "/var/lib/mirador/view.token",
     .help = "file of mode 0600 with the token; made if it is missing"},
    {"listen.address_file", CONFIG_STRING(CFG, listen.address_file), .def = "",
     .help = "file of mode 0600 that gets our address with the token once we serve; empty: none"},
    {"daemon.telemetry", CONFIG_STRING(CFG, daemon.telemetry),
     .def = "ipc:///run/mirador/telemetry.sock", .help = "telemetry.endpoint of miradord"},
    {"daemon.control", CONFIG_STRING(CFG, daemon.control), .def = "ipc:///run/mirador/control.sock",
     .help = "control.endpoint of miradord"},
    {"daemon.truth", CONFIG_STRING(CFG, daemon.truth), .def = "",
     .help = "truth endpoint of a simulated room; empty: none"},
    {"curve.secret_key_file", CONFIG_STRING(CFG, curve.secret_key_file), .def = "",
     .help = "our CURVE key, when the daemon is on another machine"},
    {"curve.server_key", CONFIG_STRING(CFG, curve.server_key), .def = "",
     .help = "the daemon's public key (hex)"},
    {"commands", CONFIG_BOOL(CFG, commands), .def = "yes",
     .help = "pages may send commands to the daemon; no: they only show"},
    {"page", CONFIG_STRING(CFG, page), .def = "", .help = "folder of the page; empty: ours"},
};
const struct config_table view_config_table = CONFIG_TABLE(CFG, keys);

int view_config_check(const void *view_cfg, const char *file, struct status *err)
{
    const struct view_cfg *cfg = view_cfg;
    struct in_addr address;
    const char *key = "listen.host";
    if (inet_pton(AF_INET, cfg->listen.host, &address) != 1)
        status_set(err, ERR_ARG, "listen.host needs an IPv4 address such as 127.0.0.1, not '%s'",
                   cfg->listen.host);
    else if ((ntohl(address.s_addr) >> 24) != 127 && !cfg->listen.token)
        status_set(err, ERR_ARG,
                   "listen.host %s can be reached from other machines: leave listen.token at yes, "
                   "or serve at 127.0.0.1 and use ssh -L %d:127.0.0.1:%d",
                   cfg->listen.host, cfg->listen.port, cfg->listen.port);
    else if (cfg->listen.n_https_names > 0 && !cfg->listen.token)
        status_set(err, ERR_ARG,
                   "listen.https_names opens the page to whom a proxy lets in: leave listen.token "
                   "at yes, or name nobody there");
    else
        return OK;
    return config_blame(&view_config_table, file, key, err);
}

struct sockets_cfg view_config_sockets(const struct view_cfg *cfg)
{
    struct sockets_cfg sc = {0};
    snprintf(sc.secret_key_file, sizeof sc.secret_key_file, "%s", cfg->curve.secret_key_file);
    snprintf(sc.server_public_key, sizeof sc.server_public_key, "%s", cfg->curve.server_key);
    return sc;
}

/* The page lies beside the sources, or where it was installed. */
int view_config_page(const struct view_cfg *cfg, char *path, size_t size, struct status *err)
{
    const char *const folders[] = {cfg->page, MIRADOR_PAGE_SOURCE, MIRADOR_PAGE_INSTALLED};
    char index[512];
    for (size_t i = cfg->page[0] ? 0 : 1; i < (cfg->page[0] ? 1u : 3u); i++) {
        snprintf(index, sizeof index, "%s/index.html", folders[i]);
        if (access(index, R_OK) == 0 && (size_t)snprintf(path, size, "%s", folders[i]) < size)
            return OK;
    }
    return status_set(err, ERR_NOT_FOUND, "no page: %s cannot be read; set 'page' to its folder",
                      index);
}
