/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recording_bytes.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int recording_make_file(const char *path, int *fd, struct status *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (*fd >= 0)
        return OK;
    if (errno == EEXIST)
        return status_set(err, ERR_BUSY, "%.200s exists: choose another name", path);
    return recording_io_error(err, "", path);
}

int recording_io_error(struct status *err, const char *what, const char *prefix)
{
    const int e = errno;
    const bool full = e == ENOSPC || e == EDQUOT || e == EFBIG;
    return status_set(err, full ? ERR_NO_SPACE : ERR_IO, "%.120s%s: %s%s", prefix, what,
                      strerror(e), full ? "; free some space, or record elsewhere" : "");
}

int recording_put(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n > 0) {
        ssize_t done = write(fd, at, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return ERR_IO;
        at += done;
        n -= (size_t)done;
    }
    return OK;
}

uint64_t recording_file_size(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 ? (uint64_t)s.st_size : 0;
}

int recording_sha512(const char *path, char hex[129], struct status *err)
{
    enum { CHUNK = 1 << 16 };
    static _Thread_local unsigned char bytes[CHUNK];
    unsigned char raw[crypto_hash_sha512_BYTES];
    crypto_hash_sha512_state state;
    FILE *f = fopen(path, "rb");
    if (!f)
        return status_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%.200s: %s", path,
                          strerror(errno));
    crypto_hash_sha512_init(&state);
    for (size_t n; (n = fread(bytes, 1, CHUNK, f)) > 0;)
        crypto_hash_sha512_update(&state, bytes, n);
    bool ok = !ferror(f);
    fclose(f);
    crypto_hash_sha512_final(&state, raw);
    sodium_bin2hex(hex, 129, raw, sizeof raw);
    return ok ? OK : status_set(err, ERR_IO, "%.200s: cannot be read", path);
}
