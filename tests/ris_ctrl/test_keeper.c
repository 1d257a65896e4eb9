/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The static profile on disk: nobody waits for a disk, the last profile wins, and what a crash or a
 * disk has left half done is never taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/state_dir.h"
#include "ris_ctrl/keeper.h"

#define SHAPE ((struct ris_shape){16, 16, 1})
#define BYTES 32

static char folder[64], path[128];
static struct library library;
static struct status err;

/* A disk that takes its time: takes the place of libc's for this whole program. */
static sem_t asked, go_on;
static atomic_bool slow;

int fsync(int fd)
{
    (void)fd;
    if (slow) {
        sem_post(&asked);
        sem_wait(&go_on);
    }
    return 0;
}

static int setup(void **state)
{
    (void)state;
    slow = false;
    sem_init(&asked, 0, 0);
    sem_init(&go_on, 0, 0);
    assert_int_equal(state_dir_create("keeper", folder, sizeof folder, &err), 0);
    snprintf(path, sizeof path, "%s/wall/shown.last", folder);
    return library_open(&library, folder, "wall", SHAPE, &err);
}

static int teardown(void **state)
{
    (void)state;
    return state_dir_remove(folder, &err);
}

static void expect_stored(uint16_t want_slot, uint8_t first)
{
    uint8_t pattern[RIS_PATTERN_MAX];
    uint16_t slot;
    if (library_load_shown(&library, &slot, pattern, &err) != OK)
        fail_msg("%s", err.text);
    assert_int_equal(slot, want_slot);
    assert_int_equal(pattern[0], first);
}

static void nobody_waits_for_a_disk(void **state)
{
    (void)state;
    uint8_t p[BYTES] = {0};
    struct keeper *k = keeper_create(&library, &err);
    assert_non_null(k);
    slow = true;
    p[0] = 1;
    keeper_put(k, 1, p);
    sem_wait(&asked); /* the disk is busy with it until we say so */
    for (uint8_t i = 2; i < 100; i++) {
        p[0] = i;
        keeper_put(k, i, p);
    }
    slow = false;
    sem_post(&go_on); /* the first fsync; a second one, of the folder, may have come before */
    sem_post(&go_on);
    keeper_destroy(&k);
    expect_stored(99, 99);
}

static void half_a_file_is_no_profile(void **state)
{
    (void)state;
    uint8_t p[BYTES] = {7}, back[RIS_PATTERN_MAX];
    char whole[256], text[256];
    uint16_t slot;
    struct keeper *k = keeper_create(&library, &err);
    assert_non_null(k);
    keeper_put(k, 3, p);
    keeper_destroy(&k);
    expect_stored(3, 7);
    FILE *f = fopen(path, "r");
    size_t n = fread(whole, 1, sizeof whole, f);
    fclose(f);
    for (size_t cut = 0; cut < n; cut++) {
        f = fopen(path, "w");
        assert_int_equal(fwrite(whole, 1, cut, f), cut);
        fclose(f);
        assert_int_equal(library_load_shown(&library, &slot, back, &err), ERR_FORMAT);
    }
    for (size_t i = n - 2 * BYTES - 1; i + 1 < n; i++) { /* a digit of the pattern is another one */
        memcpy(text, whole, n);
        text[i] = text[i] == '3' ? '4' : '3';
        f = fopen(path, "w");
        assert_int_equal(fwrite(text, 1, n, f), n);
        fclose(f);
        assert_int_equal(library_load_shown(&library, &slot, back, &err), ERR_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_waits_for_a_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(half_a_file_is_no_profile, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
