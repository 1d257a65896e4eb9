/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * When a surface counts as out of sight: no path over it in so many answers, while the echo is
 * there. */
#include "host/bs/trouble_watch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct bs_cfg cfg;

static struct cycle_report answer(bool first, bool second)
{
    struct cycle_report r = {.response = RESPONSE_PERMITTED};
    r.path[PATH_L1].found = true;
    r.path[PATH_L1 + 1].found = first;
    r.path[PATH_L1 + 2].found = second;
    return r;
}

static void see(struct trouble_watch *t, const struct cycle_report *r, int n, unsigned expected)
{
    unsigned out_of_sight = 0;
    for (int i = 0; i < n; i++)
        out_of_sight = trouble_watch_sight(t, &cfg, r);
    assert_int_equal(out_of_sight, expected);
}

static void a_surface_without_paths_is_out_of_sight_until_one_is_seen(void **state)
{
    (void)state;
    struct trouble_watch t = {0};
    const struct cycle_report one = answer(true, false), both = answer(true, true);
    see(&t, &one, TROUBLE_UNSEEN - 1, 0);
    see(&t, &both, 1, 0);
    see(&t, &one, TROUBLE_UNSEEN - 1, 0);
    see(&t, &one, 1, 2);
    see(&t, &one, 5, 2);
    see(&t, &both, 1, 0);
}

/* Silence, steering, a fault, a user who is not seen at all and an empty room that is not known say
 * nothing of surfaces. */
static void cycles_that_cannot_tell_do_not_count(void **state)
{
    (void)state;
    struct trouble_watch t = {0};
    struct cycle_report silent = answer(false, false), steered = silent, faulty = silent,
                        unseen = silent, settling = silent;
    silent.response = RESPONSE_SILENT;
    steered.steering = true;
    faulty.faults = 1;
    unseen.path[PATH_L1].found = false;
    settling.path[PATH_L1 + 1].adaptive = settling.path[PATH_L1 + 2].adaptive = true;
    const struct cycle_report *const r[] = {&silent, &steered, &faulty, &unseen, &settling};
    for (size_t i = 0; i < sizeof r / sizeof *r; i++)
        see(&t, r[i], 2 * TROUBLE_UNSEEN, 0);
}

int main(void)
{
    for (size_t i = 0; i < BS_RIS; i++)
        strcpy(cfg.ris.boards[i].name, i ? "ris2" : "ris1");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_surface_without_paths_is_out_of_sight_until_one_is_seen),
        cmocka_unit_test(cycles_that_cannot_tell_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
