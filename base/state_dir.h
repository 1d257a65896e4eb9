/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a program keeps on disk: private folders, key files, and the cycle number that never
 * repeats. Setup only, except where said. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "frames/status.h"

/* Makes a new folder of mode 0700 under $XDG_RUNTIME_DIR, else $TMPDIR, else /tmp, and writes its
 * full path ("/tmp/mirador-demo-x3Kd1a"). prefix: "mirador-demo". */
int state_dir_create(const char *prefix, char *path, size_t size, struct status *err) MUST_CHECK;

/* Makes path (and what is missing above it) with mode 0700; fine if it exists, is ours and is
 * private. */
int state_dir_ensure(const char *path, struct status *err) MUST_CHECK;

/* Removes the folder with everything in it; follows no symbolic link. Missing is fine. */
int state_dir_remove(const char *path, struct status *err) MUST_CHECK;

/* Marks a folder made by state_dir_create as ours until this process ends, however it ends: a file
 * "owner" with our pid, locked. state_dir_sweep removes the folders of this prefix whose owners are
 * gone, and tells how many; those without a mark are left alone. */
int state_dir_own(const char *path, struct status *err) MUST_CHECK;
size_t state_dir_sweep(const char *prefix);

/* Replaces path by the n bytes: written aside, fsync, rename, so a reader or a power cut sees the
 * old or the new content. */
int file_replace(const char *path, const void *bytes, size_t n, unsigned mode,
                 struct status *err) MUST_CHECK;

/* Removes a file so that a power cut does not bring it back; missing is fine. */
int file_remove(const char *path, struct status *err) MUST_CHECK;

/* A secret of n <= 256 bytes as one line of hex in a file of mode 0600. Writing refuses to
 * overwrite an existing file (ERR_BUSY). Reading refuses a file that others may read (ERR_AUTH),
 * and one that does not hold exactly n bytes (ERR_FORMAT). No message ever holds the secret. */
int key_file_write(const char *path, const uint8_t *key, size_t n, struct status *err) MUST_CHECK;
int key_file_read(const char *path, uint8_t *key, size_t n, struct status *err) MUST_CHECK;

/* A 64-bit number that is never given out twice, across crashes, by reserving blocks of numbers on
 * disk ahead of their use. Each opening starts behind every number ever reserved ("jumps ahead").
 */
struct cycle_counter {
    char path[256];
    _Atomic uint64_t next;
    _Atomic uint64_t reserved; /* numbers below are covered by the file */
};

#define CYCLE_COUNTER_BLOCK 65536u /* 3.6 hours of 0.2 s cycles */

/* first: where to start if there is no file yet. A damaged file is an error (ERR_FORMAT), never a
 * restart. Only one process may use the file. */
int cycle_counter_open(struct cycle_counter *counter, const char *path, uint64_t first,
                       struct status *err) MUST_CHECK;

/* RT-safe, one caller thread. Returns ERR_STATE if the reservation ran out (nobody refreshed). */
int cycle_counter_next(struct cycle_counter *counter, uint64_t *value) MUST_CHECK;

/* Reserves a further block when less than half of one is left; file I/O, any one other thread. Call
 * at least once in an hour. */
int cycle_counter_refresh(struct cycle_counter *counter, struct status *err) MUST_CHECK;
