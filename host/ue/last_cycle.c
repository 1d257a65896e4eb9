/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/last_cycle.h"
#include "base/log.h"
#include "base/state_dir.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One decimal number and a newline. */
static int parse(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && errno == 0 && strcmp(end, "\n") == 0 ? OK
                                                                                    : ERR_FORMAT;
}

static int read_file(struct last_cycle *last, struct status *err)
{
    char text[32] = "";
    FILE *f = fopen(last->path, "re");
    if (!f && errno == ENOENT)
        return OK;
    if (!f)
        return status_set(err, ERR_IO, "%s: cannot open: %s; give the user terminal access",
                          last->path, strerror(errno));
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    if (strlen(text) != n || parse(text, &last->covered))
        return status_set(err, ERR_FORMAT,
                          "%s: does not hold a cycle number; restore it, or delete it together "
                          "with the user's key and make a new key",
                          last->path);
    return OK;
}

int last_cycle_open(struct last_cycle *last, const char *state_dir, uint32_t user_id,
                    struct status *err)
{
    *last = (struct last_cycle){0};
    int n = snprintf(last->path, sizeof last->path, "%s/ue-%" PRIu32 ".cycle", state_dir, user_id);
    if (n < 0 || (size_t)n >= sizeof last->path)
        return status_set(err, ERR_NO_SPACE, "run.state_dir: path is too long; shorten it");
    int rc = state_dir_ensure(state_dir, err);
    return rc ? rc : read_file(last, err);
}

static int write_down(struct last_cycle *last, uint64_t cycle, struct status *err)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%" PRIu64 "\n", cycle);
    int rc = file_replace(last->path, text, (size_t)n, 0600, err);
    if (rc == OK)
        last->covered = cycle;
    return rc;
}

static uint64_t ahead(uint64_t cycle)
{
    return cycle > UINT64_MAX - LAST_CYCLE_BLOCK ? UINT64_MAX : cycle + LAST_CYCLE_BLOCK;
}

int last_cycle_cover(struct last_cycle *last, uint64_t cycle, struct status *err)
{
    return cycle <= last->covered ? OK : write_down(last, ahead(cycle), err);
}

int last_cycle_refresh(struct last_cycle *last, uint64_t cycle, struct status *err)
{
    uint64_t left = last->covered > cycle ? last->covered - cycle : 0;
    return left >= LAST_CYCLE_BLOCK / 2 ? OK : write_down(last, ahead(cycle), err);
}

int last_cycle_close(struct last_cycle *last, uint64_t cycle, struct status *err)
{
    return cycle == last->covered ? OK : write_down(last, cycle, err);
}
