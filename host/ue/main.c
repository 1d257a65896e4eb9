/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-ue: the user terminal. One thread that computes or waits in the radio's recv, and one
 * that only waits for the end. */
#include "base/log.h"
#include "base/notify.h"
#include "base/options.h"
#include "base/realtime.h"
#include "base/sockets.h"
#include "base/state_dir.h"
#include "host/ue/responder.h"
#include "host/ue/ue_config.h"
#include "host/ue/ue_control.h"
#include "host/ue/ue_link.h"
#include "host/ue/ue_report.h"
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { RADIO_FAILURES_MAX = 10, STOP_GRACE_S = 2 };
enum { REOPEN_MS = 200 }; /* longest pause between two attempts to open the radio */

struct ue {
    struct ue_cfg cfg;
    struct secure_keys keys, attack_keys;
    struct last_cycle last;
    struct permission permission;
    unsigned withdrawals;       /* heeded by the data link */
    struct ue_control *control; /* NULL: without control.endpoint */
    struct sockets *sockets;
    void *publisher;
    struct radio *radio;
    struct receiver *receiver;
    struct responder *responder;
    struct schedule schedule;
    struct ue_link *link;   /* NULL: without link.enabled */
    struct data_link *data; /* NULL: known data only */
    struct link_stats stats;
    struct link_port *port;
    uint64_t cycle; /* last accepted */
    int64_t reported_tick;
    uint64_t progress; /* for the service manager's watchdog */
};

static int load_key(const char *file, struct secure_keys *keys, struct status *err)
{
    uint8_t master[SECURE_MASTER_BYTES];
    if (key_file_read(file, master, sizeof master, err))
        return err->code = ERR_ARG; /* the path we were given is no key's */
    secure_keys_derive(master, keys);
    secure_wipe(master, sizeof master);
    return OK;
}

static int load_keys(struct ue *ue, struct status *err)
{
    if (secure_init())
        return status_set(err, ERR_STATE, "libsodium finds no randomness; check /dev/urandom");
    const int rc = load_key(ue->cfg.user.key_file, &ue->keys, err);
    return rc || !ue->cfg.attack_key_file[0]
               ? rc
               : load_key(ue->cfg.attack_key_file, &ue->attack_keys, err);
}

static int open_control(struct ue *ue, struct status *err)
{
    const uint32_t id = (uint32_t)ue->cfg.user.id;
    if (permission_open(&ue->permission, ue->cfg.run.state_dir, id, ue->cfg.user.permit, err))
        return err->code;
    if (!ue->cfg.control_endpoint[0])
        return OK;
    ue->control = ue_control_create(ue->cfg.control_endpoint, id, &ue->permission, err);
    return ue->control ? OK : err->code;
}

static int open_publisher(struct ue *ue, struct status *err)
{
    struct sockets_cfg cfg = {.n_client_public_keys = ue->cfg.n_client_keys};
    if (!ue->cfg.telemetry_endpoint[0])
        return OK;
    snprintf(cfg.secret_key_file, sizeof cfg.secret_key_file, "%s", ue->cfg.secret_key_file);
    for (size_t i = 0; i < ue->cfg.n_client_keys; i++)
        memcpy(cfg.client_public_keys[i], ue->cfg.client_keys[i], sizeof ue->cfg.client_keys[i]);
    ue->sockets = sockets_create(&cfg, err);
    if (!ue->sockets)
        return err->code;
    ue->publisher = sockets_bind(ue->sockets, ZMQ_PUB, ue->cfg.telemetry_endpoint, err);
    return ue->publisher ? OK : err->code;
}

static int open_radio(struct ue *ue, struct status *err)
{
    const struct radio_cfg cfg = ue_config_radio(&ue->cfg);
    ue->radio = radio_open(&cfg, err);
    return ue->radio ? OK : err->code;
}

static int make_receiver(struct ue *ue, struct status *err)
{
    const struct receiver_cfg cfg = {
        .waveform = ue_config_waveform(&ue->cfg),
        .scheme = link_scheme(&ue->cfg.waveform),
        .carrier_hz = ue->cfg.radio.carrier_hz,
        .period_s = ue->cfg.schedule.cycle_period_s,
        .lead_s = ue->cfg.lead_s,
        .lost_after = (unsigned)ue->cfg.run.lost_after,
    };
    ue->receiver = receiver_create(&cfg, ue->radio, err);
    return ue->receiver ? OK : err->code;
}

static int make_responder(struct ue *ue, struct status *err)
{
    const struct responder_cfg cfg = {
        .waveform = ue_config_waveform(&ue->cfg),
        .response_delay_s = ue->cfg.schedule.response_delay_s,
        .lead_s = ue->cfg.lead_s,
        .turnaround_ns = ue->cfg.user.turnaround_ns,
        .user_id = (uint32_t)ue->cfg.user.id,
        .permission = &ue->permission,
        .answer = {.mode = (uint8_t)ue->cfg.user.mode,
                   .height_cm = (uint16_t)lround(ue->cfg.user.height_m * 100),
                   .sigma_code = response_sigma_code(ue->cfg.user.height_sigma_m)},
        .attack = (enum attack_kind)ue->cfg.attack,
        .jam_after = (unsigned)ue->cfg.jam_after,
        .seal = ue->cfg.attack_key_file[0] ? &ue->attack_keys : NULL,
        .train = ue->cfg.train,
    };
    ue->responder = responder_create(&cfg, ue->radio, &ue->keys, &ue->last, err);
    return ue->responder ? OK : err->code;
}

static int make_port(struct ue *ue, struct status *err)
{
    const uint32_t id = (uint32_t)ue->cfg.user.id;
    if (ue->cfg.port.kind == LINK_PORT_NONE)
        return OK;
    ue->data = link_traffic_create(&ue->cfg.port, SECURE_LINK_UP, &ue->keys, err);
    if (!ue->data)
        return err->code;
    ue->port = link_port_create(&ue->cfg.port, false, id, err);
    return ue->port ? link_port_attach(ue->port, 0, id, ue->data, err) : err->code;
}

static int make_link(struct ue *ue, struct status *err)
{
    const struct waveform_cfg wave = ue_config_waveform(&ue->cfg);
    const struct schedule_cfg table =
        link_schedule_cfg(&wave, &ue->cfg.schedule, &ue->cfg.train, &ue->cfg.data);
    struct ue_link_cfg cfg = {.waveform = wave,
                              .schedule = &ue->schedule,
                              .lead_s = ue->cfg.lead_s,
                              .mcs = (unsigned)ue->cfg.data.mcs};
    if (!ue->cfg.data.enabled)
        return OK;
    if (schedule_init(&ue->schedule, &table, err) || make_port(ue, err))
        return err->code;
    cfg.data = ue->data;
    ue->link = ue_link_create(&cfg, ue->radio, err);
    return ue->link ? OK : err->code;
}

static int start(struct ue *ue, struct status *err)
{
    int rc = load_keys(ue, err);
    if (rc == OK)
        rc = last_cycle_open(&ue->last, ue->cfg.run.state_dir, (uint32_t)ue->cfg.user.id, err);
    if (rc == OK)
        rc = open_control(ue, err);
    if (rc == OK)
        rc = open_publisher(ue, err);
    if (rc == OK)
        rc = open_radio(ue, err);
    if (rc == OK)
        rc = make_receiver(ue, err);
    if (rc == OK)
        rc = make_responder(ue, err);
    if (rc == OK)
        rc = make_link(ue, err);
    return rc;
}

static void close_all(struct ue *ue)
{
    ue_link_destroy(&ue->link);
    link_port_destroy(&ue->port);
    data_link_destroy(&ue->data);
    responder_destroy(&ue->responder);
    receiver_destroy(&ue->receiver);
    radio_close(&ue->radio);
    socket_close(&ue->publisher);
    sockets_destroy(&ue->sockets);
    ue_control_destroy(&ue->control);
    last_cycle_free(&ue->last);
    secure_keys_wipe(&ue->keys);
    secure_keys_wipe(&ue->attack_keys);
}

/* A simulated room whose clock stands still holds recv for ever. Everything that must survive is on
 * disk already, so the user need not wait for it. */
static void *leave_at_last(void *unused)
{
    struct pollfd stop = {.fd = stop_fd(), .events = POLLIN};
    (void)unused;
    while (poll(&stop, 1, -1) < 0)
        ;
    sleep(STOP_GRACE_S);
    log_warn("the radio does not return; leaving without it");
    _exit(EXIT_DONE);
}

static int start_watch(struct status *err)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, leave_at_last, NULL) == 0 && pthread_detach(thread) == 0)
        return OK;
    return status_set(err, ERR_NO_MEMORY, "cannot start a thread; raise the process limit");
}

static void become_realtime(const struct ue *ue)
{
    const struct realtime_cfg wish = {
        .priority = REALTIME_USER, .cpus = ue->cfg.run.cpus, .n_cpu = ue->cfg.run.n_cpu};
    if (!ue->cfg.run.realtime)
        return;
    realtime_apply(pthread_self(), &wish);
    if (ue->cfg.run.lock_memory)
        realtime_lock_memory();
}

static void publish(struct ue *ue, const struct heard_burst *burst, enum responder_verdict verdict,
                    int64_t tick, const struct link_heard_report *link)
{
    char text[4096];
    struct ue_report report = {
        .burst = burst,
        .verdict = verdict,
        .cycle = ue->cycle,
        .time_s = ((double)tick + (burst ? burst->start_samps : 0)) / ue->cfg.radio.rate_hz,
        .receiver = ue->receiver,
        .responder = ue->responder,
        .link = link,
    };
    ue->reported_tick = tick;
    radio_counters(ue->radio, &report.radio);
    int n = ue_report_format(&report, text, sizeof text);
    if (!ue->publisher || n < 0)
        return;
    const struct socket_frame frames[] = {{"ue", 2}, {text, (size_t)n}};
    (void)!socket_send(ue->publisher, frames, 2); /* a slow reader loses reports, not the user */
}

/* The slots of this cycle, and what became of them. */
static void use_link(struct ue *ue, const struct heard_burst *burst)
{
    const double time_s = (double)burst->tick / ue->cfg.radio.rate_hz;
    struct link_rx down;
    struct data_link_state traffic;
    struct link_heard_report told = {
        .down = &down, .total = ue_link_totals(ue->link), .traffic = ue->data ? &traffic : NULL};
    if (ue_link_run(ue->link, burst, ue->cycle, responder_answered(ue->responder), &down))
        log_debug("the downlink slot was not recorded");
    if (ue->data)
        data_link_read(ue->data, &traffic);
    link_stats_note(&ue->stats, time_s, &down, told.traffic);
    link_stats_read(&ue->stats, time_s, &told.down_figures, &told.up_figures);
    publish(ue, burst, VERDICT_ANSWERED, burst->tick, &told);
}

static void hear(struct ue *ue, const struct heard_burst *burst)
{
    const bool was_synced = responder_user(ue->responder)->synced;
    enum responder_verdict verdict = responder_hear(ue->responder, burst, &ue->cycle);
    if (!was_synced && responder_user(ue->responder)->synced)
        log_info("in step with the base station");
    if (verdict == VERDICT_LATE || verdict == VERDICT_FAILED)
        log_warn("answer not sent: %s", responder_verdict_name(verdict));
    if (ue->link && verdict == VERDICT_ANSWERED)
        use_link(ue, burst);
    else
        publish(ue, burst, verdict, burst->tick, NULL);
}

static void tell_state(struct ue *ue, enum receiver_state before)
{
    const enum receiver_state now = receiver_state(ue->receiver);
    int64_t tick;
    if (now == RECEIVER_TRACK && before != RECEIVER_TRACK)
        log_info("base station found");
    if (now == RECEIVER_SEARCH && before == RECEIVER_TRACK)
        log_info("base station lost; searching");
    if (radio_now(ue->radio, &tick) == OK &&
        (double)(tick - ue->reported_tick) > ue->cfg.radio.rate_hz)
        publish(ue, NULL, VERDICT_NO_FRAME, tick, NULL);
}

/* Until the radio is open again or we are asked to stop. */
static void bring_back(struct ue *ue)
{
    struct pollfd stop = {.fd = stop_fd(), .events = POLLIN};
    struct status err;
    log_warn("radio.args '%s': %s; trying again until it is back", ue->cfg.radio.args,
             radio_is_down(ue->radio) ? "the device does not answer any more" : "no samples");
    for (int pause_ms = 20; !stop_requested();
         pause_ms = pause_ms < REOPEN_MS / 2 ? 2 * pause_ms : REOPEN_MS) {
        if (radio_reopen(ue->radio, &err) == OK) {
            log_info("the radio is back");
            return;
        }
        ue_link_heed(ue->data, &ue->permission, &ue->withdrawals);
        notify_alive(++ue->progress); /* waiting for a device is no reason to be restarted */
        poll(&stop, 1, pause_ms);
    }
}

static void run(struct ue *ue)
{
    unsigned failures = 0;
    while (!stop_requested()) {
        struct heard_burst burst;
        const enum receiver_state before = receiver_state(ue->receiver);
        uint32_t faults = radio_watch(ue->radio);
        if (faults & FAULT_RADIO_DOWN || failures >= RADIO_FAILURES_MAX) {
            bring_back(ue);
            failures = 0;
            faults |= FAULT_TIME;
        }
        if (faults & FAULT_TIME)
            receiver_restart(ue->receiver);
        int rc = receiver_step(ue->receiver, &burst);
        failures = rc == ERR_TIMEOUT || rc == ERR_RADIO ? failures + 1 : 0;
        if (failures == 0)
            notify_alive(++ue->progress);
        ue_link_heed(ue->data, &ue->permission, &ue->withdrawals);
        if (rc == OK)
            hear(ue, &burst);
        tell_state(ue, before);
    }
}

static int finish(struct ue *ue, struct status *err)
{
    const struct secure_user *user = responder_user(ue->responder);
    const struct receiver_counters rx = receiver_counters(ue->receiver);
    log_info("%llu bursts heard, %llu accepted, %llu answered, %llu refused",
             (unsigned long long)rx.bursts, (unsigned long long)user->count.accepted,
             (unsigned long long)responder_count(ue->responder, VERDICT_ANSWERED),
             (unsigned long long)(user->count.refused + user->count.replayed));
    return last_cycle_close(&ue->last, user->last, err);
}

static const struct option_spec force_spec = {
    .name = "force-unsynchronised",
    .help = "start though the configured reference or PPS is missing",
};

static int apply_force(void *forced, const char *name, const char *value, struct status *err)
{
    (void)name, (void)value, (void)err; /* there is only one */
    *(bool *)forced = true;
    return OK;
}

int main(int argc, char **argv)
{
    static struct ue ue = {.last.now_fd = -1};
    bool forced = false;
    struct options opt;
    struct status err = {0};
    const struct options_cfg options = {
        .program = "mirador-ue",
        .synopsis = "user terminal: hears the base station, checks it, and answers if it may",
        .config = &ue_config_table,
        .default_config = "lab",
        .check = ue_config_check,
        .ready_fd = true,
        .specs = &force_spec,
        .n_specs = 1,
        .apply = apply_force,
        .context = &forced,
    };
    int code = options_parse(&options, argc, argv, &opt);
    if (code < 0)
        code = options_load(&options, &opt, &ue.cfg);
    ue.cfg.radio.force_unlocked |= forced;
    if (code >= 0)
        return code;
    log_open("mirador-ue", LOG_LEVEL_INFO);
    int rc = stop_signals_install(&err);
    if (rc == OK)
        rc = start_watch(&err);
    if (rc == OK)
        rc = start(&ue, &err);
    if (rc == OK) {
        become_realtime(&ue);
        if (ue.cfg.attack != ATTACK_NONE || ue.cfg.attack_key_file[0])
            log_warn("exercise.* is set: the answers of this terminal are wrong on purpose");
        options_ready(&opt);
        run(&ue);
        notify_stopping();
        rc = finish(&ue, &err);
    }
    close_all(&ue);
    if (rc == OK)
        return EXIT_DONE;
    fprintf(stderr, "mirador-ue: %s\n", err.text);
    return options_exit_code(&err);
}
