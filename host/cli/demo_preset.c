/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/demo_preset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config_tree.h"
#include "base/log.h"
#include "host/cli/demo_scene.h"

static const struct node *member(const struct node *map, const char *key)
{
    for (const struct node *m = map && map->kind == NODE_MAP ? map->first : NULL; m; m = m->next)
        if (strcmp(m->key, key) == 0)
            return m;
    return NULL;
}

/* 0 where there is no such number. */
static double number(const struct node *root, const char *group, const char *key)
{
    const struct node *node = member(member(root, group), key);
    return node && node->kind == NODE_SCALAR ? strtod(node->text, NULL) : 0;
}

/* radio.args "type=room,room=SCENE,...". */
static void read_scene(const struct node *root, char out[32])
{
    static const char room[] = ",room=";
    const struct node *args = member(member(root, "radio"), "args");
    const char *text = args && args->kind == NODE_SCALAR ? args->text : "";
    const char *name = strncmp(text, "type=room", 9) == 0 ? strstr(text, room) : NULL;
    if (name)
        snprintf(out, 32, "%.*s", (int)strcspn(name + strlen(room), ","), name + strlen(room));
}

int demo_preset_parse(const char *name, const char *text, struct demo_preset *out,
                      struct status *err)
{
    struct config_tree tree;
    *out = (struct demo_preset){0};
    int rc = config_tree_read(&tree, name, text, strlen(text), err);
    if (rc == 0) {
        const struct node *channels = member(member(tree.root, "radio"), "rx_channels");
        const struct node *sending = member(member(tree.root, "radio"), "tx_channels");
        out->rate_hz = number(tree.root, "radio", "rate_hz");
        out->cycle_period_s = number(tree.root, "schedule", "cycle_period_s");
        out->first_cycle_s = number(tree.root, "schedule", "first_cycle_s");
        out->n_rx = channels ? channels->n_items : 0;
        out->n_tx = sending ? sending->n_items : 0;
        out->max_eirp_dbm = number(tree.root, "radio", "max_eirp_dbm");
        read_scene(tree.root, out->scene);
        if (!(out->rate_hz > 0 && out->cycle_period_s > 0 && out->n_rx > 0))
            rc = status_set(err, ERR_STATE,
                            "%s: miradord tells no rate, period or channels; miradord and "
                            "mirador differ in version",
                            name);
    }
    config_tree_free(&tree);
    return rc;
}

int demo_preset_read(const struct children *children, const char *preset, struct command *command,
                     struct demo_preset *out, struct status *err)
{
    char *dump = children_dump(children, "miradord", command, err);
    int rc = dump ? demo_preset_parse(preset, dump, out, err) : err->code;
    free(dump);
    return rc;
}

void demo_preset_tell_room(const struct demo_preset *p, struct command *c)
{
    command_set(c, "rate_hz=%.12g", p->rate_hz);
    command_set(c, "bs.rx.count=%zu", p->n_rx);
}
