/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/publisher.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/air_clock.h"
#include "sim/air_layout.h"
#include "sim/air_log.h"

enum {
    MAX_SPANS = 512,
    TAIL_TICKS = 1024,   /* a packet still rings in the room for this long */
    STEADY_UPDATES = 14, /* after so many steps of one burst ... */
    STEADY_FACTOR = 8,   /* ... steps are this much longer: a stream, not a burst */
    EVENT_BATCH = 64,
    N_SETS = 48,
    MAX_ROUNDS = 4,
};

static_assert((int)AIR_N_GROUP == (int)CHANNEL_N_GROUP, "groups of the air are the channel's");

/* Time during which a transmit port is, or rings, on the air. */
struct span {
    unsigned port; /* over all radios */
    int64_t from, to;
};

/* The set that new snapshots refer to. */
struct current {
    bool valid;
    uint64_t id, ports; /* bit p: links of transmit port p are in it */
    int64_t window_from, window_ticks;
    struct air_snap last; /* last snapshot pushed for it; set_id 0: none */
};

struct publisher {
    struct publisher_cfg cfg;
    struct boards *boards;
    int64_t published, horizon, window_ticks;      /* horizon: as last told to the air */
    struct span spans[MAX_SPANS], seen[MAX_SPANS]; /* known at the last run; scratch */
    size_t n_spans;
    int64_t spans_from;                           /* spans are those on the air from here on */
    struct air_packet packets[AIR_N_PACKET];      /* scratch */
    uint8_t base[SCENE_MAX_RIS][RIS_PATTERN_MAX]; /* profile the channel's groups hold for */
    int64_t pixels_from[SCENE_MAX_RIS], pixels_to[SCENE_MAX_RIS]; /* and ticks, for its pixels */
    struct current current;
    int64_t first_burst;
    bool news; /* events taken and not yet declared done */
    struct publisher_counts counts;
};

void publisher_air_cfg(const struct scene *scene, struct air_cfg *out)
{
    air_cfg_default(out);
    out->rate_hz = scene->rate_hz;
    out->carrier_hz = scene->carrier_hz;
    out->seed = scene->seed;
    out->n_sets = N_SETS;
    out->n_radios = 1 + (unsigned)scene->n_users;
    for (unsigned r = 0; r < out->n_radios; r++) {
        struct air_radio_cfg *radio = &out->radios[r];
        *radio = (struct air_radio_cfg){
            .n_tx = r ? 1 : (unsigned)scene->bs_tx.n,
            .n_rx = r ? 1 : (unsigned)scene->bs_rx.n,
            .ppm = NAN,
            .max_ppm = scene->radio.clock_spread_ppm,
            .noise_figure_db = scene->radio.noise_figure_db,
            .phase_noise_dbc_hz = scene->radio.phase_noise_dbc_hz,
            .phase_noise_hz = scene->radio.phase_noise_corner_hz,
            .adc_bits = scene->radio.adc_bits,
            .gain_spread_db = scene->radio.gain_spread_db,
            .iq_gain_db = scene->radio.iq_gain_db,
            .iq_phase_deg = scene->radio.iq_phase_deg,
            .dc_offset = scene->radio.dc_offset,
            .random_phase = true,
            .tx_latency_samps = (unsigned)scene->radio.latency_samps,
        };
        snprintf(radio->name, sizeof radio->name, "%s", r ? scene->users[r - 1].radio : "bs");
    }
}

static int first_snapshot(struct publisher *p, struct status *err)
{
    struct air_set set;
    struct air_snap snap = {.tick = 0, .sign1 = 1, .sign2 = 1};
    int rc = air_set_begin(p->cfg.air, 0, &set);
    if (!rc) {
        air_set_commit(p->cfg.air, &set);
        snap.set_id = set.id;
        rc = air_snap_push(p->cfg.air, &snap, 1);
    }
    return rc ? status_set(err, rc, "the air refuses a first snapshot: %s", status_name(rc)) : 0;
}

struct publisher *publisher_create(const struct publisher_cfg *cfg, struct status *err)
{
    struct publisher *p = calloc(1, sizeof *p);
    if (!p) {
        status_set(err, ERR_NO_MEMORY, "no memory for the publisher");
        return NULL;
    }
    p->cfg = *cfg;
    p->first_burst = AIR_NEVER;
    p->window_ticks = llround(cfg->scene->update_s * cfg->scene->rate_hz);
    p->boards = boards_create(cfg->scene, err);
    if (!p->boards || first_snapshot(p, err))
        publisher_destroy(&p);
    return p;
}

void publisher_destroy(struct publisher **publisher)
{
    if (!publisher || !*publisher)
        return;
    boards_destroy(&(*publisher)->boards);
    free(*publisher);
    *publisher = NULL;
}

struct publisher_counts publisher_counts(const struct publisher *p)
{
    return p->counts;
}

int64_t publisher_horizon(const struct publisher *p)
{
    return p->published;
}

int64_t publisher_first_burst(const struct publisher *p)
{
    return p->first_burst;
}

/* --- who sends when ----------------------------------------------------------------------- */

static unsigned n_tx_ports(const struct publisher *p)
{
    return (unsigned)(p->cfg.scene->bs_tx.n + p->cfg.scene->n_users);
}

static void port_of(const struct publisher *p, unsigned index, unsigned *radio, unsigned *port)
{
    unsigned n_bs = (unsigned)p->cfg.scene->bs_tx.n;
    *radio = index < n_bs ? 0 : 1 + index - n_bs;
    *port = index < n_bs ? index : 0;
}

/* Packets of all ports that are on the air in [from, to). */
static size_t collect_spans(struct publisher *p, int64_t from, int64_t to, struct span *out)
{
    struct air *air = p->cfg.air;
    size_t n = 0;
    for (unsigned i = 0; i < n_tx_ports(p); i++) {
        unsigned radio, port;
        port_of(p, i, &radio, &port);
        int64_t k_a = air_tick_to_samp(air, radio, from - TAIL_TICKS) - 1;
        int64_t k_b = air_tick_to_samp(air, radio, to + AIR_MAX_PRE) + 1;
        size_t found = air_tx_spans(air, radio, port, k_a, k_b, p->packets, AIR_N_PACKET);
        for (size_t k = 0; k < found && n < MAX_SPANS; k++) {
            const struct air_packet *packet = &p->packets[k];
            out[n++] = (struct span){
                .port = i,
                .from = air_samp_to_tick(air, radio, packet->k0) - AIR_MAX_PRE,
                .to = air_samp_to_tick(air, radio, packet->k0 + packet->n) + TAIL_TICKS,
            };
        }
    }
    return n;
}

/* --- taking back what was published too early --------------------------------------------- */

/* Takes back what was published from tick on, as far as nobody has read it. False: not all. */
static bool rewind_to(struct publisher *p, int64_t tick)
{
    if (tick >= p->published)
        return true;
    const int64_t from = air_snap_rewind(p->cfg.air, tick);
    if (from < p->published) {
        p->published = from;
        if (p->horizon > from)
            p->horizon = from;
        p->current.valid = false;
        p->counts.rewinds++;
    }
    return p->published <= tick;
}

static void note_late(struct publisher *p, int64_t tick, const char *what)
{
    const struct air *air = p->cfg.air;
    if (p->counts.late++ == 0)
        log_warn("this machine cannot follow real time: %s %.1f ms after its time; positions suffer"
                 " (more such are only counted; gated time waits)",
                 what, 1e3 * (double)(air_now(air) - tick) / p->cfg.scene->rate_hz);
}

/* Where the part of a span begins that the last run did not know of. */
static int64_t news_from(const struct publisher *p, const struct span *s)
{
    int64_t known_to = s->from;
    for (size_t k = 0; k < p->n_spans; k++)
        if (p->spans[k].port == s->port && p->spans[k].from <= known_to &&
            p->spans[k].to > known_to)
            known_to = p->spans[k].to;
    return known_to < s->to ? known_to : BOARDS_NEVER;
}

/* The ports of a burst begin together. */
static bool begins_a_burst(const struct span *spans, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (spans[k].from == spans[i].from)
            return false;
    return true;
}

/* Packets that were committed after the ticks they lie in were published: taken back, or counted
 * where they were read. */
static void find_late_packets(struct publisher *p)
{
    int64_t first = BOARDS_NEVER;
    const size_t n = collect_spans(p, p->spans_from, p->published, p->seen);
    for (size_t i = 0; i < n; i++) {
        const int64_t from = news_from(p, &p->seen[i]);
        first = from < first ? from : first;
    }
    if (rewind_to(p, first))
        return;
    for (size_t i = 0; i < n; i++) {
        const int64_t from = news_from(p, &p->seen[i]);
        if (from < p->published && begins_a_burst(p->seen, i))
            note_late(p, from, "a burst was published");
    }
}

static void take_events(struct publisher *p)
{
    struct air_event events[EVENT_BATCH];
    size_t n;
    while ((n = air_events_take(p->cfg.air, events, EVENT_BATCH)) > 0) {
        p->news = true;
        for (size_t i = 0; i < n; i++) {
            if (events[i].kind != AIR_EVENT_GPIO || events[i].radio != 0)
                continue;
            boards_edge(p->boards, events[i].tick, events[i].rising, events[i].falling);
            if (!rewind_to(p, events[i].tick))
                note_late(p, events[i].tick, "a trigger edge was published");
            p->counts.edges++;
        }
    }
}

int publisher_report(struct publisher *p, const struct ris_report *report, struct status *err)
{
    size_t ris;
    take_events(p);
    rewind_to(p, 0);
    int rc = boards_report(p->boards, report, p->published, &ris, err);
    p->counts.reports += rc == 0;
    return rc;
}

/* --- sets and snapshots ------------------------------------------------------------------- */

/* +1 or -1 when the pattern is the base profile or its complement, else 0. */
static float sign_of(const struct publisher *p, size_t ris, const uint8_t *pattern)
{
    struct ris_shape shape = boards_shape(p->boards, ris);
    size_t bytes = ris_pattern_bytes(shape);
    uint8_t flipped[RIS_PATTERN_MAX];
    if (!memcmp(pattern, p->base[ris], bytes))
        return 1;
    ris_pattern_flip(shape, pattern, flipped);
    return memcmp(flipped, p->base[ris], bytes) ? 0 : -1;
}

static void rebase(struct publisher *p, size_t ris, const uint8_t *pattern)
{
    struct ris_shape shape = boards_shape(p->boards, ris);
    uint8_t states[SCENE_MAX_ELEMENTS];
    for (size_t m = 0; m < (size_t)(shape.columns * shape.rows); m++)
        states[m] = (uint8_t)ris_pattern_get(shape, pattern, m);
    channel_set_profile(p->cfg.channel, ris, states);
    memcpy(p->base[ris], pattern, ris_pattern_bytes(shape));
    p->current.valid = false;
}

/* Pixels change between ticks, so that no rounding decides. */
static double pixel_time(const struct publisher *p, int64_t tick)
{
    return ((double)tick + 0.5) / p->cfg.scene->rate_hz;
}

/* First tick after `tick` at which a pixel of the surface breaks or heals. */
static int64_t next_failure(const struct publisher *p, size_t ris, int64_t tick)
{
    const struct scene *scene = p->cfg.scene;
    double next_s = pixels_next(&scene->ris[ris], pixel_time(p, tick));
    if (!(next_s * scene->rate_hz < 9e18))
        return BOARDS_NEVER;
    int64_t next = (int64_t)ceil(next_s * scene->rate_hz - 0.5);
    return next > tick ? next : tick + 1;
}

/* Gives the channel the pixels of the tick, if it holds those of another time. */
static void read_pixels(struct publisher *p, size_t ris, int64_t tick)
{
    const struct scene *scene = p->cfg.scene;
    struct pixel pixels[SCENE_MAX_ELEMENTS];
    if (scene->ris[ris].n_failures == 0 ||
        (tick >= p->pixels_from[ris] && tick < p->pixels_to[ris]))
        return;
    pixels_at(&scene->ris[ris], pixel_time(p, tick), pixels);
    channel_set_pixels(p->cfg.channel, ris, pixels);
    p->pixels_from[ris] = tick;
    p->pixels_to[ris] = next_failure(p, ris, tick);
    p->current.valid = false;
}

/* Signs of the surfaces at tick; a profile that is new becomes the base. */
static void read_boards(struct publisher *p, int64_t tick, struct air_snap *snap)
{
    float sign[SCENE_MAX_RIS] = {1, 1};
    for (size_t ris = 0; ris < p->cfg.scene->n_ris; ris++) {
        int64_t next;
        read_pixels(p, ris, tick);
        const uint8_t *pattern = boards_pattern(p->boards, ris, tick, &next);
        sign[ris] = sign_of(p, ris, pattern);
        if (sign[ris] == 0) {
            rebase(p, ris, pattern);
            sign[ris] = 1;
        }
    }
    snap->sign1 = sign[0];
    snap->sign2 = sign[1];
}

static void fill_links(struct publisher *p, const struct air_set *set, unsigned index)
{
    unsigned tx_radio, tx_port;
    port_of(p, index, &tx_radio, &tx_port);
    for (unsigned rx_radio = 0; rx_radio <= p->cfg.scene->n_users; rx_radio++)
        for (unsigned rx = 0; rx < (rx_radio ? 1 : p->cfg.scene->bs_rx.n); rx++) {
            struct air_link *link = air_set_link(p->cfg.air, set, tx_radio, tx_port, rx_radio, rx);
            link->groups = channel_link(p->cfg.channel, tx_radio, tx_port, rx_radio, rx,
                                        &link->h[0][0], link->rate_rad_s);
        }
}

static int make_set(struct publisher *p, uint64_t ports, int64_t from, int64_t ticks)
{
    struct air_set set;
    int64_t reference = from + ticks / 2;
    int rc = air_set_begin(p->cfg.air, reference, &set);
    if (rc)
        return rc;
    channel_move(p->cfg.channel, (double)reference / p->cfg.scene->rate_hz);
    for (unsigned i = 0; i < n_tx_ports(p); i++)
        if (ports >> i & 1)
            fill_links(p, &set, i);
    air_set_commit(p->cfg.air, &set);
    p->current = (struct current){
        .valid = true, .id = set.id, .ports = ports, .window_from = from, .window_ticks = ticks};
    p->counts.sets++;
    return 0;
}

/* What is on the air at a tick, and how long that stays so. */
struct activity {
    uint64_t ports;
    int64_t window_from, window_ticks, next;
};

static void read_activity(const struct publisher *p, int64_t tick, int64_t end,
                          struct activity *out)
{
    int64_t since = BOARDS_NEVER;
    *out = (struct activity){.next = end};
    for (size_t i = 0; i < p->n_spans; i++) {
        const struct span *s = &p->spans[i];
        int64_t edge = tick < s->from ? s->from : s->to;
        if (tick < edge && edge < out->next)
            out->next = edge;
        if (tick < s->from || tick >= s->to)
            continue;
        out->ports |= UINT64_C(1) << s->port;
        if (s->from < since)
            since = s->from;
    }
    if (!out->ports)
        return;
    bool steady = tick - since > STEADY_UPDATES * p->window_ticks;
    out->window_ticks = p->window_ticks * (steady ? STEADY_FACTOR : 1);
    out->window_from = tick - tick % out->window_ticks;
    if (out->window_from + out->window_ticks < out->next)
        out->next = out->window_from + out->window_ticks;
    for (size_t ris = 0; ris < p->cfg.scene->n_ris; ris++) {
        int64_t change;
        boards_pattern(p->boards, ris, tick, &change);
        if (change < out->next)
            out->next = change;
        change = next_failure(p, ris, tick);
        if (change < out->next)
            out->next = change;
    }
}

/* Makes sure that the right snapshot holds from tick on. */
static int publish_at(struct publisher *p, int64_t tick, const struct activity *now)
{
    struct air_snap snap = {.tick = tick};
    read_boards(p, tick, &snap);
    const struct current *c = &p->current;
    if (!c->valid || (now->ports & ~c->ports) || c->window_from != now->window_from ||
        c->window_ticks != now->window_ticks) {
        int rc = make_set(p, now->ports, now->window_from, now->window_ticks);
        if (rc)
            return rc;
    }
    snap.set_id = c->id;
    if (c->last.set_id == snap.set_id && c->last.sign1 == snap.sign1 && c->last.sign2 == snap.sign2)
        return 0;
    int rc = air_snap_push(p->cfg.air, &snap, 1);
    if (!rc) {
        p->current.last = snap;
        p->counts.snaps++;
    }
    return rc;
}

static void note_first_burst(struct publisher *p)
{
    for (size_t i = 0; p->first_burst == AIR_NEVER && i < p->n_spans; i++)
        if (p->spans[i].port < p->cfg.scene->bs_tx.n)
            p->first_burst = p->spans[i].from;
}

/* Publishes up to target what is known of it now. */
static void publish(struct publisher *p, int64_t target)
{
    struct activity now;
    int64_t past = air_now(p->cfg.air);
    if (past > p->published)
        past = p->published;
    boards_forget(p->boards, past);
    p->spans_from = past;
    p->n_spans = collect_spans(p, past, target, p->spans);
    note_first_burst(p);
    while (p->published < target) {
        read_activity(p, p->published, target, &now);
        if (now.ports && publish_at(p, p->published, &now)) {
            p->counts.busy++;
            break;
        }
        p->published = now.next;
    }
}

int64_t publisher_run(struct publisher *p, int64_t target)
{
    struct air *air = p->cfg.air;
    /* What comes to be known meanwhile is taken in before the readers are let in; late bursts that
     * were counted are known once publish() has listed them. */
    for (int round = 0; round < MAX_ROUNDS; round++) {
        const int64_t before = p->published;
        const uint64_t late = p->counts.late;
        take_events(p);
        find_late_packets(p);
        if (round && p->published == before && p->counts.late == late)
            break;
        publish(p, target);
    }
    if (p->news) /* both calls wake every sleeper, us included */
        air_events_done(air);
    p->news = false;
    if (p->published > p->horizon)
        air_set_horizon(air, p->horizon = p->published);
    return p->published;
}
