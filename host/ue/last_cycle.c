/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/last_cycle.h"
#include "base/log.h"
#include "base/state_dir.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BOOT_CHARS = 36, NOW_CHARS = BOOT_CHARS + 1 + 20 + 1 };

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

/* The kernel's number of this boot; empty if it does not tell. */
static void read_boot(char boot[BOOT_CHARS + 1])
{
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!f || fread(boot, 1, BOOT_CHARS, f) != BOOT_CHARS)
        boot[0] = 0;
    if (f)
        fclose(f);
}

static bool of_this_boot(const struct last_cycle *last, const char *text, uint64_t *cycle)
{
    return memcmp(text, last->boot, BOOT_CHARS) == 0 && text[BOOT_CHARS] == ' ' &&
           parse(text + BOOT_CHARS + 1, cycle) == OK && *cycle <= last->covered &&
           last->covered - *cycle <= LAST_CYCLE_BLOCK;
}

/* What cannot be read or is of another time leaves the block, which is always safe. */
static void read_now(struct last_cycle *last)
{
    char text[NOW_CHARS + 1] = "";
    uint64_t cycle;
    read_boot(last->boot);
    last->now_fd = last->boot[0] ? open(last->now_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (last->now_fd >= 0 && pread(last->now_fd, text, NOW_CHARS, 0) == NOW_CHARS &&
        of_this_boot(last, text, &cycle))
        last->accepted = cycle;
}

static int write_now(const struct last_cycle *last, uint64_t cycle, struct status *err)
{
    char text[NOW_CHARS + 1];
    if (last->now_fd < 0)
        return OK;
    snprintf(text, sizeof text, "%.36s %020" PRIu64 "\n", last->boot, cycle);
    if (pwrite(last->now_fd, text, NOW_CHARS, 0) == NOW_CHARS)
        return OK;
    return status_set(err, ERR_IO, "cannot write %s: %s", last->now_path, strerror(errno));
}

int last_cycle_open(struct last_cycle *last, const char *state_dir, uint32_t user_id,
                    struct status *err)
{
    *last = (struct last_cycle){.now_fd = -1};
    int n = snprintf(last->path, sizeof last->path, "%s/ue-%" PRIu32 ".cycle", state_dir, user_id);
    if (n < 0 || (size_t)n >= sizeof last->path)
        return status_set(err, ERR_NO_SPACE, "run.state_dir: path is too long; shorten it");
    snprintf(last->now_path, sizeof last->now_path, "%.*snow", n - (int)strlen("cycle"),
             last->path);
    int rc = state_dir_ensure(state_dir, err);
    if (rc == OK)
        rc = read_file(last, err);
    last->accepted = last->covered;
    if (rc == OK)
        read_now(last);
    return rc;
}

void last_cycle_free(struct last_cycle *last)
{
    if (last->now_fd >= 0)
        close(last->now_fd);
    last->now_fd = -1;
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
    const int rc = cycle <= last->covered ? OK : write_down(last, ahead(cycle), err);
    return rc ? rc : write_now(last, cycle, err);
}

int last_cycle_refresh(struct last_cycle *last, uint64_t cycle, struct status *err)
{
    uint64_t left = last->covered > cycle ? last->covered - cycle : 0;
    const int rc = left >= LAST_CYCLE_BLOCK / 2 ? OK : write_down(last, ahead(cycle), err);
    return rc ? rc : write_now(last, cycle, err);
}

int last_cycle_close(struct last_cycle *last, uint64_t cycle, struct status *err)
{
    const int rc = cycle == last->covered ? OK : write_down(last, cycle, err);
    return rc ? rc : write_now(last, cycle, err);
}
