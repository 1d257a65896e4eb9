/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define KEY_MAX_BYTES 256
#define COUNTER_TEXT  "mirador cycle counter, version 1: every number below is used\n%" PRIu64 "\n"

/* --- folders ---------------------------------------------------------------------------------- */

static const char *runtime_folder(void)
{
    static const char *const names[] = {"XDG_RUNTIME_DIR", "TMPDIR"};
    for (int i = 0; i < 2; i++) {
        const char *folder = getenv(names[i]);
        if (folder && folder[0] == '/' && access(folder, W_OK | X_OK) == 0)
            return folder;
    }
    return "/tmp";
}

int state_dir_create(const char *prefix, char *path, size_t size, struct status *err)
{
    int n = snprintf(path, size, "%s/%s-XXXXXX", runtime_folder(), prefix);
    if (n < 0 || (size_t)n >= size)
        return status_set(err, ERR_NO_SPACE, "%s: path too long; set TMPDIR to a short one", path);
    if (!mkdtemp(path)) /* mode 0700 */
        return status_set(err, ERR_IO, "cannot make the folder %s: %s; set TMPDIR", path,
                          strerror(errno));
    return 0;
}

/* Of a folder that already existed. */
static int check_private(const char *path, struct status *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return status_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
        return status_set(err, ERR_AUTH, "%s is not a folder of this user; choose another", path);
    if (st.st_mode & 077)
        return status_set(err, ERR_AUTH, "%s is open to others; run: chmod 700 %s", path, path);
    return 0;
}

int state_dir_ensure(const char *path, struct status *err)
{
    char part[512];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return status_set(err, ERR_ARG, "a state folder needs a path of 1..%zu characters",
                          sizeof part - 1);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return status_set(err, ERR_IO, "cannot make the folder %s: %s", part, strerror(errno));
    }
    return check_private(path, err);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

int state_dir_remove(const char *path, struct status *err)
{
    struct stat st;
    if (lstat(path, &st) != 0 && errno == ENOENT)
        return 0;
    int rc = check_private(path, err);
    if (rc)
        return rc;
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        return status_set(err, ERR_IO, "cannot remove %s: %s", path, strerror(errno));
    return 0;
}

/* The lock goes with the process, even a killed one, and is there before the mark can be seen. The
 * descriptor stays open on purpose. */
int state_dir_own(const char *path, struct status *err)
{
    char making[300], mark[300];
    int n = snprintf(making, sizeof making, "%s/owner.new", path);
    snprintf(mark, sizeof mark, "%s/owner", path);
    if (n < 0 || (size_t)n >= sizeof making)
        return status_set(err, ERR_NO_SPACE, "%s: path too long; set TMPDIR to a short one", path);
    int fd = open(making, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0 ||
        rename(making, mark) != 0)
        return status_set(err, ERR_IO, "cannot mark %s as ours: %s", path, strerror(errno));
    return 0;
}

/* Descriptor of the mark, locked by us, if nobody owns the folder any more; else -1. */
static int lock_orphan(const char *path)
{
    char mark[320];
    struct status unused;
    if (check_private(path, &unused) != 0)
        return -1;
    snprintf(mark, sizeof mark, "%s/owner", path);
    int fd = open(mark, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

size_t state_dir_sweep(const char *prefix)
{
    size_t removed = 0, n = strlen(prefix);
    DIR *dir = opendir(runtime_folder());
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[300];
        struct status unused;
        if (strncmp(e->d_name, prefix, n) != 0 || strlen(e->d_name) != n + 7 || e->d_name[n] != '-')
            continue;
        int length = snprintf(path, sizeof path, "%s/%s", runtime_folder(), e->d_name);
        int fd = length < (int)sizeof path ? lock_orphan(path) : -1;
        if (fd < 0)
            continue;
        removed += state_dir_remove(path, &unused) == 0;
        close(fd);
    }
    if (dir)
        closedir(dir);
    return removed;
}

/* --- files ------------------------------------------------------------------------------------ */

static int write_all(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n > 0) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        p += written;
        n -= (size_t)written;
    }
    return 0;
}

/* The rename itself is durable only when the folder is. */
static int sync_folder(const char *path)
{
    char folder[512];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = fsync(fd);
    close(fd);
    return rc;
}

int file_replace(const char *path, const void *bytes, size_t n, unsigned mode, struct status *err)
{
    char aside[512];
    int length = snprintf(aside, sizeof aside, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof aside)
        return status_set(err, ERR_NO_SPACE, "%.100s...: path too long", path);
    int fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0)
        return status_set(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
    bool bad = fchmod(fd, mode) != 0 || write_all(fd, bytes, n) != 0 || fsync(fd) != 0;
    int saved = errno;
    close(fd);
    if (!bad && rename(aside, path) != 0) {
        bad = true;
        saved = errno;
    }
    if (bad) {
        unlink(aside);
        return status_set(err, ERR_IO, "cannot write %s: %s", path, strerror(saved));
    }
    if (sync_folder(path) != 0)
        return status_set(err, ERR_IO, "cannot sync the folder of %s: %s", path, strerror(errno));
    return 0;
}

int file_remove(const char *path, struct status *err)
{
    if (unlink(path) != 0)
        return errno == ENOENT
                   ? OK
                   : status_set(err, ERR_IO, "cannot remove %s: %s", path, strerror(errno));
    if (sync_folder(path) != 0)
        return status_set(err, ERR_IO, "cannot sync the folder of %s: %s", path, strerror(errno));
    return OK;
}

/* Up to size - 1 bytes, terminated; longer files are cut, so give one byte more than is allowed. */
static int read_small(int fd, const char *path, char *text, size_t size, struct status *err)
{
    size_t n = 0;
    while (n < size - 1) {
        ssize_t got = read(fd, text + n, size - 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_set(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
        if (got == 0)
            break;
        n += (size_t)got;
    }
    text[n] = 0;
    return 0;
}

/* --- keys ------------------------------------------------------------------------------------- */

int key_file_write(const char *path, const uint8_t *key, size_t n, struct status *err)
{
    char hex[2 * KEY_MAX_BYTES + 2];
    if (n == 0 || n > KEY_MAX_BYTES)
        return status_set(err, ERR_ARG, "%s: a key has 1..256 bytes", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST)
        return status_set(err, ERR_BUSY, "%s exists; a key is never overwritten, remove it first",
                          path);
    if (fd < 0)
        return status_set(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
    sodium_bin2hex(hex, sizeof hex, key, n);
    hex[2 * n] = '\n';
    bool bad = fchmod(fd, 0600) != 0 || write_all(fd, hex, 2 * n + 1) != 0 || fsync(fd) != 0;
    int saved = errno;
    sodium_memzero(hex, sizeof hex);
    close(fd);
    if (bad) {
        unlink(path);
        return status_set(err, ERR_IO, "cannot write %s: %s", path, strerror(saved));
    }
    return 0;
}

static int parse_key(const char *path, const char *hex, uint8_t *key, size_t n, struct status *err)
{
    size_t length = strcspn(hex, "\n"), got;
    const char *end;
    bool line = hex[length] == 0 || hex[length + 1] == 0;
    if (!line || length != 2 * n || sodium_hex2bin(key, n, hex, length, NULL, &got, &end) != 0 ||
        got != n || end != hex + length) {
        sodium_memzero(key, n);
        return status_set(err, ERR_FORMAT,
                          "%s holds no key of %zu bytes (one line of %zu hex digits); "
                          "make one with 'mirador keys'",
                          path, n, 2 * n);
    }
    return 0;
}

int key_file_read(const char *path, uint8_t *key, size_t n, struct status *err)
{
    char hex[2 * KEY_MAX_BYTES + 4];
    struct stat st;
    if (n == 0 || n > KEY_MAX_BYTES)
        return status_set(err, ERR_ARG, "%s: a key has 1..256 bytes", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return status_set(err, ERR_IO,
                          "cannot read the key file %s: %s; make one with 'mirador keys'", path,
                          strerror(errno));
    int rc = 0;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        rc = status_set(err, ERR_IO, "the key file %s is not a regular file", path);
    else if (st.st_mode & 077)
        rc = status_set(err, ERR_AUTH, "others may read the key file %s; run: chmod 600 %s", path,
                        path);
    if (rc == 0)
        rc = read_small(fd, path, hex, sizeof hex, err);
    if (rc == 0)
        rc = parse_key(path, hex, key, n, err);
    sodium_memzero(hex, sizeof hex);
    close(fd);
    return rc;
}

/* --- the cycle number ------------------------------------------------------------------------- */

static int store_reserved(const struct cycle_counter *counter, uint64_t reserved,
                          struct status *err)
{
    char text[128];
    int n = snprintf(text, sizeof text, COUNTER_TEXT, reserved);
    return file_replace(counter->path, text, (size_t)n, 0600, err);
}

/* *reserved stays as it is if there is no file. */
static int load_reserved(const char *path, uint64_t *reserved, struct status *err)
{
    char text[128], again[128];
    uint64_t value;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return status_set(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    int rc = read_small(fd, path, text, sizeof text, err);
    close(fd);
    if (rc)
        return rc;
    const char *line = strchr(text, '\n');
    value = line ? strtoull(line + 1, NULL, 10) : 0;
    snprintf(again, sizeof again, COUNTER_TEXT, value);
    if (strcmp(text, again) != 0 || value > UINT64_MAX / 2)
        return status_set(
            err, ERR_FORMAT,
            "%s is damaged; a number used twice would break the encryption, so restore it "
            "or give every user a new key before you remove it",
            path);
    *reserved = value;
    return 0;
}

int cycle_counter_open(struct cycle_counter *counter, const char *path, uint64_t first,
                       struct status *err)
{
    uint64_t start = first;
    if (strlen(path) >= sizeof counter->path || first > UINT64_MAX / 2)
        return status_set(err, ERR_ARG, "cycle counter: path too long or first number too large");
    strcpy(counter->path, path);
    int rc = load_reserved(path, &start, err);
    if (rc == 0)
        rc = store_reserved(counter, start + CYCLE_COUNTER_BLOCK, err);
    if (rc)
        return rc;
    counter->next = start;
    counter->reserved = start + CYCLE_COUNTER_BLOCK;
    return 0;
}

int cycle_counter_next(struct cycle_counter *counter, uint64_t *value)
{
    if (counter->next >= counter->reserved)
        return ERR_STATE;
    *value = counter->next++;
    return 0;
}

int cycle_counter_refresh(struct cycle_counter *counter, struct status *err)
{
    uint64_t reserved = counter->reserved;
    if (reserved - counter->next >= CYCLE_COUNTER_BLOCK / 2)
        return 0;
    int rc = store_reserved(counter, reserved + CYCLE_COUNTER_BLOCK, err);
    if (rc == 0)
        counter->reserved = reserved + CYCLE_COUNTER_BLOCK;
    return rc;
}
