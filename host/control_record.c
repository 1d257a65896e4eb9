/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control_record.h"
#include "base/log.h"
#include "base/state_dir.h"
#include "host/control_text.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Into the folder, which is made; without a name, the time is one. */
static int choose_prefix(const char *folder, const json_t *args, char prefix[RECORDING_PATH],
                         struct status *err)
{
    const json_t *given = json_object_get(args, "name");
    char now[32] = "recording";
    time_t t = time(NULL);
    struct tm tm;
    if (gmtime_r(&t, &tm))
        strftime(now, sizeof now, "%Y%m%dT%H%M%SZ", &tm);
    const char *name = given ? json_string_value(given) : now;
    if (!name || !control_plain_name(name))
        return status_set(err, ERR_ARG,
                          "\"name\" must be at most 100 letters, digits, '.', '_' and '-'; "
                          "recordings go into the daemon's record.folder");
    if (state_dir_ensure(folder, err))
        return err->code;
    snprintf(prefix, RECORDING_PATH, "%.300s/%s", folder, name);
    return OK;
}

int control_record_status(const struct recorder_status *s, char *out, size_t size)
{
    json_t *o = json_pack(
        "{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:f,s:I,s:I}", "state", recorder_state_name(s->state),
        "alarm", recorder_alarm_name(s->alarm), "prefix", s->prefix, "why", s->why, "cycles",
        (json_int_t)s->cycles, "bytes", (json_int_t)s->bytes, "queued", (json_int_t)s->queued,
        "queued_max", (json_int_t)s->queued_max, "ring_s", s->ring_s, "memory_bytes",
        (json_int_t)s->memory_bytes, "stream_samples", (json_int_t)s->stream_samples);
    return control_text(o, 6, out, size);
}

static int answer_prefix(const char *prefix, char *out, size_t size, struct status *err)
{
    return control_text(json_pack("{s:s}", "prefix", prefix), 6, out, size) > 0
               ? OK
               : status_set(err, ERR_NO_SPACE, "the answer does not fit");
}

int control_record(struct recorder *recorder, const char *folder, const json_t *args, char *out,
                   size_t size, struct status *err)
{
    const char *what = json_string_value(json_object_get(args, "do")),
               *text = json_string_value(json_object_get(args, "text"));
    char prefix[RECORDING_PATH];
    struct recorder_status status;
    snprintf(out, size, "{}");
    if (!recorder)
        return status_set(err, ERR_STATE, "nothing can be recorded here");
    if (what && strcmp(what, "status") == 0) {
        recorder_status(recorder, &status);
        return control_record_status(&status, out, size) < 0
                   ? status_set(err, ERR_NO_SPACE, "the answer does not fit")
                   : OK;
    }
    if (what && strcmp(what, "stop") == 0)
        return recorder_stop(recorder, err);
    bool start = what && strcmp(what, "start") == 0;
    if (!start && (!what || strcmp(what, "mark") != 0))
        return status_set(err, ERR_ARG, "\"do\" must be start, stop, mark or status");
    if (choose_prefix(folder, args, prefix, err))
        return err->code;
    if (json_object_get(args, "text") && !text)
        return status_set(err, ERR_ARG, "\"text\" must be a string");
    const json_t *stream = json_object_get(args, "stream");
    if (stream && !json_is_boolean(stream))
        return status_set(err, ERR_ARG, "\"stream\" must be true or false");
    const enum recorder_extent extent = !stream                ? RECORDER_CONFIGURED
                                        : json_is_true(stream) ? RECORDER_STREAM
                                                               : RECORDER_WINDOWS;
    int rc = start ? recorder_start(recorder, prefix, extent, err)
                   : recorder_mark(recorder, text ? text : "", prefix, err);
    if (rc)
        return rc;
    recorder_status(recorder, &status); /* a mark may be in a recording of another name */
    return answer_prefix(status.prefix, out, size, err);
}
