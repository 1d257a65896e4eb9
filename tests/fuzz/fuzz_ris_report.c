/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the room hears from boards, and what boards hear back. */
#include "fuzz.h"

#include "frames/ris_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static uint8_t again[RIS_REPORT_MAX];
    struct ris_report r;
    int code = ris_reply_decode(bytes, n);
    FUZZ_CHECK(code <= 0);
    if (ris_report_decode(bytes, n, &r) != OK)
        return 0;
    FUZZ_CHECK(ris_report_encode(&r, again, sizeof again) == (int)n);
    FUZZ_CHECK(memcmp(bytes, again, n) == 0);
    for (uint32_t k = 0; k < (uint32_t)r.n_steps * 2; k++)
        FUZZ_CHECK(ris_pattern_valid(r.shape, ris_report_step(&r, k)));
    return 0;
}
