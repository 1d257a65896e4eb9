/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/drivers/usart.h"

#define SR_ORE     (1u << 3)
#define SR_RXNE    (1u << 5)
#define SR_TXE     (1u << 7)
#define CR1_RE     (1u << 2)
#define CR1_TE     (1u << 3)
#define CR1_RXNEIE (1u << 5)
#define CR1_UE     (1u << 13)

bool usart_start(struct usart *u, struct usart_regs *regs, unsigned irq, uint32_t clock_hz,
                 uint32_t baud)
{
    u->regs = regs;
    u->rx_head = u->rx_tail = u->tx_head = u->tx_tail = 0;
    u->overruns = 0;
    u->shadow.brr = (clock_hz + baud / 2) / baud;
    u->shadow.cr1 = CR1_UE | CR1_RXNEIE | CR1_TE | CR1_RE;
    regs->brr = u->shadow.brr;
    regs->cr1 = u->shadow.cr1;
    cortex_enable_irq(irq, PRIORITY_UART);
    return regs->brr == u->shadow.brr && regs->cr1 == u->shadow.cr1;
}

void usart_interrupt(struct usart *u)
{
    uint32_t status = u->regs->sr;
    if ((status & (SR_RXNE | SR_ORE)) == 0)
        return;
    uint8_t byte = (uint8_t)u->regs->dr; /* clears both flags */
    bool full = (uint16_t)(u->rx_head - u->rx_tail) == USART_RX_RING;
    if ((status & SR_ORE) != 0 || full)
        u->overruns++;
    if ((status & SR_RXNE) == 0 || full)
        return;
    u->rx[u->rx_head % USART_RX_RING] = byte;
    u->rx_head++;
}

bool usart_get(struct usart *u, uint8_t *byte)
{
    if (u->rx_head == u->rx_tail)
        return false;
    *byte = u->rx[u->rx_tail % USART_RX_RING];
    u->rx_tail++;
    return true;
}

void usart_put(struct usart *u, const uint8_t *bytes, size_t n)
{
    if (n > USART_TX_RING - (size_t)(uint16_t)(u->tx_head - u->tx_tail))
        return;
    for (size_t i = 0; i < n; i++)
        u->tx[(u->tx_head + i) % USART_TX_RING] = bytes[i];
    u->tx_head = (uint16_t)(u->tx_head + n);
}

bool usart_drain(struct usart *u)
{
    while (u->tx_head != u->tx_tail && (u->regs->sr & SR_TXE) != 0) {
        u->regs->dr = u->tx[u->tx_tail % USART_TX_RING];
        u->tx_tail++;
    }
    return u->tx_head != u->tx_tail;
}
