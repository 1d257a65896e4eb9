/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/config_internal.h"

#include <math.h>
#include <string.h>

struct writer {
    FILE *out;
    bool comment; /* only the first item of a list explains its keys */
};

static void write_struct(struct writer *w, const struct config_table *table, const char *values,
                         int indent, bool as_item);

static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_number(FILE *out, double value)
{
    char text[32];
    config_print_number(value, text);
    fputs(text, out);
}

static void write_choice(FILE *out, const char *names, int index)
{
    for (; index > 0; index--)
        names += strcspn(names, "|") + 1;
    fprintf(out, "%.*s", (int)strcspn(names, "|"), names);
}

static void write_vec3(FILE *out, const double v[3])
{
    for (int i = 0; i < 3; i++) {
        fputs(i ? ", " : "[", out);
        write_number(out, v[i]);
    }
    fputc(']', out);
}

static void write_scalar(FILE *out, const struct config_key *key, const void *at)
{
    switch (key->type) {
    case CONFIG_TYPE_DOUBLE:
        write_number(out, *(const double *)at);
        break;
    case CONFIG_TYPE_INT:
        fprintf(out, "%d", *(const int *)at);
        break;
    case CONFIG_TYPE_U64:
        fprintf(out, "%llu", (unsigned long long)*(const uint64_t *)at);
        break;
    case CONFIG_TYPE_BOOL:
        fputs(*(const bool *)at ? "yes" : "no", out);
        break;
    case CONFIG_TYPE_CHOICE:
        write_choice(out, key->choices, *(const int *)at);
        break;
    case CONFIG_TYPE_VEC3:
        write_vec3(out, at);
        break;
    default:
        write_text(out, at);
    }
}

static void write_list(FILE *out, const struct config_key *key, const char *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", out);
        if (key->type == CONFIG_TYPE_DOUBLE_LIST)
            write_number(out, ((const double *)(const void *)at)[i]);
        else if (key->type == CONFIG_TYPE_INT_LIST)
            fprintf(out, "%d", ((const int *)(const void *)at)[i]);
        else if (key->type == CONFIG_TYPE_VEC3_LIST)
            write_vec3(out, (const double *)(const void *)at + 3 * i);
        else
            write_text(out, at + i * key->size);
    }
}

static void write_comment(const struct writer *w, const struct config_key *key, int indent)
{
    char number[32];
    const char *separator = " [";
    if (!w->comment)
        return;
    fprintf(w->out, "%*s# %s", indent, "", key->help ? key->help : key->path);
    if (key->unit) {
        fprintf(w->out, "%s%s", separator, key->unit);
        separator = "; ";
    }
    if (key->choices) {
        fprintf(w->out, "%s%s", separator, key->choices);
        separator = "; ";
    }
    if (key->min != 0 || key->max != 0) {
        config_print_number(key->min, number);
        fprintf(w->out, "%s%s..", separator, number);
        config_print_number(key->max, number);
        fprintf(w->out, "%s", number);
        separator = "; ";
    }
    if (key->def && strcmp(key->def, CONFIG_UNSET) != 0) {
        fprintf(w->out, "%sdefault %s", separator, key->def[0] ? key->def : "empty");
        separator = "; ";
    }
    fputs(strcmp(separator, "; ") == 0 ? "]\n" : "\n", w->out);
}

static void write_map_list(struct writer *w, const struct config_key *key, const char *at,
                           size_t count, int indent)
{
    bool comment = w->comment;
    fputc('\n', w->out);
    for (size_t i = 0; i < count; i++) {
        write_struct(w, key->table, at + i * key->size, indent + 2, true);
        w->comment = false;
    }
    w->comment = comment;
}

static void write_key(struct writer *w, const struct config_key *key, const char *name,
                      const char *values, int indent)
{
    const char *at = values + key->offset;
    size_t count =
        config_is_list(key->type) ? *(const size_t *)(const void *)(values + key->count_offset) : 0;
    bool unset = (key->type == CONFIG_TYPE_DOUBLE || key->type == CONFIG_TYPE_VEC3) &&
                 isnan(*(const double *)(const void *)at);
    write_comment(w, key, indent);
    fprintf(w->out, "%*s%s%s:", indent, "", unset ? "# " : "", name);
    if (unset) {
        fputc('\n', w->out);
    } else if (key->type == CONFIG_TYPE_MAP_LIST && count) {
        write_map_list(w, key, at, count, indent);
    } else if (config_is_list(key->type)) {
        fputs(" [", w->out);
        write_list(w->out, key, at, count);
        fputs("]\n", w->out);
    } else {
        fputc(' ', w->out);
        write_scalar(w->out, key, at);
        fputc('\n', w->out);
    }
}

/* True if an earlier key of the table already opened the group at path[0..n). */
static bool group_written(const struct config_table *table, size_t i, size_t n)
{
    for (size_t j = 0; j < i; j++)
        if (strncmp(table->keys[j].path, table->keys[i].path, n) == 0)
            return true;
    return false;
}

/* Keys whose path starts with the prefix_n characters that keys[first] starts with, groups
 * gathered. */
static void write_group(struct writer *w, const struct config_table *table, size_t first,
                        size_t prefix_n, const char *values, int indent)
{
    const char *prefix = table->keys[first].path;
    for (size_t i = first; i < table->n_keys; i++) {
        const struct config_key *key = &table->keys[i];
        if (strncmp(key->path, prefix, prefix_n) != 0)
            continue;
        const char *name = key->path + prefix_n, *dot = strchr(name, '.');
        if (!dot) {
            write_key(w, key, name, values, indent);
        } else if (!group_written(table, i, (size_t)(dot + 1 - key->path))) {
            fprintf(w->out, "%*s%.*s:\n", indent, "", (int)(dot - name), name);
            write_group(w, table, i, (size_t)(dot + 1 - key->path), values, indent + 2);
        }
    }
}

static void write_struct(struct writer *w, const struct config_table *table, const char *values,
                         int indent, bool as_item)
{
    struct config_key keys[CONFIG_MAX_KEYS];
    const struct config_table flat = config_flatten(table, keys);
    if (as_item)
        fprintf(w->out, "%*s-\n", indent - 2, "");
    write_group(w, &flat, 0, 0, values, indent);
}

int config_dump(const struct config_table *table, const void *values, FILE *out)
{
    struct writer w = {.out = out, .comment = true};
    write_struct(&w, table, values, 0, false);
    return fflush(out) == 0 && !ferror(out) ? 0 : ERR_IO;
}
