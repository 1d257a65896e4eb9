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

static bool known_name(const struct guard *guard, const char *name)
{
    struct in_addr address;
    if (inet_pton(AF_INET, name, &address) == 1 || strcasecmp(name, "localhost") == 0)
        return true;
    for (size_t i = 0; i < guard->cfg->listen.n_names; i++)
        if (strcasecmp(name, guard->cfg->listen.names[i]) == 0)
            return true;
    return false;
}

bool guard_origin(const struct guard *guard, const char *origin, const char *host)
{
    char name[160];
    size_t n = strcspn(host, ":");
    const char *scheme = "http://";
    if (strncasecmp(origin, scheme, strlen(scheme)) != 0 ||
        strcasecmp(origin + strlen(scheme), host) != 0)
        return false;
    return (size_t)snprintf(name, sizeof name, "%.*s", (int)n, host) < sizeof name &&
           known_name(guard, name);
}

bool guard_token(const struct guard *guard, const char *text, size_t n)
{
    return !guard->locked ||
           (n == GUARD_TOKEN_TEXT && sodium_memcmp(text, guard->token, GUARD_TOKEN_TEXT) == 0);
}
