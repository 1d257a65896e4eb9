/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/user_links.h"
#include "base/log.h"
#include <assert.h>
#include <stdlib.h>

static_assert((int)BS_USERS_MAX <= (int)LINK_PORT_USERS, "every user has a seat at the port");

struct user_links {
    struct link_port_cfg cfg;
    struct link_port *port;
    struct data_link *link[BS_USERS_MAX];
};

struct user_links *user_links_create(const struct bs_cfg *cfg, const struct roster *roster,
                                     struct status *err)
{
    struct user_links *l = calloc(1, sizeof *l);
    if (!l) {
        status_set(err, ERR_NO_MEMORY, "data link: out of memory");
        return NULL;
    }
    l->cfg = cfg->port;
    l->port = link_port_create(&cfg->port, true, 0, err);
    bool ok = l->port != NULL;
    for (size_t i = 0; ok && i < roster_size(roster); i++)
        ok = user_links_add(l, roster_place(roster, i), roster, err) == OK;
    if (!ok)
        user_links_destroy(&l);
    return l;
}

void user_links_destroy(struct user_links **links)
{
    struct user_links *l = *links;
    if (!l)
        return;
    link_port_destroy(&l->port);
    for (size_t i = 0; i < BS_USERS_MAX; i++)
        data_link_destroy(&l->link[i]);
    free(l);
    *links = NULL;
}

int user_links_add(struct user_links *l, size_t place, const struct roster *roster,
                   struct status *err)
{
    if (!l)
        return OK;
    const struct secure_keys *keys = &roster_keys(roster)[place];
    link_port_detach(l->port, place);
    if (l->link[place])
        data_link_reset(l->link[place], keys);
    else
        l->link[place] = link_traffic_create(&l->cfg, SECURE_LINK_DOWN, keys, err);
    if (!l->link[place])
        return err->code;
    return link_port_attach(l->port, place, (uint32_t)roster_id(roster, place), l->link[place],
                            err);
}

void user_links_remove(struct user_links *l, size_t place)
{
    if (l)
        link_port_detach(l->port, place);
}

struct data_link *user_links_at(const struct user_links *l, size_t place)
{
    return l ? l->link[place] : NULL;
}

void user_links_health(const struct user_links *l, const struct roster *roster,
                       struct health_traffic *out)
{
    *out = (struct health_traffic){0};
    if (!l)
        return;
    out->carries = true;
    link_port_read(l->port, &out->port);
    for (size_t i = 0; i < roster_size(roster); i++) {
        const size_t place = roster_place(roster, i);
        if (!l->link[place])
            continue;
        out->user[out->n].id = roster_id(roster, place);
        data_link_read(l->link[place], &out->user[out->n++].state);
    }
}
