/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cycle_fault.h"
#include <stdio.h>
#include <string.h>

const char *cycle_fault_name(size_t bit)
{
    static const char *const names[CYCLE_FAULTS] = {
        "rx_gap",       "rx_lost",     "rx_clipped",     "rx_step", "tx_late",
        "tx_underflow", "tx_lost",     "unsynchronised", "time",    "radio_down",
        "ris_late",     "ris_unknown", "retuned",
    };
    return bit < CYCLE_FAULTS ? names[bit] : "unknown";
}

size_t cycle_faults_json(uint32_t faults, char *text, size_t size)
{
    size_t n = 0;
    if (size < sizeof "[]")
        return 0;
    text[n++] = '[';
    for (size_t i = 0; i < CYCLE_FAULTS; i++) {
        const char *name = cycle_fault_name(i);
        if (!(faults >> i & 1))
            continue;
        if (n + strlen(name) + sizeof ",\"\"]" > size)
            break;
        n += (size_t)snprintf(text + n, size - n, "%s\"%s\"", n > 1 ? "," : "", name);
    }
    text[n++] = ']';
    text[n] = '\0';
    return n;
}
