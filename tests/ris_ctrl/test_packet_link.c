/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Requests over a bad line: the board at the far end is the real core, the line between loses,
 * damages and invents bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/core/ris_core.h"
#include "ris_ctrl/packet_board.h"

#define SHAPE   ((struct ris_shape){16, 16, 1})
#define N_SLOTS 4

enum fault { FINE, SILENT, DROP_FIRST_ANSWER, NOISE, ASLEEP };

struct far_end {
    struct ris_core core;
    uint8_t patterns[N_SLOTS * RIS_PATTERN_MAX];
    uint64_t hashes[N_SLOTS];
    enum fault fault;
    int n_latch;
    uint16_t dropped; /* sequence number of the last request whose first answer got lost */
    uint32_t seed;
    int fd;
    sem_t wake; /* ASLEEP: until then it reads nothing */
    pthread_t thread;
};

static uint32_t draw(struct far_end *f)
{
    f->seed = f->seed * 1664525u + 1013904223u;
    return f->seed >> 8;
}

static bool lost(struct far_end *f)
{
    const uint16_t seq = f->core.request.seq;
    bool first = f->dropped != seq;
    f->dropped = seq;
    return f->fault == SILENT || (f->fault == DROP_FIRST_ANSWER && first);
}

static void hw_send(void *ctx, const uint8_t *bytes, size_t n)
{
    struct far_end *f = ctx;
    uint8_t noisy[2 * RIS_WIRE_MAX];
    if (lost(f))
        return;
    size_t n_noise = f->fault == NOISE ? draw(f) % 50 : 0;
    for (size_t i = 0; i < n_noise; i++)
        noisy[i] = (uint8_t)draw(f);
    memcpy(noisy + n_noise, bytes, n);
    if (f->fault == NOISE && draw(f) % 3 == 0)
        noisy[n_noise + draw(f) % n] ^= 0x10;
    (void)!write(f->fd, noisy, n_noise + n); /* the answer to a spare try may meet a closed line */
}

static uint64_t hw_now(void *ctx)
{
    (void)ctx;
    return 1;
}

static void hw_shift(void *ctx, const uint8_t *pattern, size_t n)
{
    (void)ctx, (void)pattern, (void)n;
}

static void hw_latch(void *ctx)
{
    ((struct far_end *)ctx)->n_latch++;
}

static void hw_timer(void *ctx, uint32_t delay_ns, uint32_t period_ns)
{
    (void)ctx, (void)delay_ns, (void)period_ns;
}

static void hw_trigger(void *ctx, enum ris_trigger source)
{
    (void)ctx, (void)source;
}

static bool hw_chain(void *ctx, uint8_t *pattern, size_t n)
{
    (void)ctx, (void)pattern, (void)n;
    return false;
}

static void *run(void *arg)
{
    struct far_end *f = arg;
    uint8_t bytes[256];
    ssize_t n;
    while (f->fault == ASLEEP && sem_wait(&f->wake) != 0)
        ;
    while ((n = read(f->fd, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++)
            ris_core_byte(&f->core, bytes[i]);
    close(f->fd);
    return NULL;
}

static struct far_end far_end;
static struct packet_board board;

static void plug(enum fault fault)
{
    int fds[2];
    struct ris_hw hw = {&far_end, hw_send,    hw_now,   hw_shift, hw_latch,
                        hw_timer, hw_trigger, hw_chain, NULL};
    memset(&far_end, 0, sizeof far_end);
    struct ris_core_cfg cfg = {.shape = SHAPE,
                               .n_slots = N_SLOTS,
                               .patterns = far_end.patterns,
                               .hashes = far_end.hashes,
                               .boot_id = 5,
                               .trigger = RIS_TRIGGER_RISING};
    assert_int_equal(ris_core_init(&far_end.core, &cfg, &hw), OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    far_end.fault = fault;
    assert_int_equal(sem_init(&far_end.wake, 0, 0), 0);
    far_end.fd = fds[1];
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(pthread_create(&far_end.thread, NULL, run, &far_end), 0);
    packet_link_init(&board.link, fds[0], "ris1", 100);
}

static void unplug(void)
{
    shutdown(board.link.fd, SHUT_RDWR);
    pthread_join(far_end.thread, NULL);
    close(board.link.fd);
}

/* Ten seconds of tries: however slow the machine is, what gets through in the end is judged. */
static const struct board_cfg cfg = {
    .name = "ris1", .shape = SHAPE, .n_slots = N_SLOTS, .ack_timeout_ms = 40, .retries = 250};

static void a_silent_board_is_given_up(void **state)
{
    (void)state;
    struct board_cfg impatient = cfg;
    struct status err;
    impatient.ack_timeout_ms = 10;
    impatient.retries = 2;
    plug(SILENT);
    assert_int_equal(packet_board_hello(&board, &impatient, &err), ERR_TIMEOUT);
    assert_string_equal(err.text, "board ris1: no answer in 3 tries of 10 ms; "
                                  "check its power and cable");
    assert_int_equal(board.link.n_timeouts, 1);
    unplug();
}

static void a_lost_answer_costs_a_retry_and_nothing_else(void **state)
{
    (void)state;
    struct status err;
    struct board_ack ack;
    uint8_t pattern[RIS_PATTERN_MAX] = {7};
    plug(DROP_FIRST_ANSWER);
    assert_int_equal(packet_board_hello(&board, &cfg, &err), OK);
    assert_int_equal(packet_board_load(&board, 1, pattern, &ack, &err), OK);
    assert_int_equal(packet_board_apply(&board, 1, RIS_NOW, &ack, &err), OK);
    assert_true(ack.hash == ris_profile_hash(SHAPE, pattern));
    assert_true(board.link.n_retries >= 3);
    assert_int_equal(board.link.n_timeouts, 0);
    assert_int_equal(far_end.n_latch, 1); /* done once, though asked twice */
    unplug();
}

/* Told at the first try that failed. */
static void wake_up(void *context, const char *text)
{
    (void)text;
    sem_post(context);
}

/* The line is full until the board wakes up: a try that did not even leave is no fault afterwards.
 */
static void a_board_that_takes_no_bytes_for_a_while(void **state)
{
    (void)state;
    static const uint8_t zeros[4096];
    struct status err = {.code = OK};
    struct board_cfg impatient = cfg;
    impatient.ack_timeout_ms = 5;
    impatient.retries = 0;
    plug(ASLEEP);
    while (write(board.link.fd, zeros, sizeof zeros) > 0)
        ;
    assert_int_equal(packet_board_hello(&board, &impatient, &err), ERR_TIMEOUT);
    assert_string_equal(err.text, "board ris1: takes no bytes; check flow control and power");
    err = (struct status){.code = OK};
    impatient.retries = 4000;
    impatient.tell = wake_up;
    impatient.tell_context = &far_end.wake;
    assert_int_equal(packet_board_hello(&board, &impatient, &err), OK);
    assert_true(board.link.n_retries > 0);
    assert_int_equal(err.code, OK);
    unplug();
}

static void noise_does_not_get_through(void **state)
{
    (void)state;
    struct status err;
    struct board_ack ack;
    struct board_readback back;
    plug(NOISE);
    assert_int_equal(packet_board_hello(&board, &cfg, &err), OK);
    for (unsigned i = 0; i < 60; i++) {
        uint8_t pattern[RIS_PATTERN_MAX] = {(uint8_t)i, (uint8_t)(i >> 3)};
        assert_int_equal(packet_board_load(&board, (uint16_t)(i % N_SLOTS), pattern, &ack, &err),
                         OK);
        assert_int_equal(packet_board_readback(&board, (uint16_t)(i % N_SLOTS), &back, &err), OK);
        assert_memory_equal(back.pattern, pattern, 32);
        assert_true(back.hash == ack.hash);
    }
    assert_true(board.link.n_retries > 5); /* the line was as bad as meant */
    unplug();
}

static void refusals_carry_reason_and_cure(void **state)
{
    (void)state;
    struct status err;
    struct board_ack ack;
    plug(FINE);
    struct board_cfg other = cfg;
    other.shape.bits = 2;
    assert_int_equal(packet_board_hello(&board, &other, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "has 16 x 16 elements of 1 bits"));
    assert_int_equal(packet_board_hello(&board, &cfg, &err), OK);
    assert_int_equal(packet_board_apply(&board, 2, RIS_NOW, &ack, &err), ERR_STATE);
    assert_string_equal(err.text, "board ris1: slot never loaded; load the slot first");
    unplug();
}

static void a_reset_board_is_noticed(void **state)
{
    (void)state;
    struct status err;
    struct board_status status;
    plug(FINE);
    assert_int_equal(packet_board_hello(&board, &cfg, &err), OK);
    assert_int_equal(packet_board_status(&board, &status, &err), OK);
    far_end.core.boot_id++;
    assert_int_equal(packet_board_status(&board, &status, &err), ERR_IO);
    assert_non_null(strstr(err.text, "was reset"));
    unplug();
}

static void an_unplugged_board_is_noticed_at_once(void **state)
{
    (void)state;
    struct status err;
    struct board_status status;
    plug(FINE);
    assert_int_equal(packet_board_hello(&board, &cfg, &err), OK);
    shutdown(far_end.fd, SHUT_RDWR);
    assert_int_equal(packet_board_status(&board, &status, &err), ERR_IO);
    unplug();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_board_is_given_up),
        cmocka_unit_test(a_lost_answer_costs_a_retry_and_nothing_else),
        cmocka_unit_test(a_board_that_takes_no_bytes_for_a_while),
        cmocka_unit_test(noise_does_not_get_through),
        cmocka_unit_test(refusals_carry_reason_and_cure),
        cmocka_unit_test(a_reset_board_is_noticed),
        cmocka_unit_test(an_unplugged_board_is_noticed_at_once),
    };
    signal(SIGPIPE, SIG_IGN); /* a socket stands for the tty here */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
