/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The processor's own registers and instructions (ARMv7-M architecture reference manual).
 *
 * Priorities: the UART's interrupt only stores a byte, so it may interrupt everything; trigger and
 * step timer share one level and so never interrupt each other; the shift-out runs below both. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define PRIORITY_SUPPLY 0x00u
#define PRIORITY_UART   0x10u
#define PRIORITY_STEP   0x20u /* trigger edge and step timer */
#define PRIORITY_SHIFT  0xf0u

#define SYST_CSR  REG32(0xe000e010)
#define SYST_RVR  REG32(0xe000e014)
#define SYST_CVR  REG32(0xe000e018)
#define SCB_ICSR  REG32(0xe000ed04)
#define SCB_VTOR  REG32(0xe000ed08)
#define SCB_AIRCR REG32(0xe000ed0c)
#define SCB_SHPR3 REG32(0xe000ed20)

#define ICSR_PENDSVSET (1u << 28)
#define ICSR_PENDSTCLR (1u << 25)

/* Trigger, step timer and shift-out wait until the mask returned is restored. */
static inline uint32_t cortex_mask_steps(void)
{
    uint32_t old;
    __asm volatile("mrs %0, basepri\n\tmsr basepri, %1\n\tisb"
                   : "=&r"(old)
                   : "r"(PRIORITY_STEP)
                   : "memory");
    return old;
}

static inline void cortex_unmask_steps(uint32_t old)
{
    __asm volatile("msr basepri, %0" ::"r"(old) : "memory");
}

static inline uint32_t cortex_mask_all(void)
{
    uint32_t old;
    __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(old)::"memory");
    return old;
}

static inline void cortex_unmask_all(uint32_t old)
{
    __asm volatile("msr primask, %0" ::"r"(old) : "memory");
}

/* Sleeps until an interrupt is pending, masked or not. */
static inline void cortex_wait(void)
{
    __asm volatile("dsb\n\twfi" ::: "memory");
}

static inline bool cortex_in_interrupt(void)
{
    uint32_t number;
    __asm volatile("mrs %0, ipsr" : "=r"(number));
    return (number & 0x1ff) != 0;
}

static inline void cortex_enable_irq(unsigned irq, uint32_t priority)
{
    ((volatile uint8_t *)(uintptr_t)0xe000e400)[irq] = (uint8_t)priority;
    REG32(0xe000e100 + 4 * (irq / 32)) = 1u << irq % 32;
}

static inline void __attribute__((noreturn)) cortex_reset(void)
{
    __asm volatile("dsb" ::: "memory");
    SCB_AIRCR = 0x05fa0004; /* key, SYSRESETREQ */
    for (;;)
        __asm volatile("dsb" ::: "memory");
}
