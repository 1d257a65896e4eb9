/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/base_rig.h"
#include "base/state_dir.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void base_rig_configure(const char *yaml, struct bs_cfg *cfg, struct schedule *schedule)
{
    struct status err = {0};
    if (config_parse(&bs_config_table, "t", yaml, strlen(yaml), NULL, cfg, &err) ||
        bs_config_schedule(cfg, schedule, &err))
        fail_msg("%s", err.text);
}

const struct profile_set *base_rig_profile(size_t surface)
{
    static struct profile_set profile[BS_RIS];
    struct profile_set *p = &profile[surface];
    if (p->n == 0)
        *p = (struct profile_set){
            .shape = {16, 16, 1}, .n = 1, .hash = {surface + 1}, .states = ris_states_ideal(1)};
    return p;
}

struct pipeline *base_rig_pipeline(const struct pipeline_cfg *cfg)
{
    struct status err = {0};
    struct pipeline_cfg pc = *cfg;
    for (size_t i = 0; i < BS_RIS; i++)
        pc.profiles[i] = base_rig_profile(i);
    struct pipeline *pipeline = pipeline_create(&pc, &err);
    if (!pipeline)
        fail_msg("%s", err.text);
    return pipeline;
}

void base_rig_key_file(const char *folder, int user)
{
    char path[300];
    struct status err = {0};
    uint8_t master[SECURE_MASTER_BYTES];
    secure_master_from_seed(7, (uint32_t)user, master);
    snprintf(path, sizeof path, "%s/user-%d.key", folder, user);
    if (key_file_write(path, master, sizeof master, &err))
        fail_msg("%s", err.text);
}
