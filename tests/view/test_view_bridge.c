/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-view against browsers that are up to no good, with a daemon of our own behind it:
 * whatever they do, the bridge lives, stays small, and serves the next one. */
#include "tests/view/browser.h"
#include "tests/view/view_bench.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

enum { RSS_MAX_KIB = 30 * 1024, CLIENTS = 16 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static int get(const char *request, char *answer, size_t size)
{
    int fd = browser_connect(view_bench.port);
    assert_true(fd >= 0);
    int code = browser_request(fd, request, answer, size);
    close(fd);
    return code;
}

static void page_comes_with_its_policy(void **state)
{
    (void)state;
    char answer[4000];
    assert_int_equal(get("GET / HTTP/1.1\r\nHost: x\r\n\r\n", answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "content-security-policy: default-src 'none'"));
    assert_non_null(strstr(answer, "nosniff"));
    assert_int_equal(get("GET /main.js HTTP/1.1\r\nHost: x\r\n\r\n", answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "javascript"));
    assert_int_equal(get("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", answer, sizeof answer), 404);
    view_bench_assert_alive();
}

static void nothing_outside_the_page_is_served(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/../../../docs/figures/demo-lab.svg",
        "/%2e%2e/%2e%2e/%2e%2e/docs/figures/demo-lab.svg",
        "/..%2f..%2f..%2fdocs%2ffigures%2fdemo-lab.svg",
        "/../view_config.c",
        "/../../../../../../../../etc/passwd",
        "/%2e%2e/view_config.c",
        "/..%2fview_config.c",
        "/a/../../view_config.c",
        "//etc/passwd",
        "/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/....//....//etc/passwd",
        "/\\..\\view_config.c",
        "/%00/../view_config.c",
        "/.",
        "/..",
    };
    char request[200], answer[4000];
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
        int code = get(request, answer, sizeof answer);
        if (code == 200 && !strstr(answer, "content-type: text/html")) /* the page itself */
            fail_msg("%s was served", paths[i]);
    }
    view_bench_assert_alive();
}

static void only_our_own_page_is_admitted(void **state)
{
    (void)state;
    static const char *const foreign[] = {"http://evil.example", "null", "https://127.0.0.1",
                                          "http://127.0.0.1"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        int fd = browser_connect(view_bench.port);
        assert_int_not_equal(browser_open(fd, view_bench.host, foreign[i]), 101);
        close(fd);
    }
    int fd = browser_connect(view_bench.port);
    assert_int_not_equal(browser_open(fd, view_bench.host, NULL), 101);
    close(fd);
    fd = browser_connect(view_bench.port); /* DNS rebinding: the name is theirs, the address ours */
    assert_int_not_equal(browser_open(fd, "evil.example", "http://evil.example"), 101);
    close(fd);
    view_bench_assert_alive();
}

/* Behind a proxy that speaks TLS: its name, by https, and nothing else of it. The bridge that the
 * token has opened is still there; the handshake comes before the token. */
static void a_proxy_is_admitted_by_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *host, *origin;
        bool in;
    } visits[] = {{"mirador.example", "https://mirador.example", true},
                  {"mirador.example:8443", "https://mirador.example:8443", true},
                  {"mirador.example", "http://mirador.example", false},
                  {"mirador.example", "https://evil.example", false},
                  {"evil.example", "https://evil.example", false}};
    for (size_t i = 0; i < sizeof visits / sizeof visits[0]; i++) {
        int fd = browser_connect(view_bench.port);
        assert_int_equal(browser_open(fd, visits[i].host, visits[i].origin) == 101, visits[i].in);
        close(fd);
    }
}

/* No protocol named: it would get no data, and hold a connection. */
static void a_websocket_names_its_protocol(void **state)
{
    (void)state;
    char request[400], reply[4000];
    snprintf(request, sizeof request,
             "GET / HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
             view_bench.host, view_bench.host);
    assert_int_not_equal(get(request, reply, sizeof reply), 101);
    view_bench_assert_alive();
}

/* With the reason; one with telemetry still under way is cut off without. */
static void assert_dismissed(int fd, int expected)
{
    char text[400];
    size_t binary = 0;
    int code = 0, rc;
    while ((rc = browser_hear(fd, text, sizeof text, &binary, &code)) == 1)
        continue;
    assert_int_equal(rc, 0);
    assert_true(code == expected || (code == 0 && binary > 0));
    close(fd);
}

static void long_and_binary_messages_end_the_page(void **state)
{
    (void)state;
    static char big[200000];
    memset(big, 'x', sizeof big);
    int fd = view_bench_open_page();
    assert_true(browser_frame(fd, 1, true, big, 5000)); /* what is not read resets */
    assert_true(browser_ends(fd, 10));
    close(fd);
    fd = view_bench_open_page(); /* in pieces, each short enough */
    for (int i = 0; i < 3; i++)
        browser_frame(fd, i ? 0 : 1, i == 2, big, 2000);
    assert_dismissed(fd, 1009);
    fd = view_bench_open_page();
    assert_true(browser_frame(fd, 2, true, big, 10));
    assert_dismissed(fd, 1003);
    fd = view_bench_open_page(); /* all of it may not even be taken */
    browser_frame(fd, 1, true, big, sizeof big);
    assert_true(browser_ends(fd, 10));
    close(fd);
    view_bench_assert_alive();
}

static void flood_ends_the_page_before_it_reaches_the_daemon(void **state)
{
    (void)state;
    int fd = view_bench_open_page();
    unsigned before = atomic_load(&view_bench.commands);
    for (int i = 0; i < 2000; i++)
        if (!browser_say(fd, "{\"cmd\":\"status\"}"))
            break;
    assert_true(browser_ends(fd, 10));
    close(fd);
    assert_true(atomic_load(&view_bench.commands) - before <= 40);
    view_bench_assert_alive();
}

static void nonsense_is_answered_or_ends_the_page(void **state)
{
    (void)state;
    char text[400];
    size_t binary = 0;
    int code, fd = view_bench_open_page();
    assert_int_equal(browser_hear(fd, text, sizeof text, &binary, &code), 1);
    assert_true(browser_say(fd, "{\"cmd\":5,\"seq\":3}"));
    assert_int_equal(browser_hear(fd, text, sizeof text, &binary, &code), 1);
    assert_non_null(strstr(text, "\"ok\":false"));
    assert_non_null(strstr(text, "\"seq\":3"));
    close(fd);
    fd = browser_connect(view_bench.port); /* not HTTP at all */
    browser_send(fd, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15);
    assert_true(browser_ends(fd, 10));
    close(fd);
    fd = view_bench_open_page(); /* opcode that does not exist */
    browser_frame(fd, 5, true, "x", 1);
    assert_true(browser_ends(fd, 10));
    close(fd);
    view_bench_assert_alive();
}

/* What stands open from the test before is closed when the bridge has noticed. */
static int open_page_when_free(void)
{
    for (int i = 0; i < 500; i++) {
        int fd = browser_connect(view_bench.port);
        assert_true(fd >= 0);
        if (browser_open(fd, view_bench.host, view_bench.origin) == 101)
            return fd;
        close(fd);
        zmq_poll(NULL, 0, 20);
    }
    fail_msg("a page that was closed still counts");
    return -1;
}

/* Sixteen that never read, one too many, and one that reads. */
static void pages_that_do_not_read_cost_no_memory(void **state)
{
    (void)state;
    int fd[CLIENTS];
    char text[400];
    size_t binary = 0;
    int code;
    for (int i = 0; i < CLIENTS; i++)
        fd[i] = view_bench_open_page();
    int more = browser_connect(view_bench.port);
    assert_int_not_equal(browser_open(more, view_bench.host, view_bench.origin), 101);
    close(more);
    close(fd[0]);
    fd[0] = open_page_when_free();
    for (unsigned i = 0; i < 30; i++) { /* asks slowly enough, and hears between its frames */
        assert_true(browser_say(fd[0], "{\"cmd\":\"status\",\"seq\":1}"));
        do
            assert_int_equal(browser_hear(fd[0], text, sizeof text, &binary, &code), 1);
        while (strstr(text, "hello"));
        zmq_poll(NULL, 0, 100);
    }
    assert_true(binary > 10);
    long kib = view_bench_rss_kib();
    print_message("most memory with 16 pages: %ld KiB\n", kib);
#ifndef SANITIZED
    assert_in_range(kib, 1, RSS_MAX_KIB);
#endif
    for (int i = 0; i < CLIENTS; i++)
        close(fd[i]);
}

/* Number of records in a frame; each lies inside it. */
static size_t records_in(const uint8_t *bytes, size_t n)
{
    size_t records = 0, at = 0;
    for (; at + 16 <= n; records++) {
        uint32_t length[3];
        memcpy(length, bytes + at, sizeof length);
        at += 16 + (size_t)length[0] + length[1] + length[2];
    }
    assert_int_equal(at, n);
    return records;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One frame of whichever page has something to read; counts those with telemetry. */
static void read_one_each(struct pollfd *pages, unsigned *frames)
{
    assert_true(poll(pages, CLIENTS, 20000) > 0);
    for (int i = 0; i < CLIENTS; i++) {
        const uint8_t *bytes;
        size_t n;
        int opcode;
        if (!(pages[i].revents & POLLIN))
            continue;
        assert_int_equal(browser_next(pages[i].fd, &opcode, &bytes, &n), 1);
        if (opcode == 2 && records_in(bytes, n) > 0)
            frames[i]++;
    }
}

static unsigned fewest(const unsigned *frames)
{
    unsigned least = frames[0];
    for (int i = 1; i < CLIENTS; i++)
        least = frames[i] < least ? frames[i] : least;
    return least;
}

/* Sixteen that read all they are sent: no fewer than others, no more than 20 a second (a busy
 * machine makes it fewer), and little memory. */
static void sixteen_readers_get_all_within_the_bounds(void **state)
{
    (void)state;
    enum { FRAMES = 30, RATE_HZ = 20 };
    struct pollfd pages[CLIENTS];
    unsigned frames[CLIENTS] = {0};
    for (int i = 0; i < CLIENTS; i++)
        pages[i] = (struct pollfd){.fd = open_page_when_free(), .events = POLLIN};
    while (fewest(frames) < 2) /* all are open, and the first telemetry is over */
        read_one_each(pages, frames);
    double begun = seconds();
    memset(frames, 0, sizeof frames);
    while (fewest(frames) < FRAMES)
        read_one_each(pages, frames);
    double took = seconds() - begun;
    long kib = view_bench_rss_kib();
    print_message("16 readers: %.1f frames/s each, most memory %ld KiB\n", fewest(frames) / took,
                  kib);
    for (int i = 0; i < CLIENTS; i++) {
        assert_in_range(frames[i], FRAMES, took * RATE_HZ + 4); /* and what was under way */
        close(pages[i].fd);
    }
#ifndef SANITIZED
    assert_in_range(kib, 1, RSS_MAX_KIB);
#endif
}

static void token_opens_the_page_and_nothing_else_does(void **state)
{
    (void)state;
    char set[240], token[100], text[400];
    size_t binary = 0;
    int code;
    view_bench_stop();
    snprintf(set, sizeof set, "listen.token_file=%s/token", view_bench.folder);
    view_bench_start(set);
    assert_true(view_bench_token(token, sizeof token));
    int fd = view_bench_open_page();
    assert_int_equal(browser_hear(fd, text, sizeof text, &binary, &code), 1);
    assert_non_null(strstr(text, "\"token\":true"));
    assert_true(browser_say(fd, "{\"cmd\":\"status\",\"seq\":1}")); /* instead of the token */
    assert_dismissed(fd, 1008);
    fd = view_bench_open_page();
    assert_true(browser_say(fd, "{\"token\":\"0102030405\"}"));
    assert_dismissed(fd, 1008);
    fd = view_bench_open_page(); /* says nothing, and hears nothing */
    binary = 0;
    while (browser_hear(fd, text, sizeof text, &binary, &code) == 1)
        continue;
    assert_int_equal(binary, 0);
    close(fd);
    fd = view_bench_open_page();
    snprintf(text, sizeof text, "{\"token\":\"%s\"}", token);
    assert_true(browser_say(fd, text));
    assert_true(browser_say(fd, "{\"cmd\":\"status\",\"seq\":5}"));
    do
        assert_int_equal(browser_hear(fd, text, sizeof text, &binary, &code), 1);
    while (!strstr(text, "\"seq\":5"));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_comes_with_its_policy),
        cmocka_unit_test(nothing_outside_the_page_is_served),
        cmocka_unit_test(only_our_own_page_is_admitted),
        cmocka_unit_test(a_websocket_names_its_protocol),
        cmocka_unit_test(long_and_binary_messages_end_the_page),
        cmocka_unit_test(flood_ends_the_page_before_it_reaches_the_daemon),
        cmocka_unit_test(nonsense_is_answered_or_ends_the_page),
        cmocka_unit_test(pages_that_do_not_read_cost_no_memory),
        cmocka_unit_test(sixteen_readers_get_all_within_the_bounds),
        cmocka_unit_test(token_opens_the_page_and_nothing_else_does),
        cmocka_unit_test(a_proxy_is_admitted_by_its_name),
    };
    return cmocka_run_group_tests(tests, view_bench_make, view_bench_remove);
}
