/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/export_pilots.h"
#include "base/log.h"
#include "calib/pixel_stack.h"
#include "host/calib_worker.h"
#include "host/pilot_profiles.h"
#include <stdio.h>
#include <stdlib.h>

struct export_pilots {
    struct {
        const char *name;
        struct pixel_stack *stack;
        size_t trains;
    } surface[BS_RIS];
};

/* The pilots' profiles follow from the board, what its elements do from the recording. */
static struct pixel_stack *make_stack(const struct replay *replay, size_t ris, struct status *err)
{
    const struct bs_cfg *cfg = replay_config(replay);
    const struct recording_head *head = recording_reader_head(replay_reader(replay));
    struct pilot_profiles profiles;
    struct pixel_health_cfg hc;
    if (pilot_profiles_make(cfg, ris, &profiles, err))
        return NULL;
    cplx *gamma = calloc(profiles.n * profiles.shape.columns * profiles.shape.rows, sizeof *gamma);
    struct pixel_stack *stack = NULL;
    if (!gamma)
        status_set(err, ERR_NO_MEMORY, "pilots: out of memory");
    else
        pilot_profiles_gamma(&profiles, &head->profiles[ris].states, gamma);
    if (gamma && calib_health_cfg(cfg, ris, gamma, &hc, err) == OK)
        stack = pixel_stack_create(&hc, err);
    free(gamma);
    pilot_profiles_free(&profiles);
    return stack;
}

struct export_pilots *export_pilots_create(const struct replay *replay, struct status *err)
{
    struct export_pilots *p = calloc(1, sizeof *p);
    if (!p) {
        status_set(err, ERR_NO_MEMORY, "pilots: out of memory");
        return NULL;
    }
    for (size_t i = 0; i < BS_RIS; i++) {
        p->surface[i].name = replay_config(replay)->ris.boards[i].name;
        p->surface[i].stack = make_stack(replay, i, err);
        if (!p->surface[i].stack) {
            export_pilots_destroy(&p);
            break;
        }
    }
    return p;
}

void export_pilots_destroy(struct export_pilots **pilots)
{
    if (!*pilots)
        return;
    for (size_t i = 0; i < BS_RIS; i++)
        pixel_stack_destroy(&(*pilots)->surface[i].stack);
    free(*pilots);
    *pilots = NULL;
}

void export_pilots_add(struct export_pilots *p, const struct pixel_pilots *train)
{
    (void)pixel_stack_add(p->surface[train->ris].stack, train);
    p->surface[train->ris].trains++;
}

static int write_one(struct export_pilots *p, size_t i, const char *prefix, struct status *err)
{
    char path[600];
    struct pixel_stack *stack = p->surface[i].stack;
    const char *name = p->surface[i].name;
    struct dataset *ds = pixel_stack_dataset(stack, err);
    if (!ds && (err->code == ERR_STATE || err->code == ERR_GEOMETRY)) {
        log_warn("%s: %s", name, err->text);
        return OK;
    }
    if (!ds)
        return err->code;
    snprintf(path, sizeof path, "%s-pixels-%s.h5", prefix, name);
    int rc = dataset_write(path, ds, err);
    if (rc == OK)
        printf("%s: %zu pilots of %zu of %zu trains, for 'mirador calib pixels'\n", path,
               ds->n_pilots, pixel_stack_used(stack), p->surface[i].trains);
    dataset_destroy(&ds);
    return rc;
}

int export_pilots_write(struct export_pilots *p, const char *prefix, struct status *err)
{
    int rc = OK;
    for (size_t i = 0; i < BS_RIS && rc == OK; i++)
        if (p->surface[i].trains > 0)
            rc = write_one(p, i, prefix, err);
    return rc;
}
