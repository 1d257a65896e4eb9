/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Netduino Plus 2 (STM32F405RG, 25 MHz crystal), also the machine that QEMU emulates.
 *
 * PA0 (D8) trigger in | PB6, PB7 (SCL, SDA) UART out, in | PC0 (A0) SER | PC1 (A1) SRCLK
 * PC2 (A2) RCLK | PC3 (A3) /OE, with a pull-up outside | PC4 (A4) QH' of the last chip, if wired */
#pragma once
#include "firmware/drivers/hc595.h"
#include "firmware/drivers/stm32f405.h"

#define BOARD_CRYSTAL_MHZ 25

#define BOARD_USART     USART1
#define BOARD_USART_IRQ IRQ_USART1

#define PIN_SER   (1u << 0)
#define PIN_SRCLK (1u << 1)
#define PIN_RCLK  (1u << 2)
#define PIN_OE    (1u << 3)
#define PIN_QH    (1u << 4)

extern const struct hc595_bus board_chain;

/* Setup only, outputs off first. False when a register does not hold what was written. */
bool pins_start(void);

/* Outputs off, from any state of the program. */
void pins_off(void);

/* main.c: what the vectors lead to. */
int main(void);
void on_systick(void);
void on_pendsv(void);
void on_trigger(void);
void on_usart(void);
void on_supply(void);
