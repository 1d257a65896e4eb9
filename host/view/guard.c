/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/view/guard.h"
#include "base/state_dir.h"
#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int guard_init(struct guard *guard, const struct view_cfg *cfg, struct status *err)
{
    uint8_t bytes[GUARD_TOKEN_BYTES];
    *guard = (struct guard){.cfg = cfg, .locked = cfg->listen.token_file[0] != '\0'};
    if (!guard->locked)
        return OK;
    if (key_file_read(cfg->listen.token_file, bytes, sizeof bytes, err))
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
