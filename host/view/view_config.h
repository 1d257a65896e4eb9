/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Configuration of mirador-view. Setup only. */
#pragma once
#include "base/config.h"
#include "base/sockets.h"

struct view_cfg {
    struct {
        char host[64];
        int port;
        bool any_port;     /* take a free one when `port` is taken */
        char names[8][64]; /* further names under which browsers may reach us */
        size_t n_names;
        char https_names[8][64]; /* names of a proxy that speaks TLS for us */
        size_t n_https_names;
        bool token;             /* a page must show one; needed beyond loopback */
        char token_file[256];   /* it is made if it is missing */
        char address_file[256]; /* our address is written here once we serve; "" = nowhere */
    } listen;
    struct {
        char telemetry[256], truth[256], control[256];
    } daemon;
    struct {
        char secret_key_file[256], server_key[72];
    } curve;
    bool commands;  /* pages may send them */
    char page[256]; /* folder of the page; "" = ours */
};

extern const struct config_table view_config_table;

/* A bind address beyond loopback with listen.token off is ERR_ARG. */
int view_config_check(const void *view_cfg, const char *file, struct status *err) MUST_CHECK;

/* Keys of the sockets towards the daemon. */
struct sockets_cfg view_config_sockets(const struct view_cfg *cfg);

/* Folder of the page, or ERR_NOT_FOUND with a cure. */
int view_config_page(const struct view_cfg *cfg, char *path, size_t size,
                     struct status *err) MUST_CHECK;
