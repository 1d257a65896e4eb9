/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/drivers/hc595.h"

#define MARK      0x9du /* neither all equal nor symmetric */
#define MARK_BITS 8

/* Inlined, as the chain is as slow as this is. */
static inline void __attribute__((always_inline)) push(const struct hc595_bus *bus, bool bit)
{
    uint32_t data = bit ? bus->data : (uint32_t)bus->data << 16;
    bus->write(bus->ctx, data | (uint32_t)bus->clock << 16);
    bus->write(bus->ctx, bus->clock);
}

/* Bit i of the bytes, last one first: it has the longest way. */
void hc595_shift(struct hc595 *c, const uint8_t *pattern, size_t n)
{
    for (size_t i = n; i-- > 0;)
        for (unsigned bit = 8; bit-- > 0;)
            push(c->bus, pattern[i] >> bit & 1u);
}

void hc595_latch(struct hc595 *c)
{
    const struct hc595_bus *bus = c->bus;
    bus->write(bus->ctx, bus->latch);
    bus->write(bus->ctx, (uint32_t)bus->latch << 16);
    if (!c->shown)
        bus->write(bus->ctx, (uint32_t)bus->off << 16);
    c->shown = true;
}

void hc595_off(struct hc595 *c)
{
    c->bus->write(c->bus->ctx, c->bus->off);
    c->shown = false;
}

bool hc595_read(struct hc595 *c, uint8_t *pattern, size_t n)
{
    if (!c->wired)
        return false;
    for (size_t i = n; i-- > 0;) {
        unsigned byte = 0;
        for (unsigned bit = 8; bit-- > 0;) {
            bool out = c->bus->returned(c->bus->ctx);
            byte |= (unsigned)out << bit;
            push(c->bus, out);
        }
        pattern[i] = (uint8_t)byte;
    }
    return true;
}

/* Pushes zeros and looks at what falls out at the end. */
struct fallen {
    unsigned last; /* 32 bits, the latest one lowest */
    size_t ones;
};

static struct fallen drain(struct hc595 *c, size_t n_bits)
{
    struct fallen out = {0, 0};
    for (size_t i = 0; i < n_bits; i++) {
        bool bit = c->bus->returned(c->bus->ctx);
        out.last = out.last << 1 | bit;
        out.ones += bit;
        push(c->bus, false);
    }
    return out;
}

void hc595_start(struct hc595 *c, const struct hc595_bus *bus, size_t n)
{
    *c = (struct hc595){.bus = bus};
    hc595_off(c);
    bus->write(bus->ctx, (uint32_t)(bus->latch | bus->clock | bus->data) << 16);
    drain(c, 8 * n);
    for (unsigned bit = MARK_BITS; bit-- > 0;)
        push(bus, MARK >> bit & 1u);
    /* The mark needs as many clocks as the chain is long: a chain of another length, a broken and
     * a missing wire all show here. */
    bool early = drain(c, 8 * n - MARK_BITS).ones > 0;
    bool mark = drain(c, MARK_BITS).last == MARK;
    c->wired = !early && mark;
}
