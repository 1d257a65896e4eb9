/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From reset to main, and the vector table. */
#include "firmware/board/netduinoplus2/board.h"

#define N_IRQ 82

extern uint32_t stack_top[], data_flash[], data_start[], data_end[], bss_start[], bss_end[];

void reset(void);

/* Whatever the program did not expect: outputs off, and from the start. */
static void __attribute__((noreturn)) fault(void)
{
    pins_off();
    cortex_reset();
}

union vector {
    void (*handler)(void);
    uint32_t *stack;
};

__attribute__((section(".vectors"), used)) static const union vector vectors[16 + N_IRQ] = {
    {.stack = stack_top},
    {reset},
    [2 ... 13] = {fault},
    [14] = {on_pendsv},
    [15] = {on_systick},
    [16 + 0] = {fault},
    [16 + IRQ_PVD] = {on_supply},
    [16 + IRQ_PVD + 1 ... 16 + IRQ_EXTI0 - 1] = {fault},
    [16 + IRQ_EXTI0] = {on_trigger},
    [16 + IRQ_EXTI0 + 1 ... 16 + IRQ_USART1 - 1] = {fault},
    [16 + IRQ_USART1] = {on_usart},
    [16 + IRQ_USART1 + 1 ... 16 + N_IRQ - 1] = {fault},
};

void reset(void)
{
    uint32_t *from = data_flash;
    for (uint32_t *to = data_start; to < data_end;)
        *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;)
        *to++ = 0;
    SCB_VTOR = (uint32_t)(uintptr_t)vectors; /* a boot loader may have left its own */
    main();
    fault();
}
