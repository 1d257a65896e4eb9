/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Private folders, key files, and the number that never repeats. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/state_dir.h"

static char folder[128];
static struct status err;

static const char *in_folder(const char *name)
{
    static char path[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static int setup(void **state)
{
    (void)state;
    return state_dir_create("mirador-test", folder, sizeof folder, &err);
}

static int teardown(void **state)
{
    (void)state;
    return state_dir_remove(folder, &err) || access(folder, F_OK) == 0;
}

static void folders_are_private_and_go_away(void **state)
{
    (void)state;
    char a[128], b[128], tiny[4];
    umask(0);
    assert_int_equal(state_dir_create("x", a, sizeof a, &err), 0);
    assert_int_equal(state_dir_create("x", b, sizeof b, &err), 0);
    assert_string_not_equal(a, b);
    assert_int_equal(mode_of(a), 0700);
    assert_int_equal(state_dir_create("x", tiny, sizeof tiny, &err), ERR_NO_SPACE);

    char path[256];
    write_file(in_folder("kept"), "kept");
    snprintf(path, sizeof path, "%s/deep", a);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/deep/file", a);
    write_file(path, "x");
    snprintf(path, sizeof path, "%s/deep/link", a);
    assert_int_equal(symlink(folder, path), 0);
    assert_int_equal(state_dir_remove(a, &err), 0);
    assert_int_equal(access(a, F_OK), -1);
    assert_int_equal(access(in_folder("kept"), F_OK), 0); /* the link was not followed */
    assert_int_equal(state_dir_remove(a, &err), 0);       /* missing is fine */

    assert_int_equal(chmod(b, 0755), 0);
    assert_int_equal(state_dir_ensure(b, &err), ERR_AUTH);
    assert_non_null(strstr(err.text, "chmod 700"));
    assert_int_equal(state_dir_remove(b, &err), ERR_AUTH); /* not a folder we made */
    assert_int_equal(chmod(b, 0700), 0);
    assert_int_equal(state_dir_remove(b, &err), 0);
}

/* A folder whose owner lives until it is killed; the child's pid. */
static pid_t own_in_child(char *path, size_t size)
{
    int ends[2];
    char byte;
    assert_int_equal(state_dir_create("mirador-sweep", path, size, &err), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        byte = state_dir_own(path, &err) == 0 ? 'y' : 'n';
        ssize_t written = write(ends[1], &byte, 1);
        pause();
        _exit((int)written);
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static void only_folders_of_the_dead_are_swept(void **state)
{
    (void)state;
    char dead[128], alive[128], unmarked[128];
    pid_t victim = own_in_child(dead, sizeof dead), owner = own_in_child(alive, sizeof alive);
    assert_int_equal(state_dir_create("mirador-sweep", unmarked, sizeof unmarked, &err), 0);
    kill(victim, SIGKILL);
    assert_int_equal(waitpid(victim, NULL, 0), victim);
    assert_true(chmod(alive, 0755) == 0); /* open to others: not one of ours */
    assert_int_equal(state_dir_sweep("mirador-sweep"), 1);
    assert_int_equal(access(dead, F_OK), -1);
    assert_true(chmod(alive, 0700) == 0);
    assert_int_equal(state_dir_sweep("mirador-sweep"), 0);
    assert_int_equal(access(unmarked, F_OK), 0);
    kill(owner, SIGKILL);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    assert_int_equal(state_dir_sweep("mirador-swee"), 0); /* another prefix */
    assert_int_equal(state_dir_sweep("mirador-sweep"), 1);
    assert_int_equal(access(alive, F_OK), -1);
    assert_int_equal(state_dir_remove(unmarked, &err), 0);
}

static void ensure_makes_what_is_missing(void **state)
{
    (void)state;
    assert_int_equal(state_dir_ensure(in_folder("p/q/r"), &err), 0);
    assert_int_equal(mode_of(in_folder("p/q")), 0700);
    assert_int_equal(state_dir_ensure(in_folder("p/q/r"), &err), 0);
    write_file(in_folder("file"), "");
    assert_int_equal(state_dir_ensure(in_folder("file"), &err), ERR_AUTH);
    assert_int_equal(state_dir_ensure(in_folder("file/below"), &err), ERR_IO);
    assert_int_equal(state_dir_ensure("", &err), ERR_ARG);
    assert_int_equal(symlink("/tmp", in_folder("tmp")), 0);
    assert_int_equal(state_dir_ensure(in_folder("tmp"), &err), ERR_AUTH);
}

static void replaces_files_whole(void **state)
{
    (void)state;
    char text[16] = {0};
    const char *path = in_folder("whole");
    assert_int_equal(file_replace(path, "one", 3, 0640, &err), 0);
    assert_int_equal(file_replace(path, "three", 5, 0640, &err), 0);
    assert_int_equal(mode_of(path), 0640);
    FILE *file = fopen(path, "r");
    assert_int_equal(fread(text, 1, sizeof text, file), 5);
    fclose(file);
    assert_string_equal(text, "three");
    assert_int_equal(file_replace(in_folder("no/such/folder"), "x", 1, 0600, &err), ERR_IO);
}

static void keys_stay_secret(void **state)
{
    (void)state;
    uint8_t key[32], back[32], longer[33];
    const char *path = in_folder("user.key");
    for (int i = 0; i < 32; i++)
        key[i] = (uint8_t)(i * 37);
    assert_int_equal(key_file_write(path, key, 32, &err), 0);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(key_file_read(path, back, 32, &err), 0);
    assert_memory_equal(key, back, 32);
    assert_int_equal(key_file_write(path, key, 32, &err), ERR_BUSY);
    assert_int_equal(key_file_read(path, longer, 33, &err), ERR_FORMAT);
    assert_int_equal(key_file_read(path, back, 16, &err), ERR_FORMAT);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(key_file_read(path, back, 32, &err), ERR_AUTH);
    assert_non_null(strstr(err.text, "chmod 600"));
    assert_int_equal(key_file_read(in_folder("missing.key"), back, 32, &err), ERR_IO);
    assert_int_equal(key_file_read(folder, back, 32, &err), ERR_IO);
    assert_int_equal(key_file_write(in_folder("no/key"), key, 32, &err), ERR_IO);
    assert_int_equal(key_file_write(in_folder("none"), key, 0, &err), ERR_ARG);
}

static void damaged_keys_are_refused_without_showing_them(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "abcd\n", "ab cd\n", "abxd\n", "abcdef\nabcdef\n"};
    uint8_t back[3];
    const char *path = in_folder("damaged.key");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(path, texts[i]);
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(key_file_read(path, back, 3, &err), ERR_FORMAT);
        assert_null(strstr(err.text, "abcd"));
    }
    write_file(path, "abcdef"); /* no newline is fine */
    assert_int_equal(key_file_read(path, back, 3, &err), 0);
    assert_int_equal(back[2], 0xef);
}

static void cycle_numbers_never_repeat(void **state)
{
    (void)state;
    struct cycle_counter c;
    const char *path = in_folder("counter");
    uint64_t last = 0, value;
    for (int boot = 0; boot < 5; boot++) {
        assert_int_equal(cycle_counter_open(&c, path, 1000, &err), 0);
        for (int i = 0; i < 10; i++) {
            assert_int_equal(cycle_counter_next(&c, &value), 0);
            assert_true(boot + i == 0 ? value == 1000 : value > last);
            last = value;
        }
    } /* never closed: the next opening is what follows a crash */
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(last, 1000 + 4 * CYCLE_COUNTER_BLOCK + 9);
}

static void numbers_run_out_unless_reserved(void **state)
{
    (void)state;
    struct cycle_counter c, other;
    const char *path = in_folder("counter2");
    uint64_t value, n = 0;
    assert_int_equal(cycle_counter_open(&c, path, 0, &err), 0);
    assert_int_equal(cycle_counter_refresh(&c, &err), 0); /* nothing to do yet */
    while (cycle_counter_next(&c, &value) == 0)
        n++;
    assert_int_equal(n, CYCLE_COUNTER_BLOCK);
    assert_int_equal(cycle_counter_next(&c, &value), ERR_STATE);
    assert_int_equal(cycle_counter_refresh(&c, &err), 0);
    assert_int_equal(cycle_counter_next(&c, &value), 0);
    assert_int_equal(value, CYCLE_COUNTER_BLOCK);
    assert_int_equal(cycle_counter_open(&other, path, 0, &err), 0);
    assert_int_equal(cycle_counter_next(&other, &value), 0);
    assert_int_equal(value, 2 * CYCLE_COUNTER_BLOCK);
}

static void a_damaged_counter_is_no_fresh_start(void **state)
{
    (void)state;
    struct cycle_counter c;
    const char *path = in_folder("counter3");
    static const char *const texts[] = {
        "", "5", "mirador cycle counter, version 1: every number below is used\n",
        "mirador cycle counter, version 1: every number below is used\n-5\n",
        "mirador cycle counter, version 1: every number below is used\n5\n6\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(path, texts[i]);
        assert_int_equal(cycle_counter_open(&c, path, 1, &err), ERR_FORMAT);
    }
    write_file(path, "mirador cycle counter, version 1: every number below is used\n5\n");
    assert_int_equal(cycle_counter_open(&c, path, 1, &err), 0);
    uint64_t value;
    assert_int_equal(cycle_counter_next(&c, &value), 0);
    assert_int_equal(value, 5);
    assert_int_equal(cycle_counter_open(&c, in_folder("no/counter"), 1, &err), ERR_IO);
    assert_int_equal(cycle_counter_open(&c, in_folder("max"), UINT64_MAX, &err), ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_private_and_go_away),
        cmocka_unit_test(only_folders_of_the_dead_are_swept),
        cmocka_unit_test(ensure_makes_what_is_missing),
        cmocka_unit_test(replaces_files_whole),
        cmocka_unit_test(keys_stay_secret),
        cmocka_unit_test(damaged_keys_are_refused_without_showing_them),
        cmocka_unit_test(cycle_numbers_never_repeat),
        cmocka_unit_test(numbers_run_out_unless_reserved),
        cmocka_unit_test(a_damaged_counter_is_no_fresh_start),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
