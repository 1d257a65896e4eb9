/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The board's program: the core of firmware/core between the UART, the shift chain, the trigger
 * and the step timer. Levels of interrupt: drivers/cortex.h. */
#include "firmware/core/ris_core.h"
#include "firmware/drivers/clock_tree.h"
#include "firmware/drivers/guard.h"
#include "firmware/drivers/stepper.h"
#include "firmware/drivers/supply.h"
#include "firmware/drivers/trigger.h"
#include "firmware/drivers/uptime.h"
#include "firmware/drivers/usart.h"
#include BOARD_HEADER

#define PATTERN_BYTES ((BOARD_COLUMNS * BOARD_ROWS * BOARD_BITS + 7) / 8)
#define BIT_NS        250     /* of a bit on its way into the chain: 30 to 40 cycles */
#define HOLD_US       20000   /* longest time that a request waits for a sequence's end */
#define FEED_US       100000  /* between two meals of the watchdog; it starves after 1.4 s */
#define QUIET_NS      1000000 /* between steps this far apart a request disturbs none */

static struct {
    struct ris_core core;
    struct usart usart;
    struct hc595 chain;
    struct stepper stepper;
    struct supply supply;
    bool sound;    /* every register held what was written to it */
    bool emulated; /* simulated time: patterns may take longer than on a chip */

    /* The shift-out below the level of the steps. */
    const uint8_t *pattern;
    size_t n;
    volatile bool shifting; /* a pattern is on its way into the chain */
    volatile bool due;      /* a step came meanwhile: latch when it is in */

    uint32_t period_ns; /* of the steps that run, 0 = none */
    uint64_t held_us;   /* since when a request waits, 0 = none does */
} board;

static const struct guard_bus guard = {IWDG, EXTI, &PWR_CR, &PWR_CSR};

static uint8_t patterns[BOARD_SLOTS * PATTERN_BYTES];
static uint64_t hashes[BOARD_SLOTS];

/* ---- the core's hardware table ---- */

static void hw_send(void *ctx, const uint8_t *bytes, size_t n)
{
    (void)ctx;
    usart_put(&board.usart, bytes, n);
}

static uint64_t hw_now_us(void *ctx)
{
    (void)ctx;
    return uptime_us();
}

/* In a step's interrupt the shift-out is left to a lower level, so that no edge waits for it. */
static void hw_shift(void *ctx, const uint8_t *pattern, size_t n)
{
    (void)ctx;
    if (!cortex_in_interrupt()) {
        hc595_shift(&board.chain, pattern, n);
        return;
    }
    board.pattern = pattern;
    board.n = n;
    board.shifting = true;
    SCB_ICSR = ICSR_PENDSVSET;
}

static void hw_latch(void *ctx)
{
    (void)ctx;
    hc595_latch(&board.chain);
}

static void hw_timer(void *ctx, uint32_t delay_ns, uint32_t period_ns)
{
    (void)ctx;
    stepper_set(&board.stepper, delay_ns, period_ns);
    board.period_ns = period_ns;
    board.due = false;
}

static void hw_trigger(void *ctx, enum ris_trigger source)
{
    (void)ctx;
    trigger_set(source == RIS_TRIGGER_RISING    ? EDGE_RISING
                : source == RIS_TRIGGER_FALLING ? EDGE_FALLING
                                                : EDGE_NONE);
}

static bool hw_chain(void *ctx, uint8_t *pattern, size_t n)
{
    (void)ctx;
    return hc595_read(&board.chain, pattern, n);
}

/* Refuses what this hardware cannot do: everything after a failed self-test, and steps that come
 * faster than patterns are shifted out. */
static int hw_commit(void *ctx, const struct ris_change *change)
{
    (void)ctx;
    if (!board.sound)
        return ERR_IO;
    if (change->kind == RIS_REPORT_ARM && !board.emulated &&
        change->arm->period_ns < PATTERN_BYTES * 8 * BIT_NS)
        return ERR_ARG;
    return OK;
}

/* ---- interrupts ---- */

void on_usart(void)
{
    usart_interrupt(&board.usart);
}

void on_trigger(void)
{
    if (trigger_interrupt())
        ris_core_edge(&board.core);
}

void on_systick(void)
{
    if (!stepper_interrupt(&board.stepper))
        return;
    if (board.shifting)
        board.due = true;
    else
        ris_core_timer(&board.core);
}

void on_pendsv(void)
{
    hc595_shift(&board.chain, board.pattern, board.n);
    uint32_t mask = cortex_mask_steps();
    board.shifting = false;
    if (board.due) {
        board.due = false;
        ris_core_timer(&board.core);
    }
    cortex_unmask_steps(mask);
}

void on_supply(void)
{
    guard_supply(&guard, pins_off, cortex_reset);
}

/* ---- the main loop ---- */

static void feed_core(uint8_t byte)
{
    uint32_t mask = cortex_mask_steps();
    ris_core_byte(&board.core, byte);
    cortex_unmask_steps(mask);
}

/* A request is carried out with the steps masked. While steps follow one another closely it waits
 * for the end of the sequence, but not longer than a controller has patience. */
static bool must_hold(void)
{
    bool close = board.period_ns > 0 && board.period_ns < QUIET_NS;
    if (!close) {
        board.held_us = 0;
        return false;
    }
    uint64_t now = uptime_us();
    if (board.held_us == 0)
        board.held_us = now;
    if (now - board.held_us < HOLD_US)
        return true;
    board.held_us = 0;
    return false;
}

/* Protocol silence, if configured: a reset takes every profile away and turns the outputs off. */
static void check_silence(uint64_t now)
{
    static uint32_t packets;
    static uint64_t last_us;
    if (board.core.packets != packets) {
        packets = board.core.packets;
        last_us = now;
    }
    if (BOARD_SILENCE_MS > 0 && packets > 0 && now - last_us > BOARD_SILENCE_MS * 1000ull) {
        pins_off();
        cortex_reset();
    }
}

static void serve(void)
{
    uint64_t fed_us = 0;
    uint8_t byte;
    for (;;) {
        uint64_t now = uptime_us();
        if (now - fed_us > FEED_US) {
            guard_feed(&guard);
            fed_us = now;
        }
        check_silence(now);
        board.core.supply_mv = supply_mv(&board.supply);
        while (!must_hold() && usart_get(&board.usart, &byte))
            feed_core(byte);
        if (usart_drain(&board.usart))
            continue;
        uint32_t mask = cortex_mask_all();
        if (board.usart.rx_head == board.usart.rx_tail || board.period_ns > 0)
            cortex_wait();
        cortex_unmask_all(mask);
    }
}

static bool start(void)
{
    enum clock_source source = clock_tree_start(BOARD_CRYSTAL_MHZ);
    board.emulated = source == CLOCK_EMULATED;
    bool sound = pins_start() || board.emulated; /* QEMU has no pins to read back */
    guard_start(&guard);
    cortex_enable_irq(IRQ_PVD, PRIORITY_SUPPLY);
    sound &= uptime_start(source);
    sound &= usart_start(&board.usart, BOARD_USART, BOARD_USART_IRQ, APB2_HZ, BOARD_BAUD);
    sound &= trigger_start();
    hc595_start(&board.chain, &board_chain, PATTERN_BYTES);
    if (!board.emulated) /* QEMU's ADC converts nothing; a supply not measured stops no board */
        (void)supply_start(&board.supply, &(struct supply_bus){ADC1, &ADC_CCR, VREFINT_CAL});
    board.sound = sound;

    struct ris_hw hw = {.send = hw_send,
                        .now_us = hw_now_us,
                        .shift = hw_shift,
                        .latch = hw_latch,
                        .timer = hw_timer,
                        .trigger = hw_trigger,
                        .chain = hw_chain,
                        .commit = hw_commit};
    struct ris_core_cfg cfg = {.shape = {BOARD_COLUMNS, BOARD_ROWS, BOARD_BITS},
                               .n_slots = BOARD_SLOTS,
                               .patterns = patterns,
                               .hashes = hashes,
                               .boot_id = clock_tree_random(source),
                               .trigger = RIS_TRIGGER_RISING};
    return ris_core_init(&board.core, &cfg, &hw) == OK;
}

int main(void)
{
    if (!start())
        return 1;
    stepper_start(&board.stepper);
    serve();
    return 0;
}
