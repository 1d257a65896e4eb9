/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whose data wait: those of a user who is withheld are dropped with the next cycle, whomever that
 * asks. */
#include "base/state_dir.h"
#include "host/bs/air_link.h"
#include "tests/host/base_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ASKED, OTHER, N_USER };

struct rig {
    struct bs_cfg cfg;
    struct schedule schedule;
    struct roster *roster;
    struct user_links *links;
    struct air_link *link;
    struct pipeline *pipeline;
    int64_t index;
};

static char folder[128];
static struct status err;

static void configure(struct rig *rig)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml,
             "ris:\n"
             "  boards:\n"
             "    - {name: ris1, position_m: [7, 1.5, 1.9]}\n"
             "    - {name: ris2, position_m: [1, 6, 1.7]}\n"
             "users:\n"
             "  - {id: 1, key_file: %s/user-1.key}\n"
             "  - {id: 2, key_file: %s/user-2.key}\n"
             "link: {enabled: yes, port: none}\n"
             "estimate: {map: no}\n",
             folder, folder);
    base_rig_configure(yaml, &rig->cfg, &rig->schedule);
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    *state = rig;
    if (secure_init() || state_dir_create("mirador-test", folder, sizeof folder, &err))
        return -1;
    base_rig_key_file(folder, 1);
    base_rig_key_file(folder, 2);
    configure(rig);
    rig->roster = roster_create(&rig->cfg, &err);
    assert_non_null(rig->roster);
    const struct pipeline_cfg pc = {
        .cfg = &rig->cfg, .schedule = &rig->schedule, .keys = roster_keys(rig->roster)};
    rig->pipeline = base_rig_pipeline(&pc);
    rig->links = user_links_create(&rig->cfg, rig->roster, &err);
    assert_non_null(rig->links);
    rig->link = air_link_create(&rig->cfg, &rig->schedule, rig->links, &err);
    assert_non_null(rig->link);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    air_link_destroy(&rig->link);
    user_links_destroy(&rig->links);
    pipeline_destroy(&rig->pipeline);
    roster_destroy(&rig->roster);
    free(rig);
    return state_dir_remove(folder, &err);
}

/* One that asks the first user, and whose capture failed. */
static void cycle(struct rig *rig)
{
    static struct cycle_report report;
    const struct cycle_plan plan = {
        .index = rig->index, .cycle = 1000 + (uint64_t)rig->index, .user = ASKED};
    rig->index++;
    pipeline_lost(rig->pipeline, &plan, &report);
    air_link_decide(rig->link, &report, rig->pipeline, NULL);
}

static int send(const struct rig *rig, size_t seat)
{
    static const uint8_t packet[100];
    return data_link_send(user_links_at(rig->links, seat), packet, sizeof packet);
}

static struct data_link_state data_of(const struct rig *rig, size_t seat)
{
    struct data_link_state s;
    data_link_read(user_links_at(rig->links, seat), &s);
    return s;
}

static void data_of_who_is_withheld_go_though_another_is_asked(void **state)
{
    struct rig *rig = *state;
    cycle(rig);
    for (size_t seat = 0; seat < N_USER; seat++)
        assert_int_equal(send(rig, seat), OK);
    pipeline_allow(rig->pipeline, OTHER, false);
    cycle(rig);
    assert_int_equal(data_of(rig, OTHER).queued, 0);
    assert_int_equal(data_of(rig, OTHER).count.dropped_consent, 1);
    assert_int_equal(send(rig, OTHER), ERR_STATE);
    pipeline_allow(rig->pipeline, OTHER, true);
    cycle(rig);
    assert_int_equal(send(rig, OTHER), ERR_STATE); /* until they permit it again */
    assert_int_equal(data_of(rig, ASKED).queued, 1);
    assert_int_equal(data_of(rig, ASKED).count.dropped_consent, 0);
}

/* Whose place is given away next: its link is not touched by the radio any more. */
static void a_place_that_nobody_has_is_left_alone(void **state)
{
    struct rig *rig = *state;
    cycle(rig);
    assert_int_equal(send(rig, OTHER), OK);
    pipeline_allow(rig->pipeline, OTHER, false);
    pipeline_user(rig->pipeline, OTHER, -1);
    cycle(rig);
    assert_int_equal(data_of(rig, OTHER).queued, 1);
    pipeline_allow(rig->pipeline, OTHER, true);
    pipeline_user(rig->pipeline, OTHER, 3);
    cycle(rig);
    assert_int_equal(data_of(rig, OTHER).queued, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(data_of_who_is_withheld_go_though_another_is_asked, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_place_that_nobody_has_is_left_alone, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
