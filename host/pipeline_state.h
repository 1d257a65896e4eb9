/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a second pipeline of the same configuration needs to give the very same numbers: the state
 * before a cycle, and what reached that cycle from other threads. Blocks, plans and the verdicts on
 * the answers (pipeline_cfg.check) are the rest. docs/recording.md. */
#pragma once
#include "host/pipeline_site.h"

struct pipeline_input { /* taken at the start of a cycle */
    int capture;        /* cycles of the empty room asked for; 0: drop it; -1: nothing */
    unsigned withheld;  /* places that are, 1 << place each */
    bool updated;       /* by the calibration of the site, with this */
    struct site_update update;
};

/* DSP thread, between pipeline_sensing and the next: what it took. */
void pipeline_input_taken(const struct pipeline *p, struct pipeline_input *out);
/* Instead of other threads' requests: what the next cycle takes. */
void pipeline_input_give(struct pipeline *p, const struct pipeline_input *input);

size_t pipeline_state_max(const struct pipeline *p); /* bytes that a state can come to */
/* DSP thread, RT-safe (lab: 0.3 ms), between two cycles. Returns the bytes written, or
 * ERR_NO_SPACE. */
long pipeline_state_save(struct pipeline *p, unsigned char *out, size_t size);
/* Between two cycles, no other thread. ERR_FORMAT: not a state of a pipeline of this shape; it must
 * not be used any more. */
int pipeline_state_load(struct pipeline *p, const unsigned char *in, size_t n,
                        struct status *err) MUST_CHECK;

/* The broken pixels of a surface as pipeline_pixels applies them: a factor for each element. */
void pipeline_pixel_factors(const struct pixel_map *map, cplxf *factor);
/* DSP thread, RT-safe. */
void pipeline_pixels_apply(struct pipeline *p, size_t ris, const cplxf *factor);
size_t pipeline_elements(const struct pipeline *p, size_t ris);
