/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Makes the parts of the daemon in the order in which faults are cheapest to find: files, sockets,
 * the RIS controller, the radio, then memory and plans. */
#include "base/log.h"
#include "base/options.h"
#include "host/bs/daemon.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { BLOCKS = 3, REPORTS = 64 };

static int read_keys(struct daemon_parts *p, struct status *err)
{
    p->roster = roster_create(p->cfg, err);
    return p->roster ? OK : err->code;
}

static int open_state(struct daemon_parts *p, struct status *err)
{
    const struct bs_cfg *cfg = p->cfg;
    char path[BS_TEXT + 32];
    if (state_dir_ensure(cfg->run.state_dir, err))
        return err->code;
    snprintf(path, sizeof path, "%s/cycle", cfg->run.state_dir);
    if (cycle_counter_open(&p->counter, path, cfg->cycle.first, err))
        return err->code;
    snprintf(path, sizeof path, "%s/audit.log", cfg->run.state_dir);
    p->audit = audit_open(cfg->audit_file[0] ? cfg->audit_file : path, err);
    return p->audit ? OK : err->code;
}

static int open_sockets(struct daemon_parts *p, struct status *err)
{
    const struct bs_cfg *cfg = p->cfg;
    struct sockets_cfg sc = {.n_client_public_keys = cfg->n_client_keys};
    snprintf(sc.secret_key_file, sizeof sc.secret_key_file, "%s", cfg->secret_key_file);
    for (size_t i = 0; i < cfg->n_client_keys; i++)
        memcpy(sc.client_public_keys[i], cfg->client_keys[i], sizeof cfg->client_keys[i]);
    p->sockets = sockets_create(&sc, err);
    if (!p->sockets)
        return err->code;
    p->telemetry = sockets_bind(p->sockets, ZMQ_PUB, cfg->telemetry_endpoint, err);
    if (!p->telemetry)
        return err->code;
    p->control = sockets_bind(p->sockets, ZMQ_ROUTER, cfg->control_endpoint, err);
    if (!p->control)
        return err->code;
    int rc = cfg->telemetry_remote[0]
                 ? sockets_bind_too(p->sockets, p->telemetry, cfg->telemetry_remote, err)
                 : OK;
    if (rc == OK && cfg->control_remote[0])
        rc = sockets_bind_too(p->sockets, p->control, cfg->control_remote, err);
    return rc;
}

/* A board that is absent does not keep the base station from starting: its cycles are marked, and
 * it gets its profiles when it is there (arming.h). */
static int unless_absent(struct daemon_parts *p, size_t i, int rc, struct status *err)
{
    const struct status why = *err;
    struct ris_client_board board;
    if (rc == OK)
        return OK;
    rc = ris_client_status(p->ris, i, &board, err);
    if (rc == OK && !board.present) {
        log_warn("%s; its cycles are marked until it is there", why.text);
        return OK;
    }
    *err = why;
    return why.code;
}

static int set_up_pilots(struct daemon_parts *p, struct status *err)
{
    for (size_t i = 0; i < BS_RIS; i++) {
        if (pilot_profiles_make(p->cfg, i, &p->pilots[i], err))
            return err->code;
        int rc = pilot_profiles_load(p->ris, i, &p->profiles[i], &p->pilots[i], err);
        if (unless_absent(p, i, rc, err))
            return err->code;
    }
    return OK;
}

static int set_up_ris(struct daemon_parts *p, struct status *err)
{
    const struct bs_cfg *cfg = p->cfg;
    struct ris_client_cfg rc = {
        .sockets = p->sockets,
        .endpoint = cfg->ris.endpoint,
        .n_board = BS_RIS,
        .timeout_ms = (unsigned)cfg->ris.timeout_ms,
    };
    for (size_t i = 0; i < BS_RIS; i++)
        rc.boards[i] = cfg->ris.boards[i].name;
    p->ris = ris_client_create(&rc, err);
    if (!p->ris)
        return err->code;
    for (size_t i = 0; i < BS_RIS; i++)
        if (profiles_design(cfg, p->ris, i, &p->profiles[i], err))
            return err->code;
    if (bs_config_boards(cfg, (enum bs_identity)cfg->identity.mode, p->profiles, err))
        return err->code;
    for (size_t i = 0; i < BS_RIS; i++)
        if (unless_absent(p, i, profiles_load(p->ris, i, &p->profiles[i], err), err))
            return err->code;
    return cfg->pixels.train.every > 0 ? set_up_pilots(p, err) : OK;
}

static int make_pipeline(struct daemon_parts *p, struct status *err)
{
    struct pipeline_cfg pc = {
        .cfg = p->cfg, .schedule = &p->schedule, .keys = roster_keys(p->roster)};
    for (size_t i = 0; i < BS_RIS; i++)
        pc.profiles[i] = &p->profiles[i];
    p->pipeline = pipeline_create(&pc, err);
    return p->pipeline ? OK : err->code;
}

static int make_hand_off(struct daemon_parts *p, struct status *err)
{
    const size_t n_rx = p->cfg->radio.n_rx;
    const struct schedule_span *w = p->schedule.window;
    p->sensing_pool = block_pool_create(BLOCKS, n_rx, (size_t)w[WINDOW_SENSING].n, err);
    if (!p->sensing_pool)
        return err->code;
    p->response_pool = block_pool_create(BLOCKS, n_rx, (size_t)w[WINDOW_RESPONSE].n, err);
    if (!p->response_pool)
        return err->code;
    p->queue = block_queue_create(err);
    if (!p->queue)
        return err->code;
    p->reports = telemetry_queue_create(REPORTS, p->cfg->run.gated, err);
    if (!p->reports)
        return err->code;
    p->gate = cycle_gate_create(err);
    return p->gate ? OK : err->code;
}

/* On the CPUs where the radio threads may run. */
static void call_witness(struct daemon_parts *p)
{
    int cpus[WITNESS_CPUS_MAX];
    struct status why = {0};
    size_t n = p->cfg->run.n_cpu;
    if (n > 0)
        memcpy(cpus, p->cfg->run.cpus, n * sizeof *cpus);
    else
        n = realtime_cpus(cpus, WITNESS_CPUS_MAX);
    p->witness = witness_create(cpus, n, &why);
    if (!p->witness)
        log_warn("%s", why.text);
}

/* What a stage may take: the boards' answer before the burst, the paths before the answer comes. */
static int make_watch(struct daemon_parts *p, struct status *err)
{
    const struct bs_cfg *cfg = p->cfg;
    const struct schedule_span *w = p->schedule.window;
    const double rate = (double)p->schedule.rate, latency = cfg->run.latency_budget_s;
    int64_t pause = w[WINDOW_RESPONSE].begin - w[WINDOW_SENSING].begin - w[WINDOW_SENSING].n;
    struct deadlines_cfg dc = {.budget_s = {[DEADLINE_ARM] = 1e-3 * p->cfg->ris.ack_ms,
                                            [DEADLINE_SENSING] = (double)pause / rate,
                                            [DEADLINE_RESPONSE] = latency / 2,
                                            [DEADLINE_FIX] = latency / 2,
                                            [DEADLINE_TOTAL] = latency,
                                            [DEADLINE_PUBLISH] = latency}};
    if (cfg->run.gated) /* time waits: nothing is late */
        memset(dc.budget_s, 0, sizeof dc.budget_s);
    else if (cfg->run.realtime)
        call_witness(p);
    dc.witness = p->witness;
    p->deadlines = deadlines_create(&dc, err);
    return p->deadlines ? OK : err->code;
}

/* Who the boards are, and what an earlier run knew of their pixels. */
static void recall(const struct daemon_parts *p, const struct pixel_store_head *head,
                   struct pixel_map *map, const struct pixel_map **recalled)
{
    char path[BS_TEXT + 64];
    struct pixel_store_head stored;
    struct status why = {0};
    pixel_store_path(p->cfg->run.state_dir, head, path, sizeof path);
    int rc = pixel_store_read(path, &stored, map, &why);
    if (rc == OK && stored.columns == head->columns && stored.rows == head->rows)
        *recalled = map;
    else if (rc != ERR_NOT_FOUND)
        log_warn("%s", rc ? why.text : "a board's pixels are on record with another shape");
}

static int identify(struct daemon_parts *p, struct pixel_store_head *head, struct status *err)
{
    for (size_t i = 0; i < BS_RIS; i++) {
        struct ris_client_board board;
        if (ris_client_status(p->ris, i, &board, err))
            return err->code;
        head[i] = (struct pixel_store_head){.columns = p->pilots[i].shape.columns,
                                            .rows = p->pilots[i].shape.rows,
                                            .alarm = p->cfg->pixels.alarm};
        snprintf(head[i].board, sizeof head[i].board, "%s", p->cfg->ris.boards[i].name);
        snprintf(head[i].serial, sizeof head[i].serial, "%s", board.serial);
    }
    return OK;
}

static int make_worker(struct daemon_parts *p, struct status *err)
{
    struct calib_worker_cfg wc = {.cfg = p->cfg, .lossless = p->cfg->run.gated};
    struct pixel_news_cfg nc = {.cfg = p->cfg};
    static struct pixel_map known[BS_RIS]; /* large; setup runs once */
    cplx *gamma[BS_RIS];
    bool ok = true;
    if (identify(p, nc.head, err))
        return err->code;
    for (size_t i = 0; i < BS_RIS; i++) {
        recall(p, &nc.head[i], &known[i], &wc.recalled[i]);
        const struct ris_shape shape = p->pilots[i].shape;
        gamma[i] = calloc(p->pilots[i].n * shape.columns * shape.rows, sizeof *gamma[i]);
        ok = ok && gamma[i];
        if (gamma[i])
            pilot_profiles_gamma(&p->pilots[i], &p->profiles[i].states, gamma[i]);
        wc.profiles[i] = gamma[i];
    }
    p->calib = ok ? calib_worker_create(&wc, err) : NULL;
    for (size_t i = 0; i < BS_RIS; i++)
        free(gamma[i]);
    if (!ok)
        status_set(err, ERR_NO_MEMORY, "pilots: out of memory");
    nc.worker = p->calib;
    p->news = p->calib ? pixel_news_create(&nc, err) : NULL;
    return p->news ? OK : err->code;
}

/* Everything that live pilots need beside the boards' profiles. */
static int make_pilots(struct daemon_parts *p, struct status *err)
{
    if (p->cfg->pixels.train.every == 0)
        return OK;
    p->extract = pilot_extract_create(p->cfg, &p->schedule, err);
    if (!p->extract)
        return err->code;
    p->pilot_pool = block_pool_create(BLOCKS, p->cfg->radio.n_rx,
                                      (size_t)p->schedule.window[WINDOW_PILOTS].n, err);
    return p->pilot_pool ? make_worker(p, err) : err->code;
}

/* After the time is set: it copies the schedule. */
static int make_link(struct daemon_parts *p, struct status *err)
{
    const size_t n_rx = p->cfg->radio.n_rx;
    if (!p->cfg->data.enabled)
        return OK;
    if (p->cfg->port.kind != LINK_PORT_NONE) {
        p->links = user_links_create(p->cfg, p->roster, err);
        if (!p->links)
            return err->code;
    }
    p->link = air_link_create(p->cfg, &p->schedule, p->links, err);
    if (!p->link)
        return err->code;
    p->uplink_pool =
        block_pool_create(BLOCKS, n_rx, (size_t)p->schedule.window[WINDOW_UPLINK].n, err);
    p->sounding_pool =
        p->uplink_pool ? block_pool_create(2, n_rx, air_link_sounding_samps(p->link), err) : NULL;
    return p->sounding_pool ? OK : err->code;
}

static int set_time(struct daemon_parts *p, struct status *err)
{
    int64_t now;
    if (radio_now(p->radio, &now))
        return status_set(err, ERR_RADIO, "the radio does not tell its time");
    schedule_begin(&p->schedule,
                   now + (int64_t)(p->cfg->schedule.first_cycle_s * (double)p->schedule.rate));
    return OK;
}

static int make_all(struct daemon_parts *p, struct status *err)
{
    const struct radio_cfg radio = bs_config_radio(p->cfg);
    if (bs_config_schedule(p->cfg, &p->schedule, err) || read_keys(p, err) || open_state(p, err) ||
        open_sockets(p, err) || set_up_ris(p, err))
        return err->code;
    p->radio = radio_open(&radio, err);
    if (!p->radio)
        return err->code;
    p->burst = burst_create(p->cfg, err);
    p->tuning = p->burst ? tuning_create(p->cfg, err) : NULL;
    if (!p->tuning)
        return err->code;
    /* The pipeline copies the schedule, and the schedule starts when everything slow is done. */
    if (make_watch(p, err) || make_hand_off(p, err) || make_pilots(p, err) || set_time(p, err) ||
        make_link(p, err) || make_pipeline(p, err) || daemon_site_make(p, err) ||
        daemon_recorder_make(p, err))
        return err->code;
    return OK;
}

int daemon_parts_make(struct daemon_parts *p, const struct bs_cfg *cfg, struct status *err)
{
    p->cfg = cfg;
    if (make_all(p, err) == OK)
        return EXIT_DONE;
    return options_exit_code(err);
}

void daemon_parts_free(struct daemon_parts *p)
{
    radio_close(&p->radio); /* first: leaves the room's gate */
    recorder_destroy(&p->recorder);
    sample_stream_destroy(&p->stream);
    site_calib_destroy(&p->site);
    pipeline_destroy(&p->pipeline);
    burst_destroy(&p->burst);
    tuning_destroy(&p->tuning);
    air_link_destroy(&p->link);
    user_links_destroy(&p->links);
    roster_destroy(&p->roster);
    ris_client_destroy(&p->ris);
    socket_close(&p->control);
    socket_close(&p->telemetry);
    sockets_destroy(&p->sockets);
    block_pool_destroy(&p->sensing_pool);
    block_pool_destroy(&p->response_pool);
    block_pool_destroy(&p->pilot_pool);
    block_pool_destroy(&p->uplink_pool);
    block_pool_destroy(&p->sounding_pool);
    pilot_extract_destroy(&p->extract);
    pixel_news_destroy(&p->news);
    calib_worker_destroy(&p->calib);
    for (size_t i = 0; i < BS_RIS; i++)
        pilot_profiles_free(&p->pilots[i]);
    block_queue_destroy(&p->queue);
    telemetry_queue_destroy(&p->reports);
    cycle_gate_destroy(&p->gate);
    audit_close(&p->audit);
    deadlines_destroy(&p->deadlines);
    witness_destroy(&p->witness);
}
