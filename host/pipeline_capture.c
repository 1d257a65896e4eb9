/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The empty-room capture inside the cycle: begun by request, fed by every cycle, thrown away as
 * soon as anyone answers or our own radio falters. */
#include "frames/ris_profile.h"
#include "host/pipeline_priv.h"
#include <string.h>

uint64_t pipeline_coded_config(const struct pipeline *p, enum stream_name h)
{
    const uint8_t *shown = p->pending.plan.profile;
    const uint64_t hash[BS_RIS] = {p->hash[0][shown[0]], p->hash[1][shown[1]]};
    switch (h) {
    case STREAM_RIS1:
        return hash[0];
    case STREAM_RIS2:
        return hash[1];
    case STREAM_CROSS:
        return ris_hash_update(hash[0], &hash[1], sizeof hash[1]);
    default:
        return 0;
    }
}

/* Still surfaces send into the one stream, so that it depends on both. */
uint64_t pipeline_stream_config(const struct pipeline *p, enum stream_name h)
{
    if (p->pending.plan.still && h == STREAM_STATIC)
        return pipeline_coded_config(p, STREAM_CROSS);
    return pipeline_coded_config(p, h);
}

void pipeline_background(struct pipeline *p, unsigned cycles)
{
    atomic_store(&p->capture.request, (int)cycles);
}

static void refuse(struct pipeline *p, const char *why)
{
    if (atomic_load(&p->capture.running))
        background_abort(p->background);
    p->capture.running = false;
    pipeline_count(&p->captures_refused);
    pipeline_site_tell_capture(p, 0, why);
}

void pipeline_capture_begin(struct pipeline *p, struct cycle_report *r)
{
    int request = atomic_exchange(&p->capture.request, -1);
    p->taken.capture = request;
    if (request == 0) {
        pipeline_site_void(p);
    } else if (request > 0 && r->time_s - p->answered_s < PIPELINE_QUIET_S) {
        refuse(p, "somebody answered in the last 10 s");
    } else if (request > 0) {
        background_begin(p->background);
        p->capture.running = true;
        p->capture.wanted = (unsigned)request;
        memset(p->capture.taken, 0, sizeof p->capture.taken);
    }
    if (p->capture.captured && r->time_s - p->capture.finished_s > p->cfg.background.max_age_s) {
        pipeline_site_void(p);
    }
    p->capture.keeping = false;
    r->background_running = p->capture.running;
}

/* A fault can still come to light until the cycle ends, so the streams wait for that. */
void pipeline_capture_keep(struct pipeline *p)
{
    const size_t stride = p->cfg.radio.n_rx * p->wave.k;
    if (!p->capture.running)
        return;
    memcpy(p->capture.kept, p->w + STREAM_STATIC * stride,
           N_STREAM * stride * sizeof *p->capture.kept);
    p->capture.keeping = true;
}

static void add(struct pipeline *p)
{
    const size_t stride = p->cfg.radio.n_rx * p->wave.k;
    const size_t n = p->pending.plan.still ? 1 : N_STREAM;
    for (size_t i = 0; i < n; i++) {
        enum stream_name h = STREAM_STATIC + i;
        if (background_add(p->background, h, pipeline_stream_config(p, h),
                           p->capture.kept + i * stride)) {
            refuse(p, "more RIS configurations than there is room for");
            return;
        }
    }
    p->capture.taken[p->pending.plan.profile[0]]++;
}

/* The boards go through their profiles in step, so that one pass covers all of them. */
static bool complete(const struct pipeline *p)
{
    for (size_t i = 0; i < p->n_profile; i++)
        if (p->capture.taken[i] < p->capture.wanted)
            return false;
    return true;
}

static void finish(struct pipeline *p, const struct cycle_report *r)
{
    struct status why = {0};
    p->capture.running = false;
    if (background_finish(p->background, &why)) {
        refuse(p, why.text);
        return;
    }
    p->capture.finished_s = r->time_s;
    p->capture.captured = true;
    p->site.aged = true;
    p->site.room = ROOM_GOOD;
    p->site.looks = 0;
    pipeline_count(&p->captures);
    if (!r->plan.still) /* what is stored serves coded bursts */
        pipeline_site_tell_capture(p, p->capture.wanted, NULL);
}

void pipeline_capture_end(struct pipeline *p, struct cycle_report *r)
{
    if (r->response != RESPONSE_SILENT && r->response != RESPONSE_LOST)
        p->answered_s = r->time_s;
    if (!p->capture.running)
        return;
    if (r->response != RESPONSE_SILENT && r->response != RESPONSE_LOST)
        refuse(p, "somebody answered during the capture");
    else if (p->capture.keeping && !report_blocked(r))
        add(p);
    if (p->capture.running && complete(p))
        finish(p, r);
}
