/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/board/netduinoplus2/board.h"

#define FIELD(pin, value) ((uint32_t)(value) << 2 * (pin))
#define OUTPUT            1u
#define ALTERNATE         2u
#define PULL_UP           1u
#define PULL_DOWN         2u
#define FAST              2u /* edges of some 10 ns, kind to a ribbon cable */
#define AF_USART1         7u

void pins_off(void)
{
    GPIOC->bsrr = PIN_OE;
}

static void chain_write(void *ctx, uint32_t set_clear)
{
    ((struct gpio_regs *)ctx)->bsrr = set_clear;
}

static bool chain_returned(void *ctx)
{
    return (((struct gpio_regs *)ctx)->idr & PIN_QH) != 0;
}

const struct hc595_bus board_chain = {
    .ctx = GPIOC,
    .write = chain_write,
    .returned = chain_returned,
    .data = PIN_SER,
    .clock = PIN_SRCLK,
    .latch = PIN_RCLK,
    .off = PIN_OE,
};

static bool write_checked(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    *reg = (*reg & ~mask) | value;
    return (*reg & mask) == value;
}

bool pins_start(void)
{
    bool good = true;
    pins_off(); /* the level stands before the pin drives it */
    uint32_t outputs = FIELD(0, OUTPUT) | FIELD(1, OUTPUT) | FIELD(2, OUTPUT) | FIELD(3, OUTPUT);
    good &= write_checked(&GPIOC->moder, 0x3ff, outputs);
    good &= write_checked(&GPIOC->ospeedr, 0xff, FIELD(0, FAST) | FIELD(1, FAST) | FIELD(2, FAST));
    good &= write_checked(&GPIOC->pupdr, FIELD(4, 3), FIELD(4, PULL_DOWN));
    good &= write_checked(&GPIOA->pupdr, FIELD(0, 3), FIELD(0, PULL_DOWN));
    good &= write_checked(&GPIOB->afr[0], 0xffu << 24, AF_USART1 << 24 | AF_USART1 << 28);
    good &= write_checked(&GPIOB->ospeedr, FIELD(6, 3), FIELD(6, FAST));
    good &= write_checked(&GPIOB->pupdr, FIELD(7, 3), FIELD(7, PULL_UP));
    good &= write_checked(&GPIOB->moder, FIELD(6, 3) | FIELD(7, 3),
                          FIELD(6, ALTERNATE) | FIELD(7, ALTERNATE));
    return good;
}
