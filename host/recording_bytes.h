/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files of a recording as bytes: what its writers share. */
#pragma once
#include "host/recording.h"

/* A new file, 0640, for writing. ERR_BUSY: there is one; ERR_NO_SPACE, ERR_IO. */
int recording_make_file(const char *path, int *fd, struct status *err) MUST_CHECK;
/* All n bytes. ERR_IO with errno. */
int recording_put(int fd, const void *bytes, size_t n) MUST_CHECK;
/* Says what errno means for PREFIX + what; returns ERR_NO_SPACE or ERR_IO. */
int recording_io_error(struct status *err, const char *what, const char *prefix);
uint64_t recording_file_size(const char *path); /* 0: none */
/* Hexadecimal SHA-512 of a file. ERR_NOT_FOUND, ERR_IO. */
int recording_sha512(const char *path, char hex[129], struct status *err) MUST_CHECK;
