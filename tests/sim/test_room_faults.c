/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A radio of a room that loses its device, or its room, and finds it again: mirador-room as a
 * program, the radio through UHD's C API. */
#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <uhd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/state_dir.h"

struct rig {
    char state[200], name[40], script[240], report[240];
    pid_t pid;
};

static void start_room(struct rig *rig, const char *script)
{
    int ready[2];
    char fd[16], byte = 0;
    FILE *f = fopen(rig->script, "w");
    assert_non_null(f);
    fprintf(f, "faults:\n%s", script);
    fclose(f);
    assert_int_equal(pipe(ready), 0);
    snprintf(fd, sizeof fd, "%d", ready[1]);
    rig->pid = fork();
    if (rig->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ready[0]);
        execl(MIRADOR_BIN_DIR "/mirador-room", "mirador-room", "--scene", "empty", "--state",
              rig->state, "--name", rig->name, "--gate", "bs", "--speed", "0", "--faults",
              rig->script, "--fault-report", rig->report, "--ready-fd", fd, (char *)NULL);
        _exit(99);
    }
    close(ready[1]);
    struct pollfd p = {.fd = ready[0], .events = POLLIN};
    assert_int_equal(poll(&p, 1, 30000), 1);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

static int end_room(struct rig *rig, int signal)
{
    int status;
    kill(rig->pid, signal);
    assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct status err;
    assert_int_equal(state_dir_create("mirador-test", rig->state, sizeof rig->state, &err), 0);
    snprintf(rig->name, sizeof rig->name, "room-faults-%d", (int)getpid());
    snprintf(rig->script, sizeof rig->script, "%s/script.yaml", rig->state);
    snprintf(rig->report, sizeof rig->report, "%s/report.json", rig->state);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    struct status err;
    assert_int_equal(state_dir_remove(rig->state, &err), 0);
    free(rig);
    return 0;
}

/* --- the radio -------------------------------------------------------------------------------- */

struct radio {
    uhd_usrp_handle usrp;
    uhd_rx_streamer_handle rx;
    uhd_rx_metadata_handle md;
};

static bool open_radio(const struct rig *rig, struct radio *r)
{
    char args[100];
    size_t channel = 0;
    uhd_stream_args_t sa = {"sc16", "sc16", "", &channel, 1};
    *r = (struct radio){0};
    snprintf(args, sizeof args, "type=room,role=bs,room=%s", rig->name);
    if (uhd_usrp_make(&r->usrp, args))
        return false;
    assert_int_equal(uhd_rx_streamer_make(&r->rx), 0);
    assert_int_equal(uhd_usrp_get_rx_stream(r->usrp, &sa, r->rx), 0);
    assert_int_equal(uhd_rx_metadata_make(&r->md), 0);
    return true;
}

static void close_radio(struct radio *r)
{
    uhd_rx_streamer_free(&r->rx);
    uhd_rx_metadata_free(&r->md);
    uhd_usrp_free(&r->usrp);
}

/* Waits in recv for so much room time. */
static uhd_error wait_in_recv(struct radio *r, double wait_s)
{
    int16_t sample[2];
    void *bufs[1] = {sample};
    size_t got;
    return uhd_rx_streamer_recv(r->rx, bufs, 1, &r->md, wait_s, false, &got);
}

static double device_time(struct radio *r)
{
    int64_t full;
    double frac;
    assert_int_equal(uhd_usrp_get_time_now(r->usrp, 0, &full, &frac), 0);
    return (double)full + frac;
}

static size_t found(const struct rig *rig)
{
    char args[100];
    size_t n = 9;
    uhd_string_vector_handle list;
    snprintf(args, sizeof args, "type=room,role=bs,room=%s", rig->name);
    uhd_string_vector_make(&list);
    uhd_usrp_find(args, &list);
    uhd_string_vector_size(list, &n);
    uhd_string_vector_free(&list);
    return n;
}

/* Whose names begin so; "room-12" is not the beginning of "room-123", which is another process's.
 */
static size_t entries(const char *folder, const char *begins)
{
    size_t n = 0;
    const size_t length = strlen(begins);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        n += strncmp(e->d_name, begins, length) == 0 &&
             !(length && isdigit((unsigned char)e->d_name[length]));
    closedir(dir);
    return n;
}

static void report_holds(const struct rig *rig, const char *words)
{
    static char text[100000];
    FILE *f = fopen(rig->report, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    if (!strstr(text, words))
        fail_msg("no '%s' in %s", words, text);
}

/* Gone at 0.5 s for 0.3 s, then booting for 0.2 s: not found until 1.0 s, whatever the wall's clock
 * does; then a fresh device whose time began at 1.0 s. */
static void gone_and_back(void **state)
{
    struct rig *rig = *state;
    struct radio r;
    start_room(rig, "  - {at_s: 0.5, for_s: 0.3, boot_s: 0.2, what: device_gone}\n");
    assert_int_equal(found(rig), 1);
    assert_true(open_radio(rig, &r));
    assert_int_equal(wait_in_recv(&r, 0.4), UHD_ERROR_NONE);
    assert_int_equal(wait_in_recv(&r, 0.2), UHD_ERROR_IO);
    close_radio(&r);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(found(rig), 0);
        usleep(20000); /* room time stands meanwhile */
    }
    assert_int_equal(found(rig), 1);
    assert_true(open_radio(rig, &r));
    double time_s = device_time(&r);
    assert_true(time_s >= 0 && time_s < 0.001);
    assert_int_equal(wait_in_recv(&r, 0.4), UHD_ERROR_NONE);
    assert_true(fabs(device_time(&r) - time_s - 0.4) < 1e-4);
    close_radio(&r);
    assert_int_equal(end_room(rig, SIGTERM), 0);
    report_holds(rig, "\"device_losses\":1");
    report_holds(rig, "\"what\":\"device_gone\",\"radio\":\"bs\",\"at_s\":0.500000000,"
                      "\"until_s\":1.000000000,\"keeps_time\":false,\"fired\":1");
}

/* Thirty losses in a row leave neither descriptors nor segments behind. */
static void losses_leave_nothing_behind(void **state)
{
    struct rig *rig = *state;
    char script[30 * 80] = "";
    for (int i = 0; i < 30; i++)
        snprintf(script + strlen(script), sizeof script - strlen(script),
                 "  - {at_s: %.1f, for_s: 0.2, keeps_time: yes, what: device_gone}\n", 0.5 + i);
    start_room(rig, script);
    size_t fds = 0;
    char segment[80];
    snprintf(segment, sizeof segment, "mirador-%s", rig->name);
    assert_int_equal(entries("/dev/shm", segment), 1);
    for (int i = 0; i < 30; i++) {
        struct radio r;
        while (!open_radio(rig, &r))
            continue;
        assert_true(device_time(&r) >= i - 0.35 && device_time(&r) < i + 0.35);
        while (wait_in_recv(&r, 0.3) == UHD_ERROR_NONE)
            continue;
        close_radio(&r);
        if (i == 2)
            fds = entries("/proc/self/fd", "");
    }
    assert_int_equal(entries("/proc/self/fd", ""), fds);
    assert_int_equal(end_room(rig, SIGTERM), 0);
    assert_int_equal(entries("/dev/shm", segment), 0);
    report_holds(rig, "\"device_losses\":30");
}

/* A killed room throws its radios out; one of the same name takes them again. */
static void room_killed_and_restarted(void **state)
{
    struct rig *rig = *state;
    char segment[80];
    snprintf(segment, sizeof segment, "mirador-%s", rig->name);
    for (int i = 0; i < 3; i++) {
        struct radio r;
        start_room(rig, "  - {at_s: 1e6, what: late_tx}\n");
        assert_true(open_radio(rig, &r));
        assert_int_equal(wait_in_recv(&r, 0.1), UHD_ERROR_NONE);
        assert_true(device_time(&r) < 0.11); /* a new room, not the old one */
        assert_int_equal(end_room(rig, SIGKILL), -1);
        assert_int_equal(wait_in_recv(&r, 0.1), UHD_ERROR_IO);
        assert_int_equal(found(rig), 0);
        close_radio(&r);
        assert_true(entries("/dev/shm", segment) <= 1); /* until a room comes, whoever's */
    }
    start_room(rig, "  - {at_s: 1e6, what: late_tx}\n");
    assert_int_equal(end_room(rig, SIGTERM), 0);
    assert_int_equal(entries("/dev/shm", segment), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gone_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(losses_leave_nothing_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(room_killed_and_restarted, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
