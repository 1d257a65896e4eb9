/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes as the record of a surface's pixels: none may crash the reader, what it refuses it refuses
 * with a reason, and what it accepts is finite and adds up. */
#include "fuzz.h"

#include <math.h>

#include "host/pixel_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct pixel_map map;
    struct pixel_store_head head;
    struct status err = {0};
    int rc = pixel_store_parse("fuzz.json", (const char *)bytes, n, &head, &map, &err);
    FUZZ_CHECK(rc == OK || (rc == ERR_FORMAT && err.text[0] != 0));
    if (rc)
        return 0;
    size_t failed = 0, unknown = 0;
    FUZZ_CHECK(map.n_element == (size_t)head.columns * head.rows);
    FUZZ_CHECK(map.n_element >= 1 && map.n_element <= PIXEL_ELEMENTS_MAX);
    for (size_t m = 0; m < map.n_element; m++) {
        FUZZ_CHECK(map.state[m] <= PIXEL_FAILED && isfinite(cabsf(map.mask[m])));
        FUZZ_CHECK(isfinite(map.sigma_of[m]) && map.sigma_of[m] >= 0 && isfinite(map.log_odds[m]));
        failed += map.state[m] == PIXEL_FAILED;
        unknown += map.state[m] == PIXEL_UNKNOWN;
    }
    FUZZ_CHECK(map.failed == failed && map.unknown == unknown);
    return 0;
}
