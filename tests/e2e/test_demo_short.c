/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A few seconds of the whole chain, with more user data than it can carry: what the sanitizer
 * builds run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frames/bits.h"
#include "tests/e2e/demo_run.h"
#include "tests/host/free_ports.h"

enum { PACKET = 1400, PACE_US = 500 };

/* Both ways through the demo's UDP ports, numbered. */
struct flood {
    int fd[2];        /* that takes what comes out at the base station, at the terminal */
    uint16_t port[2]; /* where each side's packets go in */
    uint32_t sent[2], next[2];
    uint64_t came[2];
    bool wrong; /* twice, out of order, or not what was sent */
    atomic_bool stop;
};

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons((uint16_t)port)};
}

static void open_flood(struct flood *f)
{
    const uint16_t first = free_ports(4);
    assert_int_not_equal(first, 0);
    for (int side = 0; side < 2; side++) {
        f->port[side] = (uint16_t)(first + 2 * side);
        const struct sockaddr_in at = loopback(f->port[side] + 1);
        f->fd[side] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(f->fd[side], (const struct sockaddr *)&at, sizeof at), 0);
    }
}

static void make(uint32_t number, int side, uint8_t *packet)
{
    memset(packet, (int)(number * 3 + (uint32_t)side), PACKET);
    le32_put(packet, number);
}

static void take(struct flood *f, int side)
{
    uint8_t got[PACKET + 1], expected[PACKET];
    for (ssize_t n; (n = recv(f->fd[side], got, sizeof got, 0)) >= 0; f->came[side]++) {
        const uint32_t number = n == PACKET ? le32_get(got) : 0;
        make(number, 1 - side, expected);
        f->wrong |= n != PACKET || memcmp(got, expected, PACKET) != 0 || number < f->next[side];
        f->next[side] = number + 1;
    }
}

static void *run_flood(void *context)
{
    struct flood *f = context;
    uint8_t packet[PACKET];
    const struct timespec pace = {.tv_nsec = PACE_US * 1000};
    while (!atomic_load(&f->stop)) {
        for (int side = 0; side < 2; side++) {
            const struct sockaddr_in to = loopback(f->port[side]);
            make(f->sent[side]++, side, packet);
            (void)!sendto(f->fd[side], packet, PACKET, 0, (const struct sockaddr *)&to, sizeof to);
            take(f, side);
        }
        nanosleep(&pace, NULL);
    }
    return NULL;
}

static double of(const struct demo_run *run, const char *side, const char *what)
{
    char key[64];
    snprintf(key, sizeof key, "link.%s.%s", side, what);
    return demo_summary(run, key);
}

/* The flood was cut to what fits, counted, and the slots were full of it. The first slots know no
 * peer yet and choose the slowest scheme. */
static void check_traffic(const struct demo_run *run, const char *from, const char *to,
                          uint64_t came)
{
    assert_true(of(run, from, "dropped_queue") > 100);
    assert_true(of(run, from, "queued") <= 256);
    assert_true(of(run, from, "bytes_acked") >
                0.8 * of(run, from, "slot_bytes") * (1 - 3 / of(run, from, "slots_sent")));
    assert_true(of(run, from, "slots_refused") == 0 && of(run, from, "slots_malformed") == 0);
    assert_true(of(run, from, "bytes_again") == 0 && of(run, from, "mcs") == 7);
    assert_true((double)came >= of(run, to, "packets_out"));
    assert_true((double)came >= of(run, from, "packets_acked") && came > 100);
}

/* What the base station says of the last slots, both ways: its own and what the terminal told it.
 * Of 10 cycles or more, without the first and the last. */
static void check_figures(const struct demo_run *run)
{
    static const char *const ways[] = {"figures.down", "figures.up", "terminal_figures.down",
                                       "terminal_figures.up"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const double bps = of(run, ways[i], "throughput_bps");
        assert_true(of(run, ways[i], "slots") >= 7 && of(run, ways[i], "fer") == 0);
        assert_true(of(run, ways[i], "raw_ber") >= 0 && of(run, ways[i], "raw_ber") < 1e-3);
        assert_true(of(run, ways[i], "snr_db") > 30 && of(run, ways[i], "evm_db") < -20);
        assert_in_range((unsigned)bps, 500000,
                        3000000); /* slots of 58 kB down, 28 kB up; every 0.2 s */
    }
    assert_true(of(run, "figures.down", "throughput_bps") >
                of(run, "figures.up", "throughput_bps"));
}

static void check_slots(const struct demo_run *run)
{
    const double down = demo_summary(run, "link.down.expected"),
                 up = demo_summary(run, "link.up.expected");
    assert_true(down >= demo_summary(run, "responses") - 1 && up >= 8);
    assert_true(demo_summary(run, "link.down.ok") >= down - 1); /* the last one may not be told */
    assert_true(demo_summary(run, "link.up.ok") >= up - 1);
    assert_true(demo_summary(run, "link.beam.gain_db") > 5.5);
    assert_true(demo_summary(run, "link.beam.loss_db") < 0.5);
}

/* A demo with packets both ways as fast as they are taken. */
static void run_flooded(struct demo_run *run, struct flood *flood, const char *args)
{
    pthread_t thread;
    char all[240];
    open_flood(flood);
    snprintf(all, sizeof all, "%s --link --set bs.link.udp_port=%d --set ue.link.udp_port=%d", args,
             flood->port[0], flood->port[1]);
    assert_int_equal(pthread_create(&thread, NULL, run_flood, flood), 0);
    demo_run(run, all);
    atomic_store(&flood->stop, true);
    pthread_join(thread, NULL);
    close(flood->fd[0]);
    close(flood->fd[1]);
    if (run->exit_code)
        fail_msg("exit code %d: %s", run->exit_code, run->stderr_text);
}

/* Within a second of entering behind a wall, for five seconds, and back 1.5 s before the end: more
 * slots and packets came than the five cycles before the wall can hold (58 kB down, 28 kB up each),
 * and none twice. */
static void test_packets_come_again_behind_a_wall(void **state)
{
    (void)state;
    struct demo_run run;
    struct flood flood = {0};
    run_flooded(&run, &flood, "--seconds 11 --speed 0 --seed 2 --set room.users[0].away_s=[1,6]");
    print_message("slots %.0f down, %.0f up; packets %d and %d\n",
                  of(&run, "terminal", "slots_received"), of(&run, "base", "slots_received"),
                  (int)flood.came[1], (int)flood.came[0]);
    assert_true(demo_summary(&run, "answers.silent") >= 17 + 25);
    assert_true(of(&run, "base", "slots_received") > 5);
    assert_true(of(&run, "terminal", "slots_received") > 5);
    assert_true(flood.came[1] > 5 * 58000 / PACKET && flood.came[0] > 5 * 28000 / PACKET);
    assert_false(flood.wrong);
    demo_run_free(&run);
}

static void test_a_few_seconds(void **state)
{
    (void)state;
    struct demo_run run;
    struct flood flood = {0};
    run_flooded(&run, &flood, "--seconds 6 --speed 0 --seed 2");
    assert_true(run.n_fix >= 8);
    assert_true(demo_summary(&run, "fixes") >= 0.97 * demo_summary(&run, "responses"));
    assert_true(demo_error_percentile(&run, 90) < 0.5);
    assert_true(demo_summary(&run, "lates") == 0 && demo_summary(&run, "gaps") == 0);
    check_slots(&run);
    assert_false(flood.wrong);
    check_traffic(&run, "base", "terminal", flood.came[1]);
    check_traffic(&run, "terminal", "base", flood.came[0]);
    check_figures(&run);
    demo_run_free(&run);
}

/* Known data in every slot, none of it wrong: 28 kB down and 14 kB up in the scheme of link.mcs. */
static void check_known_data(const struct demo_run *run, double slots)
{
    assert_true(demo_summary(run, "link.down.known_bits") > 8 * 28e3 * slots);
    assert_true(demo_summary(run, "link.up.known_bits") > 8 * 14e3 * slots);
    assert_true(demo_summary(run, "link.down.ber") == 0 && demo_summary(run, "link.up.ber") == 0);
    assert_true(demo_summary(run, "link.down.raw_ber") < 1e-4);
    assert_true(demo_summary(run, "link.up.raw_ber") < 1e-4);
}

/* A surface that cannot step through codes: both stand still, and the transmitter is deaf in their
 * directions. The link carries known data meanwhile. */
static void check_steering(const char *by)
{
    struct demo_run run;
    char options[300];
    snprintf(options, sizeof options,
             "--seconds 8 --speed 0 --scene empty --set bs.identity.mode=steering "
             "--set bs.identity.by=%s --set bs.ris.boards[0].switch_s=6e-3 "
             "--set room.bs.tx_pair_m=0.042 "
             "--link --set bs.link.port=none --set ue.link.port=none",
             by);
    demo_run(&run, options);
    if (run.exit_code)
        fail_msg("%s: exit code %d: %s", by, run.exit_code, run.stderr_text);
    assert_true(run.n_fix >= 15);
    assert_true(demo_summary(&run, "steered") == demo_summary(&run, "fixes"));
    assert_true(demo_summary(&run, "fixes") >= 0.95 * demo_summary(&run, "responses"));
    assert_true(demo_summary(&run, "misidentified") == 0);
    assert_true(demo_error_percentile(&run, 50) < 0.1 && demo_error_percentile(&run, 90) < 0.25);
    assert_true(demo_inside_ellipse(&run) > 0.9);
    check_known_data(&run, 12);
    demo_run_free(&run);
}

static void test_paths_told_by_steering(void **state)
{
    (void)state;
    static const char *const by[] = {"fit", "correlation", "music"};
    for (size_t i = 0; i < sizeof by / sizeof *by; i++)
        check_steering(by[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_come_again_behind_a_wall),
        cmocka_unit_test(test_a_few_seconds),
        cmocka_unit_test(test_paths_told_by_steering),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
