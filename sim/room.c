/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-room: owns the scene, publishes the channel and the truth, listens to the boards. One
 * thread follows the air, one serves the boards; a mutex guards the publisher between them. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/log.h"
#include "base/notify.h"
#include "base/options.h"
#include "base/realtime.h"
#include "base/sockets.h"
#include "base/state_dir.h"
#include "sim/faults.h"
#include "sim/faults_report.h"
#include "sim/publisher.h"
#include "sim/truth.h"

#define LEAD_S      0.02 /* ungated: published ahead of the clock */
#define HEAD_TIME_S 0.5  /* ungated: the users' time when the base station sends first */

struct settings {
    const char *scene, *name, *state, *path, *gate, *room_endpoint, *truth_endpoint;
    const char *faults, *fault_report, *fault_kinds;
    uint64_t seed, random_faults, users;
    bool seed_given, realtime;
    double speed, fault_start_s, fault_step_s;
};

struct room {
    struct scene scene;
    struct air *air;
    struct channel *channel;
    struct publisher *publisher;
    struct sockets *sockets;
    void *boards_socket, *truth_socket;
    struct truth truth;
    struct air_fault faults[AIR_N_FAULT];
    size_t n_faults;
    struct faults_report report;
    pthread_mutex_t lock; /* guards publisher and channel */
    pthread_t boards_thread;
    bool boards_running;
    double enter_s[SCENE_MAX_USERS]; /* as the scene says */
    bool users_wait;                 /* for the base station's first burst */
};

/* --- command line ------------------------------------------------------------------------- */

static const struct option_spec specs[] = {
    {"scene", 0, "NAME|FILE",
     "scene: lab (default), lab-rice, lab-shared, empty, corridor, paper, or a YAML file"},
    {"name", 'n', "NAME", "name of the room that devices ask for (default: mirador)"},
    {"state", 0, "DIR", "folder for our sockets (default: a new private one)"},
    {"seed", 0, "N", "clutter, fading and noise (default: the scene's)"},
    {"speed", 0, "X", "room seconds per second; gated: at most, 0 = no limit (default: 1)"},
    {"gate", 0, "ROLES", "time waits for the radios; those listed (bs,ue) must join first"},
    {"realtime", 0, NULL, "time does not wait (without --gate this is the default)"},
    {"path", 0, "NAME", "path that the first user walks"},
    {"users", 0, "N",
     "as many users, 1 to 16; those the scene does not list walk where the seed says"},
    {"room-endpoint", 0, "ENDPOINT", "where boards report (default: ipc://DIR/room.sock)"},
    {"truth-endpoint", 0, "ENDPOINT", "where the truth is told (default: ipc://DIR/truth.sock)"},
    {"faults", 0, "FILE", "fault script that the radios obey, see config/faults"},
    {"fault-report", 0, "FILE", "writes at the end what the radios really did, as JSON"},
    {"random-faults", 0, "N", "prints a script of N random faults, drawn by --seed, and ends"},
    {"fault-start", 0, "SECONDS", "room time of the first random fault (default: 2)"},
    {"fault-step", 0, "SECONDS", "one random fault in each such step (default: 2)"},
    {"fault-kinds", 0, "LIST", "kinds to draw from, with commas (default: all)"},
};

static int apply_users(struct settings *s, const char *value, struct status *err)
{
    int rc = option_u64("users", value, &s->users, err);
    if (rc == 0 && (s->users < 1 || s->users > SCENE_MAX_USERS))
        return status_set(err, ERR_ARG, "--users needs 1..%d, not '%.40s'", SCENE_MAX_USERS, value);
    return rc;
}

static int apply_option(void *context, const char *name, const char *value, struct status *err)
{
    struct settings *s = context;
    const struct {
        const char *name, **to;
    } texts[] = {
        {"scene", &s->scene},
        {"name", &s->name},
        {"state", &s->state},
        {"path", &s->path},
        {"gate", &s->gate},
        {"room-endpoint", &s->room_endpoint},
        {"truth-endpoint", &s->truth_endpoint},
        {"faults", &s->faults},
        {"fault-report", &s->fault_report},
        {"fault-kinds", &s->fault_kinds},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcmp(name, texts[i].name)) {
            *texts[i].to = value;
            return 0;
        }
    if (!strcmp(name, "speed"))
        return option_double("speed", value, 0, 1000, &s->speed, err);
    if (!strcmp(name, "fault-start"))
        return option_double(name, value, 0, 1e6, &s->fault_start_s, err);
    if (!strcmp(name, "fault-step"))
        return option_double(name, value, 1e-3, 1e6, &s->fault_step_s, err);
    if (!strcmp(name, "random-faults"))
        return option_u64(name, value, &s->random_faults, err);
    if (!strcmp(name, "users"))
        return apply_users(s, value, err);
    if (!strcmp(name, "realtime")) {
        s->realtime = true;
        return 0;
    }
    s->seed_given = true;
    return option_u64("seed", value, &s->seed, err);
}

/* Radios of the scene that the list names, as a bit mask. */
static int gate_mask(const char *list, const struct air_cfg *air, uint32_t *mask,
                     struct status *err)
{
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, ","), r = 0;
        while (r < air->n_radios &&
               (strlen(air->radios[r].name) != n || strncmp(at, air->radios[r].name, n)))
            r++;
        if (r == air->n_radios)
            return status_set(err, ERR_ARG,
                              "--gate: the scene has no radio '%.*s'; it has 'bs' and the "
                              "users[].radio",
                              (int)n, at);
        *mask |= UINT32_C(1) << r;
        at += n + (at[n] == ',');
    }
    return 0;
}

static int air_settings(const struct settings *s, const struct scene *scene, struct air_cfg *out,
                        struct status *err)
{
    publisher_air_cfg(scene, out);
    snprintf(out->name, sizeof out->name, "%s", s->name);
    out->speed = s->speed;
    out->gated = s->gate != NULL;
    if (s->gate && s->realtime)
        return status_set(err, ERR_ARG, "--gate and --realtime exclude each other; give one");
    if (!s->name[0])
        return status_set(err, ERR_ARG, "--name is empty; devices ask for a room by its name");
    if (strlen(s->name) >= sizeof out->name)
        return status_set(err, ERR_ARG, "--name is longer than 47 characters; shorten it");
    if (!out->gated && s->speed <= 0)
        return status_set(err, ERR_ARG, "--speed 0 needs --gate");
    return s->gate ? gate_mask(s->gate, out, &out->gate_mask, err) : 0;
}

/* --- boards ------------------------------------------------------------------------------- */

static int handle_report(struct room *room, const struct socket_message *msg)
{
    struct ris_report report;
    struct status err = {0};
    if (msg->n != 1 || ris_report_decode(msg->frames[0].bytes, msg->frames[0].n, &report)) {
        log_warn("a board sent something that is no report");
        return ERR_FORMAT;
    }
    pthread_mutex_lock(&room->lock);
    int rc = publisher_report(room->publisher, &report, &err);
    pthread_mutex_unlock(&room->lock);
    if (rc)
        log_error("%s", err.text);
    air_notify(room->air);
    return rc;
}

static void *serve_boards(void *context)
{
    struct room *room = context;
    struct socket_message msg = {0};
    while (!stop_requested()) {
        int rc = socket_recv(room->boards_socket, &msg, 100);
        if (rc == ERR_TIMEOUT || rc == ERR_INTERRUPTED)
            continue;
        if (rc && rc != ERR_FORMAT)
            break;
        uint8_t reply[RIS_REPLY_BYTES];
        ris_reply_encode(rc ? rc : handle_report(room, &msg), reply);
        struct socket_frame frame = {reply, sizeof reply};
        if (socket_send(room->boards_socket, &frame, 1))
            log_warn("a board did not wait for its answer");
    }
    socket_message_clear(&msg);
    return NULL;
}

/* --- life --------------------------------------------------------------------------------- */

static void *bind_endpoint(struct room *room, const struct settings *s, int type, const char *given,
                           const char *file, struct status *err)
{
    char derived[300];
    snprintf(derived, sizeof derived, "ipc://%.250s/%s", s->state, file);
    return sockets_bind(room->sockets, type, given ? given : derived, err);
}

static int open_sockets(struct room *room, const struct settings *s, struct status *err)
{
    room->sockets = sockets_create(NULL, err);
    if (!room->sockets)
        return err->code;
    room->boards_socket = bind_endpoint(room, s, ZMQ_REP, s->room_endpoint, "room.sock", err);
    if (!room->boards_socket)
        return err->code;
    room->truth_socket = bind_endpoint(room, s, ZMQ_PUB, s->truth_endpoint, "truth.sock", err);
    room->truth = (struct truth){.scene = &room->scene, .socket = room->truth_socket};
    return room->truth_socket ? 0 : err->code;
}

static int open_room(struct room *room, const struct settings *s, struct status *err)
{
    struct air_cfg air;
    int rc = air_settings(s, &room->scene, &air, err);
    if (rc)
        return rc;
    room->channel = channel_create(&room->scene, AIR_N_BIN, err);
    if (!room->channel)
        return err->code;
    rc = open_sockets(room, s, err);
    if (rc)
        return rc;
    room->air = air_create(&air, err);
    if (!room->air)
        return err->code ? err->code : ERR_IO;
    rc = air_faults_set(room->air, room->faults, room->n_faults);
    if (rc)
        return status_set(err, rc, "the fault script is too long");
    room->report = (struct faults_report){.air = room->air, .socket = room->truth_socket};
    struct publisher_cfg cfg = {room->air, &room->scene, room->channel};
    room->publisher = publisher_create(&cfg, err);
    if (!room->publisher)
        return err->code;
    rc = pthread_create(&room->boards_thread, NULL, serve_boards, room);
    room->boards_running = rc == 0;
    return rc ? status_set(err, ERR_NO_MEMORY, "cannot start a thread: %s", strerror(rc)) : 0;
}

static void close_room(struct room *room)
{
    if (room->boards_running)
        pthread_join(room->boards_thread, NULL);
    publisher_destroy(&room->publisher);
    channel_destroy(&room->channel);
    air_destroy(&room->air);
    socket_close(&room->boards_socket);
    socket_close(&room->truth_socket);
    sockets_destroy(&room->sockets);
    pthread_mutex_destroy(&room->lock);
}

/* Gated: exactly as far as asked, so that nothing is ever published too early. Else ahead of the
 * clock by LEAD_S, in steps of half of that. */
static int64_t next_target(const struct room *room, int64_t reached)
{
    const struct air_cfg *cfg = air_config(room->air);
    if (cfg->gated)
        return air_wanted(room->air);
    int64_t lead = (int64_t)(LEAD_S * cfg->rate_hz * cfg->speed), now = air_now(room->air);
    return reached - now > lead / 2 ? reached : now + lead;
}

/* Gated, the base station begins at a fixed time. In real time it begins when it is ready, and
 * users who counted from the room's creation would walk into the empty-room capture: theirs starts
 * with the first burst. */
static void hold_users(struct room *room)
{
    room->users_wait = !air_config(room->air)->gated;
    for (size_t u = 0; u < room->scene.n_users; u++) {
        room->enter_s[u] = room->scene.users[u].enter_s;
        if (room->users_wait)
            room->scene.users[u].enter_s = INFINITY;
    }
}

static void release_users(struct room *room)
{
    int64_t first = publisher_first_burst(room->publisher);
    if (!room->users_wait || first == AIR_NEVER)
        return;
    double start_s = (double)first / room->scene.rate_hz - HEAD_TIME_S;
    for (size_t u = 0; u < room->scene.n_users; u++)
        room->scene.users[u].enter_s = room->enter_s[u] + fmax(start_s, 0);
    room->users_wait = false;
}

/* Ungated, a burst is on the air a few milliseconds after it is known: the room must not be the
 * last to be served. Gated time waits, so ordinary priority does. */
static void become_realtime(const struct room *room)
{
    const struct realtime_cfg wish = {.priority = REALTIME_ROOM, .off = "use gated time: --gate"};
    if (!air_config(room->air)->gated)
        realtime_apply(pthread_self(), &wish);
}

static void follow_the_air(struct room *room)
{
    const struct air_cfg *cfg = air_config(room->air);
    int64_t reached = 0;
    uint32_t seen = 0;
    hold_users(room);
    for (uint64_t rounds = 1; !stop_requested(); rounds++) {
        notify_alive(rounds);
        pthread_mutex_lock(&room->lock);
        int64_t target = next_target(room, publisher_horizon(room->publisher));
        reached = publisher_run(room->publisher, target);
        release_users(room);
        pthread_mutex_unlock(&room->lock);
        truth_publish(&room->truth, (double)air_now(room->air) / cfg->rate_hz);
        faults_report_publish(&room->report);
        double pause = reached < target ? 0.001 : cfg->gated ? 0.1 : LEAD_S / 4;
        air_room_wait(room->air, &seen, pause);
    }
}

static int serve(const struct settings *s, struct options *opt, struct room *room)
{
    struct status err = {0};
    pthread_mutex_init(&room->lock, NULL);
    int rc = stop_signals_install(&err);
    if (!rc)
        rc = open_room(room, s, &err);
    if (!rc) {
        log_info("room '%s' is open: %zu surfaces, %zu users, %s, speed %g", s->name,
                 room->scene.n_ris, room->scene.n_users, s->gate ? "gated" : "real time", s->speed);
        become_realtime(room);
        options_ready(opt);
        follow_the_air(room);
        notify_stopping();
        struct publisher_counts n = publisher_counts(room->publisher);
        log_info("room closes: %llu sets, %llu snapshots, %llu edges, %llu reports, %llu rewinds, "
                 "%llu late",
                 (unsigned long long)n.sets, (unsigned long long)n.snaps,
                 (unsigned long long)n.edges, (unsigned long long)n.reports,
                 (unsigned long long)n.rewinds, (unsigned long long)n.late);
        if (s->fault_report)
            rc = faults_report_save(room->air, s->fault_report, &err);
    }
    stop_request(); /* also ends the boards' thread after a failure */
    close_room(room);
    if (!rc)
        return EXIT_DONE;
    log_error("%s", err.text);
    return options_exit_code(&err);
}

/* Scene by name or file; --config is another way to say --scene FILE. */
static int load_scene(const struct settings *s, const struct options *opt, struct scene *scene)
{
    struct status err = {0};
    struct config_sets sets = {opt->sets, opt->n_sets};
    struct scene_options options = {.sets = &sets,
                                    .seed = s->seed_given ? &s->seed : NULL,
                                    .path = s->path,
                                    .users = (size_t)s->users};
    const char *name = s->scene ? s->scene : opt->config_file ? opt->config_file : "lab";
    if (scene_load(name, &options, scene, &err)) {
        fprintf(stderr, "mirador-room: %s\n", err.text);
        return EXIT_USAGE;
    }
    return -1;
}

/* Prints a random script for the base station. */
static int print_random(const struct settings *s, const struct scene *scene)
{
    struct air_cfg air;
    struct status err = {0};
    uint32_t kinds;
    publisher_air_cfg(scene, &air);
    if (s->random_faults > AIR_N_FAULT)
        status_set(&err, ERR_ARG, "--random-faults: at most %d", AIR_N_FAULT);
    else if (!faults_kinds(s->fault_kinds ? s->fault_kinds : "all", &kinds, &err)) {
        const struct fault_draw draw = {.n = (unsigned)s->random_faults,
                                        .seed = s->seed,
                                        .start_s = s->fault_start_s,
                                        .step_s = s->fault_step_s,
                                        .radio = air.radios[0].name,
                                        .n_rx = air.radios[0].n_rx,
                                        .kinds = kinds};
        return faults_draw(&draw, stdout) ? EXIT_FAILED : EXIT_DONE;
    }
    fprintf(stderr, "mirador-room: %s\n", err.text);
    return EXIT_USAGE;
}

static int load_faults(const struct settings *s, struct room *room)
{
    struct air_cfg air;
    struct status err = {0};
    if (!s->faults)
        return -1;
    publisher_air_cfg(&room->scene, &air);
    if (!faults_load(s->faults, &air, room->faults, &room->n_faults, &err))
        return -1;
    fprintf(stderr, "mirador-room: %s\n", err.text);
    return EXIT_USAGE;
}

/* A folder of our own; those of rooms that were killed go. */
static int make_state(char *path, size_t size, struct status *err)
{
    state_dir_sweep("mirador-room");
    int rc = state_dir_create("mirador-room", path, size, err);
    return rc ? rc : state_dir_own(path, err);
}

int main(int argc, char **argv)
{
    struct settings s = {
        .name = "mirador", .speed = 1, .seed = 1, .fault_start_s = 2, .fault_step_s = 2};
    struct options_cfg cfg = {
        .program = "mirador-room",
        .synopsis = "Simulates a room around simulated radios: scene, channel, users and boards.",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .config = &scene_table,
        .ready_fd = true,
        .apply = apply_option,
        .context = &s,
    };
    struct options opt;
    struct status err = {0};
    char state[256] = "";
    int rc = options_parse(&cfg, argc, argv, &opt);
    if (rc >= 0)
        return rc;
    log_open("mirador-room", LOG_LEVEL_INFO);
    struct room *room = calloc(1, sizeof *room);
    if (!room)
        return EXIT_FAILED;
    rc = load_scene(&s, &opt, &room->scene);
    if (rc < 0 && s.random_faults)
        rc = print_random(&s, &room->scene);
    if (rc < 0)
        rc = load_faults(&s, room);
    room->scene.clutter_count = 0; /* drawn: the scatterers are in the list now */
    if (rc < 0 && opt.dump_config)
        rc = config_dump(&scene_table, &room->scene, stdout) ? EXIT_FAILED : EXIT_DONE;
    else if (rc < 0 && opt.check_config)
        rc = EXIT_DONE;
    bool own_state = !s.state && !(s.room_endpoint && s.truth_endpoint);
    if (rc < 0 && own_state && make_state(state, sizeof state, &err)) {
        log_error("%s", err.text);
        rc = EXIT_FAILED;
    }
    if (!s.state)
        s.state = state;
    if (rc < 0)
        rc = serve(&s, &opt, room);
    if (state[0] && state_dir_remove(state, &err))
        log_warn("%s", err.text);
    free(room);
    return rc;
}
