/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes as a file of site calibrations: none may crash the reader, what it refuses it refuses with
 * a reason, and every record that it accepts can be looked up by its own key. */
#include "fuzz.h"

#include "host/calib_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct calib_store *store = NULL;
    struct status err = {0};
    int rc = calib_store_parse("fuzz.json", (const char *)bytes, n, &store, &err);
    FUZZ_CHECK((rc == OK) == (store != NULL));
    FUZZ_CHECK(rc == OK || err.text[0] != 0);
    if (!store)
        return 0;
    struct calib_key key = {0};
    for (unsigned kind = 0; kind < CALIB_KINDS; kind++) {
        struct calib_record record;
        rc = calib_store_find(store, kind, &key, &record, &err);
        FUZZ_CHECK(rc == OK || rc == ERR_NOT_FOUND || rc == ERR_STATE);
        calib_record_clear(&record);
    }
    char *summary = calib_store_summary(store);
    FUZZ_CHECK(summary != NULL);
    free(summary);
    calib_store_close(&store);
    return 0;
}
