/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recording.h"
#include "base/log.h"
#include <stdio.h>
#include <string.h>

static const char *const endings[RECORDING_FILES] = {
    ".sigmf-collection", ".mirador-journal", ".mirador-state",
    ".mirador-bs.yaml",  ".mirador-stream",  ".mirador-reserve",
};

const enum schedule_window recording_schedule_window[RECORDING_WINDOWS] = {
    WINDOW_SENSING, WINDOW_RESPONSE, WINDOW_PILOTS};
const char *const recording_window_name[RECORDING_WINDOWS] = {"sensing", "response", "pilots"};

int recording_prefix(const char *name, char prefix[RECORDING_PATH], struct status *err)
{
    size_t n = strlen(name), end = strlen(endings[RECORDING_COLLECTION]);
    if (n > end && strcmp(name + n - end, endings[RECORDING_COLLECTION]) == 0)
        n -= end;
    if (n == 0 || n + 32 > RECORDING_PATH)
        return status_set(err, ERR_ARG, "the recording's name is empty or longer than %d bytes",
                          RECORDING_PATH - 32);
    memcpy(prefix, name, n);
    prefix[n] = '\0';
    return OK;
}

void recording_path(const char *prefix, enum recording_file file, char path[RECORDING_PATH])
{
    snprintf(path, RECORDING_PATH, "%s%s", prefix, endings[file]);
}

void recording_channel_path(const char *prefix, size_t channel, const char *ending,
                            char path[RECORDING_PATH])
{
    snprintf(path, RECORDING_PATH, "%s-rx%zu.sigmf-%s", prefix, channel, ending);
}

const char *recording_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
