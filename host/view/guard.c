/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/view/guard.h"
#include "base/log.h"
#include "base/state_dir.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ERR_BUSY: another bridge was faster, and its token is as good. */
static int make_token(const char *file, struct status *err)
{
    uint8_t bytes[GUARD_TOKEN_BYTES];
    char why[sizeof err->text];
    randombytes_buf(bytes, sizeof bytes);
    int rc = key_file_write(file, bytes, sizeof bytes, err);
    sodium_memzero(bytes, sizeof bytes);
    if (rc == OK || rc == ERR_BUSY)
        return OK;
    snprintf(why, sizeof why, "%s", err->text);
    return status_set(err, rc,
                      "token of the page: %.300s; set listen.token_file to a file of yours", why);
}

int guard_init(struct guard *guard, const struct view_cfg *cfg, struct status *err)
{
    uint8_t bytes[GUARD_TOKEN_BYTES];
    const char *file = cfg->listen.token_file;
    *guard = (struct guard){.cfg = cfg, .locked = cfg->listen.token};
    if (!guard->locked)
        return OK;
    if (sodium_init() < 0)
        return status_set(err, ERR_STATE, "no source of randomness; check /dev/urandom");
    if (access(file, F_OK) != 0 && errno == ENOENT && make_token(file, err))
        return err->code;
    if (key_file_read(file, bytes, sizeof bytes, err))
        return err->code;
    sodium_bin2hex(guard->token, sizeof guard->token, bytes, sizeof bytes);
    sodium_memzero(bytes, sizeof bytes);
    return OK;
}

void guard_wipe(struct guard *guard)
{
    sodium_memzero(guard->token, sizeof guard->token);
}

static bool is_among(const char names[][64], size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool is_address(const char *name)
{
    struct in_addr address;
    return inet_pton(AF_INET, name, &address) == 1 || strcasecmp(name, "localhost") == 0;
}

/* What follows the scheme, or NULL. */
static const char *after(const char *origin, const char *scheme)
{
    size_t n = strlen(scheme);
    return strncasecmp(origin, scheme, n) == 0 ? origin + n : NULL;
}

bool guard_origin(const struct guard *guard, const char *origin, const char *host)
{
    const struct view_cfg *cfg = guard->cfg;
    const char *tls = after(origin, "https://");
    const char *from = tls ? tls : after(origin, "http://");
    char name[160];
    if (!from || strcasecmp(from, host) != 0)
        return false;
    int n = snprintf(name, sizeof name, "%.*s", (int)strcspn(host, ":"), host);
    if (n < 0 || (size_t)n >= sizeof name)
        return false;
    return tls ? is_among(cfg->listen.https_names, cfg->listen.n_https_names, name)
               : is_address(name) || is_among(cfg->listen.names, cfg->listen.n_names, name);
}

bool guard_token(const struct guard *guard, const char *text, size_t n)
{
    return !guard->locked ||
           (n == GUARD_TOKEN_TEXT && sodium_memcmp(text, guard->token, GUARD_TOKEN_TEXT) == 0);
}
