/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The controller's line: 8N1, received by interrupt into a ring, sent from a ring by whoever has
 * time. */
#pragma once
#include "firmware/drivers/stm32f405.h"

#define USART_RX_RING 1024 /* powers of two */
#define USART_TX_RING 1024

struct usart {
    struct usart_regs *regs;
    struct {
        uint32_t brr, cr1;
    } shadow;
    volatile uint16_t rx_head, rx_tail, tx_head, tx_tail; /* free running */
    volatile uint32_t overruns;                           /* bytes lost on the way in */
    uint8_t rx[USART_RX_RING], tx[USART_TX_RING];
};

/* Setup only. baud: up to clock_hz / 16. False when a register does not hold what was written. */
bool usart_start(struct usart *u, struct usart_regs *regs, unsigned irq, uint32_t clock_hz,
                 uint32_t baud);

void usart_interrupt(struct usart *u);

/* The next byte received. False = none. */
bool usart_get(struct usart *u, uint8_t *byte);

/* All or nothing: an answer that does not fit is asked for again. */
void usart_put(struct usart *u, const uint8_t *bytes, size_t n);

/* Moves waiting bytes to the wire. True while some are left. */
bool usart_drain(struct usart *u);
