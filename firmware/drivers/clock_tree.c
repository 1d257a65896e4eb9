/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firmware/drivers/clock_tree.h"
#include "firmware/drivers/stm32f405.h"

#define HSION    (1u << 0)
#define HSEON    (1u << 16)
#define HSERDY   (1u << 17)
#define PLLON    (1u << 24)
#define PLLRDY   (1u << 25)
#define HSI_MHZ  16
#define PLL_N    336 /* 1 MHz in, 336 MHz VCO */
#define PLL_Q    7   /* 48 MHz for the random numbers */
#define SW_PLL   2u
#define PPRE1_4  (5u << 10)
#define PPRE2_2  (4u << 13)
#define ACR_168  0x705u /* 5 wait states, prefetch and both caches */
#define PATIENCE 200000 /* reads, some 20 ms at 16 MHz; a crystal takes 2 ms */

static bool wait_for(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    for (unsigned i = 0; i < PATIENCE; i++)
        if ((*reg & mask) == value)
            return true;
    return false;
}

static void enable_blocks(void)
{
    RCC->ahb1enr |= RCC_AHB1_GPIOA | RCC_AHB1_GPIOB | RCC_AHB1_GPIOC;
    RCC->ahb2enr |= RCC_AHB2_RNG;
    RCC->apb1enr |= RCC_APB1_TIM2 | RCC_APB1_PWR;
    RCC->apb2enr |= RCC_APB2_USART1 | RCC_APB2_ADC1 | RCC_APB2_SYSCFG;
    (void)RCC->apb2enr; /* the manual asks for a delay before the first access */
}

enum clock_source clock_tree_start(unsigned crystal_mhz)
{
    /* The internal oscillator runs after every reset of a real chip. */
    bool emulated = (RCC->cr & HSION) == 0;
    enable_blocks();
    if (emulated)
        return CLOCK_EMULATED;
    RCC->cr |= HSEON;
    bool crystal = wait_for(&RCC->cr, HSERDY, HSERDY);
    unsigned divide = crystal ? crystal_mhz : HSI_MHZ;
    RCC->pllcfgr = divide | PLL_N << 6 | (crystal ? 1u << 22 : 0) | (uint32_t)PLL_Q << 24;
    RCC->cr |= PLLON;
    FLASH_ACR = ACR_168;
    RCC->cfgr = PPRE1_4 | PPRE2_2;
    if (!wait_for(&RCC->cr, PLLRDY, PLLRDY) || (FLASH_ACR & 0xf) != (ACR_168 & 0xf))
        cortex_reset(); /* nothing here could keep time */
    RCC->cfgr = PPRE1_4 | PPRE2_2 | SW_PLL;
    if (!wait_for(&RCC->cfgr, 3u << 2, SW_PLL << 2))
        cortex_reset();
    return crystal ? CLOCK_CRYSTAL : CLOCK_INTERNAL;
}

uint32_t clock_tree_random(enum clock_source source)
{
    if (source == CLOCK_EMULATED)
        return TIM2->cnt * 2654435761u; /* nanoseconds since power-up, spread over all bits */
    RNG_CR = 1u << 2;
    return wait_for(&RNG_SR, 1, 1) ? RNG_DR : TIM2->cnt;
}
