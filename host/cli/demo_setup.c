/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/demo_setup.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/config.h"
#include "base/log.h"
#include "base/state_dir.h"
#include "frames/secure.h"
#include "host/cli/demo_sets.h"

/* Generous: a build with sanitizers on a busy machine is slow. */
#define READY_S 120.0

/* Of the empty room's capture: cycles of a profile, as bs-lab.yaml has it and with many beams. */
enum { WIDE_CYCLES = 10, BEAM_CYCLES = 5, BEAMS_SIDE = 4 };

static void begin(struct command *command, const char *config)
{
    *command = (struct command){0};
    command_add(command, "--config");
    command_add(command, "%s", config);
}

static int launch(struct demo *demo, const char *program, const char *name, struct command *command,
                  struct status *err)
{
    int rc = children_start(&demo->children, program, name, command, err);
    return rc ? rc : children_wait_ready(&demo->children, READY_S, err);
}

/* --- what is drawn from the seed -------------------------------------------------------------- */

static uint64_t mix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Any start will do that differs between seeds; far below 2^63. */
static uint64_t first_cycle(uint64_t seed)
{
    return 1 + (mix(seed) >> 20);
}

/* Nobody knows one's own height exactly: normal, by Box and Muller, from numbers in (0, 1). */
static double height_error_m(uint64_t seed, int user)
{
    const uint64_t a = mix(mix(seed) ^ (uint64_t)user), b = mix(a);
    const double u = ((double)(a >> 11) + 0.5) * 0x1p-53, v = (double)(b >> 11) * 0x1p-53;
    return DEMO_HEIGHT_ERROR_M * sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static void misjudge_heights(struct demo *demo)
{
    for (size_t i = 0; i < demo->scene.n_users; i++) {
        struct demo_user *user = &demo->scene.users[i];
        user->height_m = fmax(0, user->height_m + height_error_m(demo->cfg->seed, user->id));
    }
}

/* Room names are system-wide, so they carry the folder's random part. */
static const char *room_name(const struct demo *demo)
{
    const char *base = strrchr(demo->state, '/');
    return base ? base + 1 + strlen("mirador-") : "demo";
}

/* --- the parts -------------------------------------------------------------------------------- */

static void key_path(const struct demo *demo, size_t user, char *path, size_t size)
{
    snprintf(path, size, "%s/user-%d.key", demo->state, demo->scene.users[user].id);
}

static int make_keys(struct demo *demo, struct status *err)
{
    if (secure_init() != 0)
        return status_set(err, ERR_STATE, "no source of randomness; check /dev/urandom");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < demo->scene.n_users; i++) {
        uint8_t master[SECURE_MASTER_BYTES];
        char path[200];
        key_path(demo, i, path, sizeof path);
        secure_master_from_seed(demo->cfg->seed, (uint32_t)demo->scene.users[i].id, master);
        rc = key_file_write(path, master, sizeof master, err);
        secure_wipe(master, sizeof master);
    }
    return rc;
}

/* Every beam wants a background of its own, which takes longer than the scene's users are away. */
static bool tracked(const struct demo *demo)
{
    return demo->cfg->ris && strcmp(demo->cfg->ris, "tracked") == 0;
}

static void stay_away(const struct demo *demo, struct command *c)
{
    const double longer_s =
        ((1 + BEAMS_SIDE * BEAMS_SIDE) * BEAM_CYCLES - WIDE_CYCLES) * demo->preset.cycle_period_s;
    for (size_t i = 0; i < demo->scene.n_listed; i++) /* those that are drawn come with the first */
        command_set(c, "users[%zu].enter_s=%g", i, demo->scene.users[i].enter_s + longer_s);
}

static int start_room(struct demo *demo, struct command *c, struct status *err)
{
    const struct demo_cfg *cfg = demo->cfg;
    *c = (struct command){0};
    command_add(c, "--scene");
    command_add(c, "%s", demo->scene_name);
    command_add(c, "--name");
    command_add(c, "%s", room_name(demo));
    command_add(c, "--state");
    command_add(c, "%s", demo->state);
    command_add(c, "--seed");
    command_add(c, "%llu", (unsigned long long)cfg->seed);
    command_add(c, "--speed");
    command_add(c, "%g", cfg->speed);
    if (cfg->path) {
        command_add(c, "--path");
        command_add(c, "%s", cfg->path);
    }
    if (cfg->users || cfg->bystanders) {
        command_add(c, "--users");
        command_add(c, "%zu", demo->scene.n_users + cfg->bystanders);
    }
    if (cfg->faults) {
        command_add(c, "--faults");
        command_add(c, "%s", cfg->faults);
    }
    if (cfg->fault_report) {
        command_add(c, "--fault-report");
        command_add(c, "%s", cfg->fault_report);
    }
    if (!cfg->realtime) {
        char roles[16 * (DEMO_USERS_MAX + 1)] = "bs";
        for (size_t i = 0; i < demo->scene.n_users; i++)
            snprintf(roles + strlen(roles), sizeof roles - strlen(roles), ",%s",
                     demo->scene.users[i].role);
        command_add(c, "--gate");
        command_add(c, "%s", roles);
    }
    demo_preset_tell_room(&demo->preset, c);
    if (tracked(demo))
        stay_away(demo, c);
    demo_sets_add(demo->cfg, "room", c);
    return launch(demo, "mirador-room", "mirador-room", c, err);
}

/* QEMU may have to wait for a processor longer than a board takes for anything. */
static bool emulated(const struct demo *demo)
{
    return demo->cfg->boards && strcmp(demo->cfg->boards, "qemu") == 0;
}

static int start_ris(struct demo *demo, struct command *c, struct status *err)
{
    char room[160];
    begin(c, "lab");
    snprintf(room, sizeof room, "ipc://%s/room.sock", demo->state);
    command_set(c, "endpoint=ipc://%s/ris.sock", demo->state);
    command_set(c, "run.realtime=%s", demo->cfg->realtime ? "yes" : "no");
    demo_scene_tell_ris(&demo->scene, room, c);
    for (int i = 0; demo->cfg->boards && i < DEMO_RIS; i++)
        command_set(c, "boards[%d].driver=%s", i, demo->cfg->boards);
    for (int i = 0; emulated(demo) && i < DEMO_RIS; i++)
        command_set(c, "boards[%d].ack_timeout_ms=2000", i);
    demo_sets_add(demo->cfg, "ris", c);
    return launch(demo, "mirador-ris", "mirador-ris", c, err);
}

/* Whole cycles of which the last ends before `seconds`. */
static unsigned cycles_in(const struct demo_preset *preset, double seconds)
{
    double cycles = (seconds - preset->first_cycle_s) / preset->cycle_period_s + 1e-6;
    return cycles < 1 ? 1 : (unsigned)cycles;
}

/* Ports and references of the simulated radio, whatever device the preset is for; levels too,
 * unless it is for the room. */
static void tell_simulated(const struct demo *demo, struct command *c, double rx_gain_db,
                           double max_eirp_dbm)
{
    static const char *const names[] = {"rx_antenna", "tx_antenna", "clock_source", "time_source"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        command_set(c, "radio.%s=", names[i]);
    if (demo->preset.scene[0]) {
        command_set(c, "radio.max_eirp_dbm=%g", fmax(max_eirp_dbm, demo->preset.max_eirp_dbm));
        return;
    }
    command_set(c, "radio.tx_gain_db=27.04");
    command_set(c, "radio.rx_gain_db=%g", rx_gain_db);
    command_set(c, "radio.full_scale_dbm=0");
    command_set(c, "radio.max_eirp_dbm=%g", max_eirp_dbm);
}

enum { DATA_FIRST = 20000, DATA_LAST = 32000, DATA_STEP = 2 * DEMO_DATA_USERS };

static bool udp_port_is_free(int port)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons((uint16_t)port)};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool is_free = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        close(fd);
    return is_free;
}

/* Demos run side by side: each looks from another place on. */
static void choose_udp_ports(struct demo *demo)
{
    const int places = (DATA_LAST - DATA_FIRST) / DATA_STEP, from = getpid() % places;
    for (int i = 0; i < places; i++) {
        demo->udp_port = DATA_FIRST + (from + i) % places * DATA_STEP;
        if (udp_port_is_free(demo->udp_port) && udp_port_is_free(demo->udp_port + DEMO_DATA_USERS))
            return;
    }
}

/* In one override: a program takes 64. */
static void tell_users(const struct demo *demo, struct command *c)
{
    char list[DEMO_USERS_MAX * 260] = "", key[200];
    size_t at = 0;
    for (size_t i = 0; i < demo->scene.n_users; i++) {
        key_path(demo, i, key, sizeof key);
        at += (size_t)snprintf(list + at, sizeof list - at, "%s{id: %d, key_file: '%s'}",
                               i ? ", " : "", demo->scene.users[i].id, key);
    }
    command_set(c, "users=[%s]", list);
}

static int start_bs(struct demo *demo, struct command *c, struct status *err)
{
    const struct demo_cfg *cfg = demo->cfg;
    begin(c, cfg->preset);
    command_set(c, "radio.args=type=room,room=%s,role=bs", room_name(demo));
    command_set(c, "ris.endpoint=ipc://%s/ris.sock", demo->state);
    if (emulated(demo))
        command_set(c, "ris.timeout_ms=20000");
    command_set(c, "telemetry.endpoint=ipc://%s/telemetry.sock", demo->state);
    command_set(c, "control.endpoint=ipc://%s/control.sock", demo->state);
    command_set(c, "run.state_dir=%s/bs", demo->state);
    command_set(c, "run.gated=%s", cfg->realtime ? "no" : "yes");
    command_set(c, "run.realtime=%s", cfg->realtime ? "yes" : "no");
    command_set(c, "ris.mode=%s", cfg->ris ? cfg->ris : "wide");
    command_set(c, "ris.beams_side=%d", BEAMS_SIDE);
    command_set(c, "background.cycles=%d", tracked(demo) ? BEAM_CYCLES : WIDE_CYCLES);
    command_set(c, "cycle.first=%llu", (unsigned long long)first_cycle(cfg->seed));
    if (cfg->seconds > 0)
        command_set(c, "run.stop_after_cycles=%u", cycles_in(&demo->preset, cfg->seconds));
    tell_users(demo, c);
    tell_simulated(demo, c, 10, cfg->link ? 21.1 + 10 * log10((double)demo->scene.n_tx) : 21.1);
    command_set(c, "radio.trigger_bank=FP0");
    command_set(c, "radio.trigger_source=");
    demo_scene_tell_bs(&demo->scene, c);
    if (cfg->pixels)
        command_set(c, "pixels.every=%u", cfg->pixels);
    if (cfg->link) {
        command_set(c, "link.enabled=yes");
        command_set(c, "link.udp_port=%d", demo->udp_port);
    }
    if (cfg->link || demo->preset.n_tx > 1)
        demo_scene_tell_beams(&demo->scene, c);
    if (cfg->record)
        command_set(c, "record.file=%s", cfg->record);
    demo_sets_add(demo->cfg, "bs", c);
    return launch(demo, "miradord", "miradord", c, err);
}

static int read_address(struct demo *demo, const char *path, struct status *err)
{
    FILE *f = fopen(path, "r");
    bool ok = f && fgets(demo->page, sizeof demo->page, f);
    if (f)
        fclose(f);
    return ok ? 0 : status_set(err, ERR_IO, "mirador-view does not tell its address in %s", path);
}

/* Hears the base station from its first word on. */
static int start_view(struct demo *demo, struct command *c, struct status *err)
{
    char path[160];
    snprintf(path, sizeof path, "%s/page", demo->state);
    *c = (struct command){0};
    command_set(c, "daemon.telemetry=ipc://%s/telemetry.sock", demo->state);
    command_set(c, "daemon.control=ipc://%s/control.sock", demo->state);
    command_set(c, "daemon.truth=ipc://%s/truth.sock", demo->state);
    command_set(c, "listen.address_file=%s", path);
    command_set(c, "listen.token=%s", demo->cfg->no_token ? "no" : "yes");
    command_set(c, "listen.token_file=%s/view.token", demo->state);
    if (demo->cfg->port >= 0)
        command_set(c, "listen.port=%d", demo->cfg->port);
    else
        command_set(c, "listen.any_port=yes");
    demo_sets_add(demo->cfg, "view", c);
    int rc = launch(demo, "mirador-view", "mirador-view", c, err);
    return rc ? rc : read_address(demo, path, err);
}

static int start_ue(struct demo *demo, size_t user, struct command *c, struct status *err)
{
    const struct demo_user *u = &demo->scene.users[user];
    char key[200], name[24];
    begin(c, demo->cfg->preset);
    key_path(demo, user, key, sizeof key);
    snprintf(name, sizeof name, user ? "mirador-ue-%zu" : "mirador-ue", user + 1);
    command_set(c, "radio.args=type=room,room=%s,role=%s", room_name(demo), u->role);
    command_set(c, "user.key_file=%s", key);
    command_set(c, "user.permit=%s", demo->cfg->permit ? "yes" : "no");
    command_set(c, "run.state_dir=%s/%s", demo->state, u->role);
    command_set(c, "run.realtime=%s", demo->cfg->realtime ? "yes" : "no");
    command_set(c, "telemetry.endpoint=ipc://%s/%s.sock", demo->state, u->role);
    command_set(c, "control.endpoint=ipc://%s/%s-control.sock", demo->state, u->role);
    tell_simulated(demo, c, 20, 17.2);
    demo_scene_tell_ue(&demo->scene, user, c);
    if (demo->cfg->pixels)
        command_set(c, "pixels.every=%u", demo->cfg->pixels);
    if (demo->cfg->link) {
        command_set(c, "link.enabled=yes");
        command_set(c, "link.udp_port=%d", demo->udp_port + DEMO_DATA_USERS + 2 * (int)user);
    }
    demo_sets_add(demo->cfg, "ue", c);
    demo_sets_add_terminal(demo->cfg, user, c);
    return launch(demo, "mirador-ue", name, c, err);
}

/* Connects once the publisher is bound, so that nothing that matters is missed. */
static void *subscribe(struct demo *demo, const char *file, const char *const *topics, size_t n,
                       struct status *err)
{
    char endpoint[192];
    snprintf(endpoint, sizeof endpoint, "ipc://%s/%s", demo->state, file);
    return sockets_subscribe(demo->sockets, endpoint, topics, n, err);
}

/* In gated time nothing happens before the last radio joins, so when the daemon's first health
 * arrives the subscription stands before the first cycle. */
static int wait_for_telemetry(struct demo *demo, struct status *err)
{
    static struct socket_message message;
    int rc = socket_recv(demo->telemetry, &message, (int)(1000 * READY_S));
    socket_message_clear(&message);
    return rc == 0 ? 0 : status_set(err, rc, "miradord publishes nothing");
}

static int hear_terminal(struct demo *demo, struct status *err)
{
    static const char *const topic[] = {"ue"};
    char file[24];
    snprintf(file, sizeof file, "%.16s.sock", demo->scene.users[0].role);
    demo->terminal = subscribe(demo, file, topic, 1, err);
    return demo->terminal ? 0 : err->code;
}

static int start_all(struct demo *demo, struct command *command, struct status *err)
{
    static const char *const truth[] = {"truth", "pixels"};
    static const char *const topics[] = {"fix", "cycle", "health", "calib", "link"};
    int rc = start_room(demo, command, err);
    if (rc == 0 && !(demo->truth = subscribe(demo, "truth.sock", truth, 2, err)))
        rc = err->code;
    if (rc == 0)
        rc = start_ris(demo, command, err);
    if (rc == 0)
        rc = start_bs(demo, command, err);
    if (rc == 0 && !(demo->telemetry = subscribe(demo, "telemetry.sock", topics, 5, err)))
        rc = err->code;
    if (rc == 0)
        rc = wait_for_telemetry(demo, err);
    if (rc == 0 && !demo->cfg->headless)
        rc = start_view(demo, command, err);
    for (size_t i = 0; rc == 0 && i < demo->scene.n_users; i++)
        rc = start_ue(demo, i, command, err);
    return rc == 0 && demo->cfg->link ? hear_terminal(demo, err) : rc;
}

/* With the overrides: a shorter cycle makes more of them in the same time. Those of users are for a
 * list that is the scene's. */
static int read_preset(struct demo *demo, struct command *c, struct status *err)
{
    begin(c, demo->cfg->preset);
    demo_sets_add_but(demo->cfg, "bs", "users[", c);
    return demo_preset_read(&demo->children, demo->cfg->preset, c, &demo->preset, err);
}

static int read_scene(struct demo *demo, struct status *err)
{
    demo->scene_name = demo->cfg->scene        ? demo->cfg->scene
                       : demo->preset.scene[0] ? demo->preset.scene
                                               : "lab";
    const struct demo_wish wish = {.scene = demo->scene_name,
                                   .path = demo->cfg->path,
                                   .seed = demo->cfg->seed,
                                   .users = demo->cfg->users};
    int rc = demo_scene_read(&demo->children, &wish, &demo->preset, &demo->scene, err);
    if (rc == 0 && demo->scene.n_users + demo->cfg->bystanders > DEMO_USERS_MAX)
        rc = status_set(err, ERR_ARG, "--bystanders %u: with %zu users the room is full at %d",
                        demo->cfg->bystanders, demo->scene.n_users, DEMO_USERS_MAX);
    return rc;
}

int demo_start(struct demo *demo, struct status *err)
{
    static struct command command;
    size_t swept = state_dir_sweep("mirador-demo");
    if (swept > 0)
        log_info("removed what %zu killed demo%s left behind", swept, swept > 1 ? "s" : "");
    int rc = state_dir_create("mirador-demo", demo->state, sizeof demo->state, err);
    if (rc) {
        demo->state[0] = 0;
        return rc;
    }
    if (!demo->cfg->keep) /* what is kept must not be swept */
        rc = state_dir_own(demo->state, err);
    if (rc == 0)
        rc = children_init(&demo->children, demo->state, err);
    if (rc == 0)
        rc = read_preset(demo, &command, err);
    if (rc == 0)
        rc = read_scene(demo, err);
    if (rc == 0)
        misjudge_heights(demo);
    if (rc == 0)
        rc = make_keys(demo, err);
    if (rc)
        return rc;
    choose_udp_ports(demo);
    demo->sockets = sockets_create(NULL, err);
    return demo->sockets ? start_all(demo, &command, err) : err->code;
}

/* A room that was killed cannot remove its shared memory. The name is this run's alone. */
static void remove_segment(const struct demo *demo)
{
    char name[80];
    snprintf(name, sizeof name, "/mirador-%.60s", room_name(demo));
    shm_unlink(name);
}

void demo_stop(struct demo *demo)
{
    struct status err;
    children_stop(&demo->children);
    if (demo->state[0])
        remove_segment(demo);
    socket_close(&demo->truth);
    socket_close(&demo->telemetry);
    socket_close(&demo->terminal);
    sockets_destroy(&demo->sockets);
    if (demo->state[0] && !demo->cfg->keep && state_dir_remove(demo->state, &err) != 0)
        log_warn("%s", err.text);
}
