/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The control thread's loop: publishes what the other threads hand over, answers commands, keeps
 * the totals that `health` reports. */
#include "base/log.h"
#include "base/notify.h"
#include "base/options.h"
#include "host/bs/cycle_audit.h"
#include "host/bs/daemon.h"
#include "host/bs/trouble_watch.h"
#include "host/bs/user_news.h"
#include "host/clock.h"
#include "host/log_tap.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { TEXT_BYTES = 32768, HEALTH_MS = 500, LOG_BYTES = 1024 };

struct totals {
    uint64_t n; /* positions published */
    struct report_stages sum, max;
    double latency_sum, latency_max;
    double room_s;
    uint64_t cycle;
    bool background_valid, background_running;
};

struct publisher {
    struct daemon *d;
    struct trouble_watch trouble;
    struct control *control;
    struct totals totals;
    struct site_status site;
    struct radio_setting setting; /* of the last cycle */
    struct cycle_audit audit;
    uint64_t run;          /* of this start: when it was */
    uint64_t published[8]; /* of each topic */
    struct log_tap log;
    struct user_news users;
    char text[TEXT_BYTES];
};

static const char *const topics[] = {"fix",    "cycle", "paths", "ris",
                                     "health", "log",   "calib", "link"};
enum { TOPICS = sizeof topics / sizeof topics[0] };

static uint64_t *counter_of(struct publisher *p, const char *topic)
{
    size_t i = 0;
    while (i + 1 < TOPICS && strcmp(topics[i], topic) != 0)
        i++;
    return &p->published[i];
}

/* Adds to the header which message of its topic this is, and of which start of the daemon. */
static int add_number(struct publisher *p, const char *topic, int length)
{
    if (length < 1 || p->text[length - 1] != '}')
        return -1;
    int n = snprintf(p->text + length - 1, sizeof p->text - (size_t)length + 1,
                     ",\"seq\":%" PRIu64 ",\"run\":\"%016" PRIx64 "\"}", ++*counter_of(p, topic),
                     p->run);
    return n > 0 && (size_t)n <= sizeof p->text - (size_t)length ? length - 1 + n : -1;
}

static void publish(void *context, const char *topic, int length, const void *array, size_t n)
{
    struct publisher *p = context;
    length = add_number(p, topic, length);
    const struct socket_frame frames[] = {
        {topic, strlen(topic)},
        {p->text, length > 0 ? (size_t)length : 0},
        {array, n},
    };
    if (length < 0 || socket_send(p->d->p.telemetry, frames, array ? 3 : 2))
        log_debug("telemetry %s not sent", topic);
}

static void note_stages(struct report_stages *sum, struct report_stages *max,
                        const struct report_stages *s)
{
    const double value[] = {s->sensing_us, s->sync_us, s->response_us, s->fix_us, s->total_us};
    double *to_sum[] = {&sum->sensing_us, &sum->sync_us, &sum->response_us, &sum->fix_us,
                        &sum->total_us};
    double *to_max[] = {&max->sensing_us, &max->sync_us, &max->response_us, &max->fix_us,
                        &max->total_us};
    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++) {
        *to_sum[i] += value[i];
        *to_max[i] = fmax(*to_max[i], value[i]);
    }
}

static void note(struct publisher *p, const struct cycle_report *r, double latency_ms)
{
    struct totals *t = &p->totals;
    t->room_s = r->time_s;
    t->cycle = r->plan.cycle;
    t->background_valid = r->background_valid;
    t->background_running = r->background_running;
    site_status_note(&p->site, r);
    if (r->outcome != FIX_DONE)
        return;
    note_stages(&t->sum, &t->max, &r->stages);
    t->n++;
    t->latency_sum += latency_ms;
    t->latency_max = fmax(t->latency_max, latency_ms);
}

static struct report_stages mean_stages(const struct totals *t)
{
    double n = t->n ? (double)t->n : 1;
    return (struct report_stages){t->sum.sensing_us / n, t->sum.sync_us / n, t->sum.response_us / n,
                                  t->sum.fix_us / n, t->sum.total_us / n};
}

static void get_orders(void *context, struct health_orders *out)
{
    const struct publisher *p = context;
    const struct roster *roster = p->d->p.roster;
    const struct schedule *s = &p->d->p.schedule;
    struct health_orders o = {.paused_s = daemon_paused_s(p->d),
                              .n_user = roster_size(roster),
                              .every = daemon_every(p->d)};
    o.identity = pipeline_identity(p->d->p.pipeline);
    o.period_s = o.every * (double)s->period / (double)s->rate;
    tuning_state(p->d->p.tuning, &o.radio);
    for (size_t i = 0; i < BS_RIS; i++)
        o.held[i] = pipeline_held(p->d->p.pipeline, i);
    for (size_t u = 0; u < o.n_user; u++) {
        const size_t place = roster_place(roster, u);
        struct pipeline_user_counters n;
        pipeline_user_counters(p->d->p.pipeline, place, &n);
        o.user[u].id = roster_id(roster, place);
        o.user[u].place = place;
        o.user[u].allowed = pipeline_allowed(p->d->p.pipeline, place);
        o.user[u].rate_hz = roster_rate_hz(roster, place);
        o.user[u].priority = roster_priority(roster, place);
        o.user[u].consent = n.consent;
        o.user[u].asked = n.asked;
        o.user[u].permitted = n.permitted;
        o.user[u].fixes = n.fixes;
    }
    *out = o;
}

static void get_health(void *context, struct health *h)
{
    struct publisher *p = context;
    struct daemon *d = p->d;
    const struct totals *t = &p->totals;
    *h = (struct health){
        .state = stop_requested()         ? "stopping"
                 : daemon_paused_s(d) > 0 ? "paused"
                 : t->background_running  ? "background"
                                          : "running",
        .room_s = t->room_s,
        .last_cycle = t->cycle,
        .ris = {.arms = atomic_load(&d->ris[0]),
                .acks = atomic_load(&d->ris[1]),
                .late = atomic_load(&d->ris[2]),
                .nacks = atomic_load(&d->ris[3]),
                .lost = atomic_load(&d->ris[4])},
        .stage_mean = mean_stages(t),
        .stage_max = t->max,
        .latency_mean_ms = t->n ? t->latency_sum / (double)t->n : 0,
        .latency_max_ms = t->latency_max,
        .cycles_skipped = atomic_load(&d->cycles_skipped),
        .telemetry_dropped = telemetry_queue_dropped(d->p.reports),
        .sends_failed = atomic_load(&d->sends_failed),
        .trains_lost = atomic_load(&d->trains_lost),
        .slots_late = atomic_load(&d->slots_late),
        .clients_refused = sockets_refused(d->p.sockets),
        .background_valid = t->background_valid,
        .grant = d->grant,
        .memory_locked = d->memory_locked,
        .site = p->site,
    };
    get_orders(p, &h->orders);
    deadlines_read(d->p.deadlines, h->deadline);
    if (d->p.witness)
        witness_read(d->p.witness, &h->witness);
    recorder_status(d->p.recorder, &h->recorder);
    user_links_health(d->p.links, d->p.roster, &h->traffic);
    user_news_health(&p->users, clock_ns(), h);
    pipeline_counters(d->p.pipeline, &h->pipeline);
    radio_counters(d->p.radio, &h->radio);
}

static void publish_health(void *context)
{
    struct publisher *p = context;
    struct health h;
    get_health(p, &h);
    publish(p, "health", telemetry_format_health(&h, p->text, sizeof p->text), NULL, 0);
}

/* With a user known to stand at run.debug_truth_m, what each path is off by. */
static void debug_truth(struct publisher *p, const struct cycle_report *r)
{
    const double *t = p->d->p.cfg->run.debug_truth_m;
    if (isnan(t[0]))
        return;
    const struct anchors a = bs_config_anchors(p->d->p.cfg);
    const struct vec3 u = {t[0], t[1], t[2]};
    for (size_t i = 0; i < 3; i++)
        if (r->path[i].found)
            log_debug("%s: %.3f m, truth %+.3f m, snr %.1f dB, peak %.1f dB", report_path_name(i),
                      r->path[i].length_m,
                      r->path[i].length_m - fix_predict(&a, ROW_L1 + i, u, NULL), r->path[i].snr_db,
                      r->path[i].peak_db);
}

/* The pipeline has dropped what held under another gain or frequency; the site's calibration goes
 * on under this one. */
static void watch_setting(struct publisher *p, const struct cycle_report *r)
{
    const struct radio_setting *now = &r->plan.radio, *was = &p->setting;
    if (now->carrier_hz == was->carrier_hz && now->tx_gain_db == was->tx_gain_db &&
        now->rx_gain_db == was->rx_gain_db)
        return;
    p->setting = *now;
    site_calib_radio(p->d->p.site, now);
    p->site.last = (struct report_site){0}; /* without a leak no cycle would say otherwise */
    log_info(
        "from cycle %llu: %.6f MHz, TX %.1f dB, RX %.1f dB; what was calibrated before is void",
        (unsigned long long)r->plan.cycle, now->carrier_hz * 1e-6, now->tx_gain_db,
        now->rx_gain_db);
}

static void publish_cycle(struct publisher *p, struct cycle_report *r)
{
    const int64_t now = clock_ns();
    const double latency_ms = (double)(now - r->received_ns) * 1e-6;
    user_news_fix(&p->users, r, latency_ms);
    if (r->outcome == FIX_DONE)
        deadlines_note(p->d->p.deadlines, DEADLINE_PUBLISH, r->received_ns, now);
    atomic_store(&p->d->published, r->plan.index);
    user_news_cycle(&p->users, r, latency_ms);
    note(p, r, latency_ms);
    watch_setting(p, r);
    (void)trouble_watch_sight(&p->trouble, p->d->p.cfg, r);
    cycle_audit_note(&p->audit, p->d->p.audit, r);
    debug_truth(p, r);
}

static void publish_ris(struct publisher *p, struct telemetry_ris *r)
{
    user_news_ris(&p->users, r);
    int n = telemetry_format_ris(r, p->d->p.cfg, p->text, sizeof p->text);
    publish(p, "ris", n, NULL, 0);
    trouble_watch_ris(&p->trouble, p->d->p.cfg, r);
}

static void drain_reports(struct publisher *p)
{
    struct telemetry_item item;
    telemetry_queue_clear_fd(p->d->p.reports);
    while (telemetry_queue_take(p->d->p.reports, &item)) {
        if (item.kind == TELEMETRY_CYCLE)
            publish_cycle(p, &item.report);
        else if (item.kind == TELEMETRY_LOG)
            publish(p, "log", telemetry_format_log(&item.log, p->text, sizeof p->text), NULL, 0);
        else if (item.kind == TELEMETRY_RIS)
            publish_ris(p, &item.ris);
        else
            user_news_link(&p->users, roster_find(p->d->p.roster, item.link.user_id), &item.link);
    }
}

static void publish_pixels(struct publisher *p)
{
    struct pixel_message m;
    while (p->d->p.news && pixel_news_take(p->d->p.news, &m)) {
        if (m.n_header < sizeof p->text)
            memcpy(p->text, m.header, m.n_header);
        else
            m.n_header = 0;
        publish(p, "calib", (int)m.n_header, m.arrays, m.n_arrays);
    }
}

static void ask_background(void *context, unsigned cycles)
{
    struct publisher *p = context;
    pipeline_background(p->d->p.pipeline, cycles);
}

static void ask_hold(void *context, size_t surface, int profile)
{
    const struct publisher *p = context;
    if (pipeline_hold(p->d->p.pipeline, surface, profile))
        log_error("surface %zu has no profile %d", surface, profile);
}

static int ask_allow(void *context, int id, bool allow)
{
    struct publisher *p = context;
    const size_t place = roster_find(p->d->p.roster, id);
    if (place == BS_USERS_MAX)
        return ERR_NOT_FOUND;
    pipeline_allow(p->d->p.pipeline, place, allow);
    if (!allow)
        user_news_forget(&p->users, id);
    return OK;
}

static uint64_t cycles_done(const struct publisher *p)
{
    struct pipeline_counters n;
    pipeline_counters(p->d->p.pipeline, &n);
    return n.cycles;
}

/* How long each user waits from turn to turn: its rate, or a share of what the rates leave. */
static void tell_revisit(const struct publisher *p)
{
    struct turn_user user[BS_USERS_MAX];
    const struct schedule *s = &p->d->p.schedule;
    const double period_s = (double)s->period / (double)s->rate;
    const double cycle_s = period_s * daemon_every(p->d);
    double left = 1, n_rest = 0;
    roster_users(p->d->p.roster, user);
    for (size_t i = 0; i < BS_USERS_MAX; i++) {
        n_rest += user[i].served && user[i].interval_s == 0;
        left -= user[i].served && user[i].interval_s > 0 ? cycle_s / user[i].interval_s : 0;
    }
    for (size_t i = 0; i < BS_USERS_MAX; i++) {
        const double share_s = cycle_s * n_rest / fmax(left, 1e-3);
        const double wait_s = user[i].interval_s > 0 ? user[i].interval_s : share_s;
        if (user[i].served)
            pipeline_revisit(p->d->p.pipeline, i,
                             (unsigned)fmin(1e6, fmax(1, round(wait_s / period_s))));
    }
}

static int ask_add(void *context, const struct roster_wish *wish, struct status *err)
{
    const struct publisher *p = context;
    int place = roster_add(p->d->p.roster, wish, cycles_done(p), err);
    if (place < 0)
        return place;
    pipeline_allow(p->d->p.pipeline, (size_t)place, true); /* first: who joins was never withheld */
    pipeline_user(p->d->p.pipeline, (size_t)place, wish->id);
    if (user_links_add(p->d->p.links, (size_t)place, p->d->p.roster, err))
        return err->code;
    roster_serve(p->d->p.roster, (size_t)place);
    tell_revisit(p);
    return OK;
}

static int ask_rate(void *context, const struct roster_wish *wish, struct status *err)
{
    const struct publisher *p = context;
    int rc = roster_set(p->d->p.roster, wish, err);
    tell_revisit(p);
    return rc;
}

/* A cycle that is under way gives no position of this user either. */
static int ask_remove(void *context, int id, struct status *err)
{
    struct publisher *p = context;
    int place = roster_remove(p->d->p.roster, id, cycles_done(p), err);
    if (place < 0)
        return place;
    pipeline_allow(p->d->p.pipeline, (size_t)place, false);
    pipeline_user(p->d->p.pipeline, (size_t)place, -1);
    user_links_remove(p->d->p.links, (size_t)place);
    user_news_forget(&p->users, id);
    tell_revisit(p);
    return OK;
}

static void ask_pause(void *context, double seconds)
{
    const struct publisher *p = context;
    atomic_store(&p->d->paused_until_ns, seconds > 0 ? clock_ns() + (int64_t)(1e9 * seconds) : 0);
}

static int ask_tune(void *context, const struct radio_setting *want, struct status *err)
{
    const struct publisher *p = context;
    return tuning_ask(p->d->p.tuning, want, err);
}

static void ask_every(void *context, unsigned periods)
{
    const struct publisher *p = context;
    atomic_store(&p->d->every, periods);
    tell_revisit(p);
}

static void ask_identity(void *context, enum bs_identity identity)
{
    const struct publisher *p = context;
    pipeline_identify(p->d->p.pipeline, identity);
}

static void audit_command(void *context, const char *line)
{
    const struct publisher *p = context;
    audit_write(p->d->p.audit, "%s", line);
}

static void ask_shutdown(void *context)
{
    (void)context;
    stop_request();
}

static void loop(struct publisher *p)
{
    zmq_pollitem_t items[] = {
        {.socket = p->d->p.control, .events = ZMQ_POLLIN},
        {.fd = telemetry_queue_fd(p->d->p.reports), .events = ZMQ_POLLIN},
        {.fd = stop_fd(), .events = ZMQ_POLLIN},
    };
    int64_t due = 0;
    struct status err = {0};
    while (!stop_requested()) {
        zmq_poll(items, 3, HEALTH_MS);
        drain_reports(p);
        publish_pixels(p);
        control_serve(p->control);
        notify_alive(atomic_load(&p->d->heartbeat));
        if (clock_ns() < due)
            continue;
        due = clock_ns() + (int64_t)HEALTH_MS * 1000000;
        site_calib_health(p->d->p.site, &p->site.health);
        trouble_watch_site(&p->site, p->d->p.cfg);
        publish_health(p);
        trouble_watch_radio(&p->trouble, p->d->p.radio);
        if (cycle_counter_refresh(&p->d->p.counter, &err))
            log_error("%s", err.text);
    }
}

int daemon_serve(struct daemon *d, struct status *err)
{
    static struct publisher publisher; /* one daemon per process; too large for the stack */
    struct publisher *p = &publisher;
    const struct control_ops ops = {.health = get_health,
                                    .background = ask_background,
                                    .shutdown = ask_shutdown,
                                    .hold = ask_hold,
                                    .allow = ask_allow,
                                    .add_user = ask_add,
                                    .set_user = ask_rate,
                                    .remove_user = ask_remove,
                                    .pause = ask_pause,
                                    .orders = get_orders,
                                    .tune = ask_tune,
                                    .every = ask_every,
                                    .identify = ask_identity,
                                    .audit = audit_command,
                                    .context = p,
                                    .site = d->p.site,
                                    .recorder = d->p.recorder,
                                    .record_folder = d->p.record_folder,
                                    .scene = {d->p.cfg, &d->p.schedule, d->p.profiles}};
    *p = (struct publisher){.d = d, .run = (uint64_t)clock_unix_ns()};
    p->users.cfg = (struct user_news_cfg){.pipeline = d->p.pipeline,
                                          .publish = publish,
                                          .health = publish_health,
                                          .context = p,
                                          .text = p->text,
                                          .size = sizeof p->text};
    p->setting = (struct radio_setting){d->p.cfg->radio.carrier_hz, d->p.cfg->radio.tx_gain_db,
                                        d->p.cfg->radio.rx_gain_db};
    tell_revisit(p);
    p->control = control_create(d->p.control, &ops, err);
    if (!p->control)
        return err->code;
    log_tap_open(&p->log, d->p.reports);
    loop(p);
    notify_stopping();
    log_tap_close();
    drain_reports(p);
    publish_pixels(p);
    if (d->p.news)
        pixel_news_save(d->p.news);
    publish_health(p);
    cycle_audit_close(&p->audit, p->d->p.audit);
    control_destroy(&p->control);
    return OK;
}
