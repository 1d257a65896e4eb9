/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Profiles on disk: one JSON object, {"v":1,"ris":…,"board":…,"columns":16,"rows":16,"bits":1,
 * "profiles":[{"name":…,"hash":…,"pattern":"packed bytes as hex"}]}. Setup only. */
#pragma once
#include "frames/ris_profile.h"

#define RIS_FILE_PROFILES 256

struct ris_file_profile {
    char name[64];
    uint8_t pattern[RIS_PATTERN_MAX];
};

struct ris_file {
    char ris[32], board[32];
    struct ris_shape shape;
    size_t n;
    struct ris_file_profile profiles[RIS_FILE_PROFILES];
};

int ris_file_write(const char *path, const struct ris_file *file, struct status *err) MUST_CHECK;

/* Refuses what is no profile file (ERR_FORMAT) and a pattern that does not match its hash. */
int ris_file_read(const char *path, struct ris_file *file, struct status *err) MUST_CHECK;
