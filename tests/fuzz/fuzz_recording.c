/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes as a .sigmf-meta file, as a line of a journal and of a stream's segments: none may crash
 * the readers, and what they refuse they refuse with a reason. */
#include "fuzz.h"

#include "host/recording_journal.h"
#include "host/recording_sigmf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct journal_entry entry;
    struct sigmf_meta meta;
    struct status err = {0};
    int rc = sigmf_parse((const char *)bytes, n, &meta, &err);
    FUZZ_CHECK(rc == OK || (err.text[0] != 0 && meta.capture == NULL));
    for (size_t i = 1; rc == OK && i < meta.n_capture; i++)
        FUZZ_CHECK(meta.capture[i].sample_start >= meta.capture[i - 1].sample_start);
    sigmf_clear(&meta);
    struct recording_segments segments = {0};
    err = (struct status){0};
    rc = recording_segments_line(&segments, (const char *)bytes, n, &err);
    FUZZ_CHECK(rc == OK ? segments.n + segments.ended == 1 : err.text[0] != 0 && segments.n == 0);
    recording_segments_free(&segments);
    err = (struct status){0};
    rc = journal_parse((const char *)bytes, n, &entry, &err);
    FUZZ_CHECK(rc == OK || err.text[0] != 0);
    if (rc == OK && entry.line == JOURNAL_CYCLE) { /* what is read is what would be written */
        static struct journal_entry again;
        char *text = journal_format_cycle(&entry.cycle);
        FUZZ_CHECK(text != NULL);
        FUZZ_CHECK(journal_parse(text, strlen(text), &again, &err) == OK);
        FUZZ_CHECK(again.cycle.plan.cycle == entry.cycle.plan.cycle);
        free(text);
    }
    return 0;
}
