/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Presets: configurations that we ship, by name, and files that stand on them. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/config_internal.h"
#include "base/log.h"

/* A file on a preset on a preset; more than this is a circle. */
#define MAX_LAYERS  8
#define MAX_PRESETS 32
#define NAME_BYTES  40

struct names {
    char text[MAX_PRESETS][NAME_BYTES];
    const char *at[MAX_PRESETS];
    size_t n;
};

static bool is_file(const char *name)
{
    return strchr(name, '/') || strchr(name, '.');
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* "b210" of "PREFIXb210.yaml". */
static void note_preset(struct names *names, const char *file, const char *prefix)
{
    static const char suffix[] = ".yaml";
    const size_t n = strlen(file), p = strlen(prefix), s = sizeof suffix - 1;
    if (n <= p + s || strncmp(file, prefix, p) != 0 || strcmp(file + n - s, suffix) != 0 ||
        n - p - s >= NAME_BYTES || names->n == MAX_PRESETS)
        return;
    memcpy(names->text[names->n], file + p, n - p - s);
    names->text[names->n++][n - p - s] = 0;
}

/* What lies where path would be: PREFIX*.yaml, sorted. */
static void list_presets(const char *path, const char *presets, struct names *names)
{
    const char *slash = strrchr(presets, '/');
    char folder[512];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    *names = (struct names){0};
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));)
        note_preset(names, e->d_name, slash ? slash + 1 : presets);
    if (dir)
        closedir(dir);
    qsort(names->text, names->n, NAME_BYTES, compare);
    for (size_t i = 0; i < names->n; i++)
        names->at[i] = names->text[i];
}

static int unknown_preset(const struct config_table *table, const char *name, const char *path,
                          struct status *err)
{
    struct names names;
    char known[200] = "";
    list_presets(path, table->presets, &names);
    if (names.n == 0)
        return err->code; /* the folder is missing, as err says */
    const char *near = config_nearest(name, names.at, names.n);
    for (size_t i = 0; i < names.n; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                 names.at[i]);
    return status_set(err, ERR_NOT_FOUND,
                      "we have no '%.60s'%s%s%s; give one of %s, or a YAML file", name,
                      near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "", known);
}

static int find_preset(const struct config_table *table, const char *name, char *path, size_t size,
                       struct status *err)
{
    char file[NAME_BYTES + 40];
    if (strlen(name) >= NAME_BYTES)
        return status_set(err, ERR_NOT_FOUND, "'%.60s' is no preset: its name is too long", name);
    snprintf(file, sizeof file, "%s%s.yaml", table->presets, name);
    int rc = config_data_path(file, path, size, err);
    return rc == ERR_NOT_FOUND ? unknown_preset(table, name, path, err) : rc;
}

int config_find_file(const struct config_table *table, const char *name, const char *beside,
                     char *path, size_t size, struct status *err)
{
    if (table->presets && !is_file(name))
        return find_preset(table, name, path, size, err);
    const char *slash = beside && name[0] != '/' ? strrchr(beside, '/') : NULL;
    int n = snprintf(path, size, "%.*s%s", slash ? (int)(slash + 1 - beside) : 0,
                     slash ? beside : "", name);
    if (n < 0 || (size_t)n >= size)
        return status_set(err, ERR_NO_SPACE, "%.100s: the path is too long", name);
    return 0;
}

static int read_below(const struct config_table *table, struct config_tree *tree,
                      const struct node *preset, struct status *err)
{
    char path[512], *text;
    size_t n;
    struct status why;
    if (preset->kind != NODE_SCALAR || preset->text[0] == 0)
        return config_node_error(err, preset, true,
                                 "'preset' needs the name of one of ours, or a YAML file");
    int rc = config_find_file(table, preset->text, preset->source, path, sizeof path, &why);
    if (rc == 0)
        rc = config_read_file(path, &text, &n, &why);
    if (rc) {
        config_node_error(err, preset, true, "preset: %s", why.text);
        if (err)
            err->code = rc;
        return rc;
    }
    rc = config_tree_below(tree, path, text, n, err);
    free(text);
    return rc;
}

int config_read_layers(const struct config_table *table, struct config_tree *tree, const char *name,
                       const char *text, size_t length, struct status *err)
{
    struct node *preset;
    int rc = config_tree_read(tree, name, text, length, err);
    for (int layer = 0; rc == 0 && table->presets; layer++) {
        if (!(preset = config_tree_take(tree, "preset")))
            break;
        if (layer == MAX_LAYERS)
            return config_node_error(err, preset, true,
                                     "more than 8 presets, one on another: does one name itself?");
        rc = read_below(table, tree, preset, err);
    }
    return rc;
}
