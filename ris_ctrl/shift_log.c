/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/shift_log.h"
#include <stdlib.h>
#include <string.h>

#define WRITE "GPIOC: unimplemented device write (size 4, offset 0x018, value 0x"

enum { DATA = 1 << 0, CLOCK = 1 << 1, LATCH = 1 << 2, OFF = 1 << 3 };

void shift_log_init(struct shift_log *s, size_t n_bytes)
{
    memset(s, 0, sizeof *s);
    s->n = n_bytes;
    s->dark = true;
}

/* Output i of the chain holds the bit that was shifted in i clocks before the last one. */
static void latch(struct shift_log *s)
{
    memset(s->latched, 0, sizeof s->latched);
    for (size_t i = 0; i < 8 * s->n; i++) {
        size_t at = (s->head + sizeof s->ring - 1 - i) % sizeof s->ring;
        s->latched[i / 8] |= (uint8_t)(s->ring[at] << i % 8);
    }
    s->n_latch++;
    if (s->on_latch != NULL)
        s->on_latch(s->ctx, s->latched);
}

/* One write to the set-and-clear register: setting wins over clearing, as the manual says. */
static void port_write(struct shift_log *s, uint32_t value)
{
    uint8_t before = s->pins;
    s->pins = (uint8_t)((s->pins & ~(value >> 16)) | value);
    uint8_t rose = (uint8_t)(s->pins & ~before);
    if (rose & CLOCK) {
        s->ring[s->head] = (s->pins & DATA) != 0;
        s->head = (s->head + 1) % (uint32_t)sizeof s->ring;
        s->n_clock++;
    }
    if (rose & LATCH)
        latch(s);
    s->dark = (s->pins & OFF) != 0;
}

static void take_line(struct shift_log *s)
{
    s->line[s->n_line] = '\0';
    if (strncmp(s->line, WRITE, sizeof WRITE - 1) == 0)
        port_write(s, (uint32_t)strtoul(s->line + sizeof WRITE - 1, NULL, 16));
    s->n_line = 0;
}

void shift_log_feed(struct shift_log *s, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\n')
            take_line(s);
        else if (s->n_line + 1 < sizeof s->line)
            s->line[s->n_line++] = text[i];
    }
}
