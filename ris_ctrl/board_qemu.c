/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Driver of an emulated board: the firmware's ARM code in QEMU, for the simulated room. The room is
 * told what the code really latched, decoded from its pins. As the room's time is not QEMU's, the
 * board plays an armed sequence right away, on trigger edges given here; the room then lets the
 * same patterns appear at the ticks of its own edges. */
#include "base/log.h"
#include "base/options.h"
#include "base/realtime.h"
#include "ris_ctrl/board.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/packet_board.h"
#include "ris_ctrl/qemu_machine.h"
#include "ris_ctrl/room_link.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BOOT_TRIES 500 /* of BOOT_MS each */
#define BOOT_MS    20
#define STEPS_MAX  4096 /* of a sequence that is played in advance */
#define PLAY_US    20000000
#define CPUS_MAX   64
#define TRICKLE_US                                                                                 \
    300 /* QEMU's UART sends each byte by itself; waking up for each slows it down                 \
         */

struct board {
    struct packet_board packet;
    struct board_cfg cfg;
    struct qemu_machine machine;
    struct shift_log log;
    struct room_link room;

    /* What is being played: the steps of the first round are kept, all others compared. */
    const struct ris_arm *arm; /* NULL = nothing */
    uint32_t total, step;      /* of the present edge */
    bool kept, wrong;
    uint8_t steps[RIS_STEPS_MAX * RIS_PATTERN_MAX];
    uint8_t idle[RIS_PATTERN_MAX];
};

static void on_latch(void *ctx, const uint8_t *pattern)
{
    struct board *b = ctx;
    size_t n = b->log.n;
    if (b->arm == NULL)
        return;
    uint32_t k = b->step++;
    uint8_t *step = b->steps + k % b->arm->n_steps * n;
    if (k >= b->total)
        b->wrong = b->wrong || memcmp(b->idle, pattern, n) != 0;
    else if (!b->kept)
        memcpy(step, pattern, n);
    else
        b->wrong = b->wrong || memcmp(step, pattern, n) != 0;
    b->kept = b->kept || b->step == b->arm->n_steps;
}

static int tell(struct board *b, struct ris_report *report, struct status *err)
{
    report->shape = b->cfg.shape;
    report->trigger = (uint8_t)b->cfg.trigger;
    return room_link_tell(&b->room, report, err);
}

/* The outputs as they are now; a chain that is switched off reflects like state 0. */
static int look(struct board *b, struct status *err)
{
    if (qemu_machine_read(&b->machine, &b->log, 0) < 0)
        return status_set(err, ERR_IO, "board %s: QEMU has ended; it is started again",
                          b->cfg.name);
    memset(b->idle, 0, sizeof b->idle);
    if (!b->log.dark)
        memcpy(b->idle, b->log.latched, b->log.n);
    return OK;
}

static int tell_shown(struct board *b, uint8_t kind, struct status *err)
{
    struct ris_report report = {.kind = kind, .idle = b->idle};
    int r = look(b, err);
    return r == OK ? tell(b, &report, err) : r;
}

/* One edge, until `last` latches are seen. */
static int play_edge(struct board *b, uint32_t last, struct status *err)
{
    int64_t end_us = clock_us() + PLAY_US;
    b->step = 0;
    int r = qemu_machine_pulse(&b->machine, &b->log, err);
    while (r == OK && b->step < last) {
        if (qemu_machine_read(&b->machine, &b->log, 100) < 0)
            r = status_set(err, ERR_IO, "board %s: QEMU has ended; it is started again",
                           b->cfg.name);
        else if (stop_requested())
            r = status_set(err, ERR_INTERRUPTED,
                           "board %s: sequence given up; mirador-ris is stopping", b->cfg.name);
        else if (clock_us() > end_us)
            r = status_set(err, ERR_TIMEOUT, "board %s: latched %u of %u steps; free the processor",
                           b->cfg.name, b->step, last);
    }
    return r;
}

static int play(struct board *b, const struct ris_arm *arm, struct status *err)
{
    b->kept = b->wrong = false;
    int r = look(b, err);
    b->arm = arm;
    for (size_t e = 0; e < arm->n_edges && r == OK; e++) {
        b->total = (uint32_t)arm->reps[e] * arm->n_steps;
        r = play_edge(b, b->total + 1, err);
    }
    b->arm = NULL;
    if (r == OK && b->wrong)
        r = status_set(err, ERR_STATE,
                       "board %s: latched a pattern out of turn; its firmware is at fault",
                       b->cfg.name);
    return r;
}

static int qemu_arm(struct board *b, const struct ris_arm *arm, struct board_ack *ack,
                    struct status *err)
{
    uint32_t steps = 0;
    for (size_t e = 0; arm != NULL && e < arm->n_edges; e++)
        steps += (uint32_t)arm->reps[e] * arm->n_steps;
    if (steps > STEPS_MAX)
        return status_set(err, ERR_ARG, "board %s: plays at most %d steps in QEMU; arm fewer",
                          b->cfg.name, STEPS_MAX);
    int r = packet_board_arm(&b->packet, arm, ack, err);
    if (r != OK || arm == NULL)
        return r == OK ? tell_shown(b, RIS_REPORT_DISARM, err) : r;
    r = play(b, arm, err);
    if (r != OK)
        return r;
    struct ris_report report = {.kind = RIS_REPORT_ARM,
                                .n_edges = arm->n_edges,
                                .n_steps = arm->n_steps,
                                .tag = arm->tag,
                                .delay_ns = arm->delay_ns,
                                .period_ns = arm->period_ns,
                                .patterns = b->steps,
                                .idle = b->idle};
    memcpy(report.reps, arm->reps, sizeof report.reps);
    return tell(b, &report, err);
}

static int apply_at_edge(struct board *b, struct status *err)
{
    static const struct ris_arm one = {.n_edges = 1, .n_steps = 1, .reps = {1}};
    struct ris_report report = {.kind = RIS_REPORT_APPLY_AT_EDGE,
                                .n_edges = 1,
                                .n_steps = 1,
                                .reps = {1},
                                .patterns = b->steps,
                                .idle = b->idle};
    int r = look(b, err);
    b->arm = &one;
    b->total = 1;
    b->kept = b->wrong = false;
    if (r == OK)
        r = play_edge(b, 1, err);
    b->arm = NULL;
    return r == OK ? tell(b, &report, err) : r;
}

static int qemu_apply(struct board *b, uint16_t slot, enum ris_when when, struct board_ack *ack,
                      struct status *err)
{
    int r = packet_board_apply(&b->packet, slot, when, ack, err);
    if (r != OK)
        return r;
    return when == RIS_AT_EDGE ? apply_at_edge(b, err) : tell_shown(b, RIS_REPORT_APPLY, err);
}

static int qemu_load(struct board *b, uint16_t slot, const uint8_t *pattern, struct board_ack *ack,
                     struct status *err)
{
    return packet_board_load(&b->packet, slot, pattern, ack, err);
}

static int qemu_trigger(struct board *b, enum ris_trigger source, struct board_ack *ack,
                        struct status *err)
{
    int r = packet_board_trigger(&b->packet, source, ack, err);
    if (r == OK)
        b->cfg.trigger = source;
    return r;
}

static int qemu_readback(struct board *b, uint16_t slot, struct board_readback *out,
                         struct status *err)
{
    return packet_board_readback(&b->packet, slot, out, err);
}

static int qemu_status(struct board *b, struct board_status *out, struct status *err)
{
    int r = look(b, err); /* also keeps QEMU's log from filling up */
    return r == OK ? packet_board_status(&b->packet, out, err) : r;
}

static void qemu_close(struct board **board)
{
    struct board *b = *board;
    if (b == NULL)
        return;
    qemu_machine_stop(&b->machine);
    room_link_close(&b->room);
    free(b);
    *board = NULL;
}

/* A board that boots hears nothing: knock until it does. */
static int knock(struct board *b, struct status *err)
{
    struct board_cfg cfg = b->cfg;
    cfg.ack_timeout_ms = BOOT_MS;
    cfg.retries = 0;
    int r = ERR_TIMEOUT;
    packet_link_init(&b->packet.link, b->machine.uart, b->cfg.name, (uint16_t)clock_us());
    b->packet.link.trickle_us = TRICKLE_US;
    for (int i = 0; i < BOOT_TRIES && r == ERR_TIMEOUT; i++)
        r = packet_board_hello(&b->packet, &cfg, err);
    b->packet.link.timeout_ms = b->cfg.ack_timeout_ms;
    b->packet.link.retries = b->cfg.retries;
    if (r == OK)
        *err = (struct status){.code = OK}; /* the knocks in vain are no fault */
    return r;
}

static int start(struct board *b, struct status *err)
{
    char elf[1024];
    struct board_ack ack;
    qemu_machine_elf(elf, sizeof elf);
    int room_ms = (int)(b->cfg.ack_timeout_ms * (b->cfg.retries + 1));
    int r = room_link_open(&b->room, b->cfg.name, b->cfg.room, room_ms, err);
    if (r == OK)
        r = qemu_machine_start(&b->machine, b->cfg.name, elf, err);
    if (r == OK)
        r = knock(b, err);
    if (r == OK)
        r = packet_board_trigger(&b->packet, b->cfg.trigger, &ack, err);
    /* This also finds out whether the room knows the board. */
    return r == OK ? tell_shown(b, RIS_REPORT_DISARM, err) : r;
}

/* QEMU's two threads hand every byte over to one another, and answers to this one: on one CPU each
 * is a switch, on several it is waking up another one. Boards take CPUs in turn. */
static void stay_together(void)
{
    static atomic_uint turn;
    static _Thread_local bool done;
    int cpus[CPUS_MAX];
    size_t n = realtime_cpus(cpus, CPUS_MAX);
    if (done || n == 0)
        return;
    done = true;
    size_t mine = (n - 1 + atomic_fetch_add(&turn, 1)) % n;
    (void)realtime_apply(pthread_self(), &(struct realtime_cfg){.cpus = &cpus[mine], .n_cpu = 1});
}

static struct board *qemu_open(const struct board_cfg *cfg, struct status *err)
{
    struct board *b = calloc(1, sizeof *b);
    if (b == NULL) {
        status_set(err, ERR_NO_MEMORY, "board %s: no memory; close other programs", cfg->name);
        return NULL;
    }
    b->cfg = *cfg;
    stay_together();
    shift_log_init(&b->log, ris_pattern_bytes(cfg->shape));
    b->log.on_latch = on_latch;
    b->log.ctx = b;
    if (start(b, err) != OK) {
        if (err->code == ERR_NOT_FOUND) /* of the room's scene or this machine's programs */
            err->code = ERR_ARG;
        qemu_close(&b);
    }
    return b;
}

const struct board_driver board_qemu = {
    .name = "qemu",
    .plays_sequences = true,
    .open = qemu_open,
    .close = qemu_close,
    .load = qemu_load,
    .arm = qemu_arm,
    .apply = qemu_apply,
    .trigger = qemu_trigger,
    .readback = qemu_readback,
    .status = qemu_status,
};
