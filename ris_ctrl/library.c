/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/library.h"
#include "base/log.h"
#include "base/state_dir.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX   ".profile"
#define SHOWN    "shown.last" /* no profile can be called that: names have no dot */
#define LINE_MAX (128 + 2 * RIS_PATTERN_MAX)

int library_open(struct library *l, const char *store_dir, const char *board,
                 struct ris_shape shape, struct status *err)
{
    *l = (struct library){.board = board, .shape = shape};
    if (store_dir[0] == '\0')
        return OK;
    if ((size_t)snprintf(l->dir, sizeof l->dir, "%s/%s", store_dir, board) >= sizeof l->dir)
        return status_set(err, ERR_ARG, "store_dir: the path is too long; choose a shorter one");
    return state_dir_ensure(l->dir, err);
}

bool library_name_valid(const char *name)
{
    size_t n = strlen(name);
    return n >= 1 && n <= LIBRARY_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

static int find(const struct library *l, const char *name, char *path, size_t size,
                struct status *err)
{
    if (l->dir[0] == '\0')
        return status_set(err, ERR_STATE,
                          "board %s: there is no store of profiles; set store_dir in ris.yaml",
                          l->board);
    if (!library_name_valid(name))
        return status_set(err, ERR_ARG,
                          "'%.40s' is no name of a profile; use 1 to %d letters, digits, - and _",
                          name, LIBRARY_NAME_MAX);
    snprintf(path, size, "%s/%s" SUFFIX, l->dir, name);
    return OK;
}

/* ---- one file ---- */

static int write_file(const struct library *l, const char *path, unsigned slot,
                      const uint8_t *pattern, struct status *err)
{
    char line[LINE_MAX];
    size_t n = (size_t)snprintf(line, sizeof line, "mirador-ris 1 %u %u %u %u %016" PRIx64 " ",
                                slot, l->shape.columns, l->shape.rows, l->shape.bits,
                                ris_profile_hash(l->shape, pattern));
    for (size_t i = 0; i < ris_pattern_bytes(l->shape); i++)
        n += (size_t)snprintf(line + n, sizeof line - n, "%02x", pattern[i]);
    line[n++] = '\n';
    return file_replace(path, line, n, 0600, err);
}

static bool read_hex(const char *hex, uint8_t *out, size_t n)
{
    if (strspn(hex, "0123456789abcdef") != 2 * n || strcmp(hex + 2 * n, "\n") != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return true;
}

static int parse(const struct library *l, const char *path, const char *line, unsigned *slot,
                 uint8_t *pattern, struct status *err)
{
    unsigned columns, rows, bits;
    uint64_t hash;
    int at = 0;
    if (sscanf(line, "mirador-ris 1 %u %u %u %u %16" SCNx64 " %n", slot, &columns, &rows, &bits,
               &hash, &at) != 5 ||
        at == 0)
        return status_set(err, ERR_FORMAT, "%s is damaged; delete it", path);
    if (columns != l->shape.columns || rows != l->shape.rows || bits != l->shape.bits)
        return status_set(err, ERR_ARG,
                          "%s is for %u x %u elements of %u bits, board %s is another; delete it",
                          path, columns, rows, bits, l->board);
    if (!read_hex(line + at, pattern, ris_pattern_bytes(l->shape)) ||
        ris_profile_hash(l->shape, pattern) != hash || !ris_pattern_valid(l->shape, pattern))
        return status_set(err, ERR_FORMAT, "%s is damaged; delete it", path);
    return OK;
}

static int read_file(const struct library *l, const char *path, unsigned *slot, uint8_t *pattern,
                     struct status *err)
{
    char line[LINE_MAX] = "";
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return status_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s; ask for the list",
                          path, strerror(errno));
    bool any = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    return parse(l, path, any ? line : "", slot, pattern, err);
}

/* ---- named profiles ---- */

int library_save(const struct library *l, const char *name, const uint8_t *pattern,
                 struct status *err)
{
    char path[400];
    int rc = find(l, name, path, sizeof path, err);
    return rc ? rc : write_file(l, path, 0, pattern, err);
}

int library_load(const struct library *l, const char *name, uint8_t *pattern, struct status *err)
{
    char path[400];
    unsigned slot;
    int rc = find(l, name, path, sizeof path, err);
    if (rc == OK)
        rc = read_file(l, path, &slot, pattern, err);
    if (rc == ERR_NOT_FOUND)
        status_set(err, rc, "board %s: has no profile '%s'; ask profiles for the names", l->board,
                   name);
    return rc;
}

int library_remove(const struct library *l, const char *name, struct status *err)
{
    char path[400];
    int rc = find(l, name, path, sizeof path, err);
    if (rc == OK && unlink(path) != 0)
        rc = status_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
                        "board %s: no profile '%s': %s; ask profiles for the names", l->board, name,
                        strerror(errno));
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct library_entry *)a)->name, ((const struct library_entry *)b)->name);
}

/* A damaged file is listed with hash 0: somebody should see it. */
static void list_file(const struct library *l, const char *file, struct library_entry *out, int *n)
{
    size_t stem = strlen(file), suffix = sizeof SUFFIX - 1;
    uint8_t pattern[RIS_PATTERN_MAX];
    struct status ignored;
    if (stem <= suffix || strcmp(file + stem - suffix, SUFFIX) != 0 || *n >= LIBRARY_PROFILES ||
        stem - suffix > LIBRARY_NAME_MAX)
        return;
    snprintf(out[*n].name, sizeof out[*n].name, "%.*s", (int)(stem - suffix), file);
    out[*n].hash = library_load(l, out[*n].name, pattern, &ignored) == OK
                       ? ris_profile_hash(l->shape, pattern)
                       : 0;
    ++*n;
}

int library_list(const struct library *l, struct library_entry *out, struct status *err)
{
    char path[400];
    int n = 0, rc = find(l, "any", path, sizeof path, err);
    if (rc)
        return rc;
    DIR *dir = opendir(l->dir);
    if (dir == NULL)
        return status_set(err, ERR_IO, "%s: %s; check store_dir", l->dir, strerror(errno));
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        list_file(l, e->d_name, out, &n);
    closedir(dir);
    qsort(out, (size_t)n, sizeof *out, by_name);
    return n;
}

/* ---- the static profile ---- */

int library_save_shown(const struct library *l, uint16_t slot, const uint8_t *pattern,
                       struct status *err)
{
    char path[400];
    if (l->dir[0] == '\0')
        return OK;
    snprintf(path, sizeof path, "%s/" SHOWN, l->dir);
    return write_file(l, path, slot, pattern, err);
}

int library_load_shown(const struct library *l, uint16_t *slot, uint8_t *pattern,
                       struct status *err)
{
    char path[400];
    unsigned number = 0;
    if (l->dir[0] == '\0')
        return status_set(err, ERR_NOT_FOUND, "board %s: nothing is stored", l->board);
    snprintf(path, sizeof path, "%s/" SHOWN, l->dir);
    int rc = read_file(l, path, &number, pattern, err);
    if (rc == OK && number > 65534)
        rc = status_set(err, ERR_FORMAT, "%s is damaged; delete it", path);
    *slot = (uint16_t)number;
    return rc;
}
