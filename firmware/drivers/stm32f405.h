/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Registers of the STM32F405 that we use (ST reference manual RM0090). */
#pragma once
#include "firmware/drivers/cortex.h"
#include "firmware/drivers/supply.h"

struct gpio_regs {
    volatile uint32_t moder, otyper, ospeedr, pupdr, idr, odr, bsrr, lckr, afr[2];
};

struct usart_regs {
    volatile uint32_t sr, dr, brr, cr1, cr2, cr3, gtpr;
};

struct timer_regs {
    volatile uint32_t cr1, cr2, smcr, dier, sr, egr, ccmr1, ccmr2, ccer, cnt, psc, arr;
};

struct exti_regs {
    volatile uint32_t imr, emr, rtsr, ftsr, swier, pr;
};

struct iwdg_regs {
    volatile uint32_t kr, pr, rlr, sr;
};

struct rcc_regs {
    volatile uint32_t cr, pllcfgr, cfgr, cir, ahb1rstr, ahb2rstr, ahb3rstr, r0, apb1rstr, apb2rstr,
        r1[2], ahb1enr, ahb2enr, ahb3enr, r2, apb1enr, apb2enr;
};

#define GPIOA  ((struct gpio_regs *)(uintptr_t)0x40020000)
#define GPIOB  ((struct gpio_regs *)(uintptr_t)0x40020400)
#define GPIOC  ((struct gpio_regs *)(uintptr_t)0x40020800)
#define USART1 ((struct usart_regs *)(uintptr_t)0x40011000)
#define TIM2   ((struct timer_regs *)(uintptr_t)0x40000000)
#define EXTI   ((struct exti_regs *)(uintptr_t)0x40013c00)
#define IWDG   ((struct iwdg_regs *)(uintptr_t)0x40003000)
#define RCC    ((struct rcc_regs *)(uintptr_t)0x40023800)

#define ADC1 ((struct adc_regs *)(uintptr_t)0x40012000)

#define ADC_CCR        REG32(0x40012304)
#define VREFINT_CAL    (*(const volatile uint16_t *)(uintptr_t)0x1fff7a2a)
#define PWR_CR         REG32(0x40007000)
#define PWR_CSR        REG32(0x40007004)
#define FLASH_ACR      REG32(0x40023c00)
#define SYSCFG_EXTICR1 REG32(0x40013808)
#define RNG_CR         REG32(0x50060800)
#define RNG_SR         REG32(0x50060804)
#define RNG_DR         REG32(0x50060808)

#define IRQ_PVD    1
#define IRQ_EXTI0  6
#define IRQ_USART1 37

#define RCC_AHB1_GPIOA  (1u << 0)
#define RCC_AHB1_GPIOB  (1u << 1)
#define RCC_AHB1_GPIOC  (1u << 2)
#define RCC_AHB2_RNG    (1u << 6)
#define RCC_APB1_TIM2   (1u << 0)
#define RCC_APB1_PWR    (1u << 28)
#define RCC_APB2_USART1 (1u << 4)
#define RCC_APB2_ADC1   (1u << 8)
#define RCC_APB2_SYSCFG (1u << 14)
