/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A flood of lines ends in a count, and lines for the journal carry their priority; the service
 * manager hears what it asked for, its watchdog only while something moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/notify.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FLOOD = 50 };

static char heard[4096];
static int lines;

static void listen_to(void *context, enum log_level level, const char *text)
{
    (void)context;
    (void)level;
    lines++;
    snprintf(heard + strlen(heard), sizeof heard - strlen(heard), "%s|", text);
}

static void a_flood_ends_in_a_count(void **state)
{
    (void)state;
    struct log_site site = {0}, other = {0};
    log_open("unit", LOG_LEVEL_DEBUG);
    log_set_sink(listen_to, NULL);
    lines = 0;
    for (int i = 0; i < FLOOD; i++)
        log_write_from(&site, LOG_LEVEL_WARN, "flood");
    assert_int_equal(lines, LOG_BURST);
    log_write_from(&other, LOG_LEVEL_WARN, "another place");
    assert_int_equal(lines, LOG_BURST + 1);
    site.refilled_ms -= 2 * LOG_REFILL_MS + LOG_REFILL_MS / 2; /* as if time had passed */
    heard[0] = '\0';
    for (int i = 0; i < 3; i++)
        log_write_from(&site, LOG_LEVEL_WARN, "later");
    assert_string_equal(heard, "30 suppressed lines like the next one|later|later|");
    lines = 0;
    for (int i = 0; i < FLOOD; i++)
        log_debug("asked for");
    assert_int_equal(lines, FLOOD);
    lines = 0;
    for (int i = 0; i < FLOOD; i++)
        log_info("one place");
    assert_int_equal(lines, LOG_BURST);
    log_set_sink(NULL, NULL);
}

/* What log_open and a line write to `to` as standard error. */
static void say(FILE *to, char *text, size_t size)
{
    int saved = dup(2);
    dup2(fileno(to), 2);
    log_open("unit", LOG_LEVEL_INFO);
    log_warn("seven %d", 7);
    dup2(saved, 2);
    close(saved);
    rewind(to);
    text[fread(text, 1, size - 1, to)] = '\0';
}

static void the_journal_gets_priorities(void **state)
{
    (void)state;
    char stream[64], text[256];
    struct stat s;
    FILE *journal = tmpfile(), *file = tmpfile();
    assert_int_equal(fstat(fileno(journal), &s), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)s.st_dev,
             (unsigned long long)s.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    say(journal, text, sizeof text);
    assert_string_equal(text, "<4>seven 7\n");
    say(file, text, sizeof text); /* redirected since */
    assert_non_null(strstr(text, " unit warn: seven 7\n"));
    setenv("JOURNAL_STREAM", "nonsense", 1);
    fclose(journal);
    journal = tmpfile();
    say(journal, text, sizeof text);
    assert_non_null(strstr(text, " unit warn: seven 7\n"));
    unsetenv("JOURNAL_STREAM");
    fclose(journal);
    fclose(file);
}

/* The next datagram, or "" when there is none. */
static const char *next(int fd)
{
    static char text[128];
    ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void the_watchdog_wants_progress(void **state)
{
    (void)state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char pid[24], folder[] = "/tmp/mirador-notify-XXXXXX";
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_non_null(mkdtemp(folder));
    snprintf(at.sun_path, sizeof at.sun_path, "%s/socket", folder);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    setenv("WATCHDOG_PID", pid, 1);
    setenv("WATCHDOG_USEC", "40000", 1);
    notify_ready();
    assert_string_equal(next(fd), "READY=1");
    assert_int_equal(notify_period_ms(), 10);
    notify_alive(1);
    assert_string_equal(next(fd), "WATCHDOG=1");
    nanosleep(&(struct timespec){.tv_nsec = 15000000}, NULL);
    notify_alive(1); /* runs, but gets nowhere */
    assert_string_equal(next(fd), "");
    notify_alive(2);
    assert_string_equal(next(fd), "WATCHDOG=1");
    notify_stopping();
    assert_string_equal(next(fd), "STOPPING=1");
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    assert_string_equal(next(fd), "");
    close(fd);
    unlink(at.sun_path);
    rmdir(folder);
}

int main(void)
{
    unsetenv("MIRADOR_LOG");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_ends_in_a_count),
        cmocka_unit_test(the_journal_gets_priorities),
        cmocka_unit_test(the_watchdog_wants_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
