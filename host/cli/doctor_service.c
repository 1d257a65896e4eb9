/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Endpoints that miradord wants to bind, and the surfaces it wants to talk to. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/cli/doctor.h"
#include "host/cli/ris_link.h"

/* "miradord (pid 12)" of the process behind a connected local socket. */
static void name_peer(const struct doctor *d, int fd, char *who, size_t size)
{
    struct ucred peer = {0};
    socklen_t n = sizeof peer;
    char path[64], name[32] = "a program";
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0) {
        snprintf(path, sizeof path, "/proc/%d/comm", (int)peer.pid);
        (void)doctor_read_line(d, path, name, sizeof name);
    }
    snprintf(who, size, "%s (pid %d)", name, (int)peer.pid);
}

static bool local_is_taken(const struct doctor *d, const char *path, char *who, size_t size)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    bool taken = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    if (taken)
        name_peer(d, fd, who, size);
    if (fd >= 0)
        close(fd);
    return taken;
}

/* Inode and account of the socket that listens on this port; false: none is known. */
static bool listener(const struct doctor *d, unsigned port, unsigned long *inode, unsigned *uid)
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    bool found = false;
    for (size_t i = 0; i < 2 && !found; i++) {
        char path[600], line[300];
        doctor_path(d, tables[i], path, sizeof path);
        FILE *f = fopen(path, "re");
        while (f && !found && fgets(line, sizeof line, f)) {
            unsigned at, state;
            found = sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %u %*u %lu", &at,
                           &state, uid, inode) == 4 &&
                    at == port && state == TCP_LISTEN;
        }
        if (f)
            fclose(f);
    }
    return found;
}

/* Whether the process holds that socket. 1 or 0; -1: it is not ours to look at. */
static int holds(const struct doctor *d, int pid, unsigned long inode)
{
    char path[600], name[64], wanted[64];
    int held = 0;
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    snprintf(name, sizeof name, "/proc/%d/fd", pid);
    doctor_path(d, name, path, sizeof path);
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    for (struct dirent *e; held == 0 && (e = readdir(dir));) {
        ssize_t n = readlinkat(dirfd(dir), e->d_name, name, sizeof name - 1);
        name[n > 0 ? n : 0] = '\0';
        held = strcmp(name, wanted) == 0;
    }
    closedir(dir);
    return held;
}

/* Of another account's processes we see the name, and whose the socket is. */
static bool may_hold(const struct doctor *d, int pid, unsigned long inode, unsigned uid)
{
    struct stat st;
    char path[600], name[32];
    int held = holds(d, pid, inode);
    snprintf(name, sizeof name, "/proc/%d", pid);
    doctor_path(d, name, path, sizeof path);
    return held > 0 || (held < 0 && stat(path, &st) == 0 && st.st_uid == uid);
}

/* Who: "miradord (pid 12)", if it is one of those that has the port. */
static bool daemon_listens(const struct doctor *d, unsigned port, char *who, size_t size)
{
    unsigned long inode;
    unsigned uid;
    if (!listener(d, port, &inode, &uid))
        return false;
    for (int pid = 0; (pid = doctor_process(d, "miradord", pid)) > 0;) {
        snprintf(who, size, "miradord (pid %d)", pid);
        if (may_hold(d, pid, inode, uid))
            return true;
    }
    return false;
}

/* An errno, 0 if it could be bound. "tcp://127.0.0.1:5600", "tcp://[::1]:5600" or an asterisk. */
static int tcp_fault(const char *address)
{
    struct sockaddr_storage at = {0};
    char host[80];
    const char *colon = strrchr(address, ':');
    if (!colon || strcmp(colon, ":*") == 0)
        return colon ? 0 : EINVAL;
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&at;
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)atoi(colon + 1));
    if (strcmp(host, "*") != 0 && inet_pton(AF_INET, host, &v4->sin_addr) != 1)
        return 0; /* a name, or IPv6: left to miradord */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int fault = bind(fd, (struct sockaddr *)v4, sizeof *v4) ? errno : 0;
    close(fd);
    return fault;
}

static void look_at_local(struct doctor *d, struct doctor_finding *f, const char *endpoint)
{
    char who[64], folder[300];
    const char *path = endpoint + 6;
    snprintf(folder, sizeof folder, "%.*s",
             (int)(strrchr(path, '/') ? strrchr(path, '/') - path : 0), path);
    if (local_is_taken(d, path, who, sizeof who)) {
        if (strncmp(who, "miradord", 8) == 0) {
            doctor_fine(d, f->check, "%.200s is served by %s, which runs", endpoint, who);
            return;
        }
        snprintf(f->what, sizeof f->what, "%.200s is taken by %s", endpoint, who);
        snprintf(f->cure, sizeof f->cure, "stop it, or choose another %s.endpoint", f->check);
    } else if (folder[0] && access(folder, W_OK | X_OK) != 0) {
        snprintf(f->what, sizeof f->what, "%.200s: %s", folder, strerror(errno));
        snprintf(f->cure, sizeof f->cure,
                 "sudo install -d -o $USER %.150s, or %s.endpoint elsewhere; the systemd unit "
                 "makes its own",
                 folder, f->check);
    } else {
        doctor_fine(d, f->check, "%.200s is free", endpoint);
        return;
    }
    doctor_tell(d, f);
}

static void look_at_endpoint(struct doctor *d, const char *check, const char *endpoint)
{
    struct doctor_finding f = {
        .check = check, .verdict = DOCTOR_PROBLEM, .why = "miradord cannot bind it and ends"};
    if (strncmp(endpoint, "ipc://", 6) == 0) {
        look_at_local(d, &f, endpoint);
        return;
    }
    char who[64];
    int fault = strncmp(endpoint, "tcp://", 6) == 0 ? tcp_fault(endpoint + 6) : 0;
    if (fault == EADDRINUSE &&
        daemon_listens(d, (unsigned)atoi(strrchr(endpoint, ':') + 1), who, sizeof who)) {
        doctor_fine(d, check, "%.200s is served by %s, which runs", endpoint, who);
        return;
    }
    if (fault == 0) {
        doctor_fine(d, check, "%.200s is free", endpoint);
        return;
    }
    snprintf(f.what, sizeof f.what, "%.200s: %s", endpoint, strerror(fault));
    snprintf(f.cure, sizeof f.cure,
             "see who holds it: sudo ss -ltnp; or choose another %s.endpoint", check);
    doctor_tell(d, &f);
}

void doctor_endpoints(struct doctor *d, const struct bs_cfg *cfg)
{
    look_at_endpoint(d, "telemetry", cfg->telemetry_endpoint);
    look_at_endpoint(d, "control", cfg->control_endpoint);
    if (cfg->telemetry_remote[0])
        look_at_endpoint(d, "telemetry", cfg->telemetry_remote);
    if (cfg->control_remote[0])
        look_at_endpoint(d, "control", cfg->control_remote);
}

/* --- surfaces --------------------------------------------------------------------------------- */

static const json_t *find_board(const json_t *list, const char *name)
{
    size_t i;
    json_t *board;
    json_array_foreach(list, i, board)
    {
        const char *its = json_string_value(json_object_get(board, "board"));
        if (its && strcmp(its, name) == 0)
            return board;
    }
    return NULL;
}

static void look_at_board(struct doctor *d, const struct bs_board *board, const json_t *answer)
{
    struct doctor_finding f = {
        .check = "ris-board",
        .verdict = DOCTOR_PROBLEM,
        .why = "no cycle gives a position while a surface does not follow",
    };
    size_t dead = json_array_size(json_object_get(answer, "dead_columns"));
    if (!answer) {
        snprintf(f.what, sizeof f.what, "mirador-ris knows no board '%s'", board->name);
        snprintf(f.cure, sizeof f.cure,
                 "name it in ris.yaml as ris.boards does; see: mirador ris list");
    } else if (!json_is_true(json_object_get(answer, "present"))) {
        const char *why = json_string_value(json_object_get(answer, "absent"));
        const char *cure = json_string_value(json_object_get(answer, "cure"));
        snprintf(f.what, sizeof f.what, "board '%s' does not answer%s%s", board->name,
                 why ? ": " : "", why ? why : "");
        snprintf(f.cure, sizeof f.cure, "%s, then: mirador ris list",
                 cure ? cure : "check its power and cable");
    } else if (dead > 0) {
        f.verdict = DOCTOR_WARNING;
        f.why = "beams lose what these elements would add";
        snprintf(f.what, sizeof f.what, "board '%s' has %zu dead columns", board->name, dead);
        snprintf(f.cure, sizeof f.cure, "replace the tiles, see: mirador ris list");
    } else {
        doctor_fine(d, "ris-board", "board '%s' answers", board->name);
        return;
    }
    doctor_tell(d, &f);
}

void doctor_surfaces(struct doctor *d, const struct bs_cfg *cfg)
{
    static struct ris_link link;
    struct status err = {0};
    link = (struct ris_link){.program = "mirador doctor", .endpoint = cfg->ris.endpoint};
    json_t *answer = ris_link_open(&link, &err) == 0
                         ? ris_link_ask(&link, json_pack("{ss}", "cmd", "status"), NULL, NULL, &err)
                         : NULL;
    if (answer) {
        doctor_fine(d, "ris", "mirador-ris answers on %.200s", cfg->ris.endpoint);
        for (size_t i = 0; i < cfg->ris.n_boards; i++)
            look_at_board(d, &cfg->ris.boards[i],
                          find_board(json_object_get(answer, "boards"), cfg->ris.boards[i].name));
    } else {
        struct doctor_finding f = {
            .check = "ris",
            .verdict = DOCTOR_PROBLEM,
            .why = "miradord does not start without its surfaces",
            .cure = "sudo systemctl start mirador-ris, or mirador-ris --config ris.yaml"};
        snprintf(f.what, sizeof f.what, "%s", err.text);
        doctor_tell(d, &f);
    }
    json_decref(answer);
    ris_link_close(&link);
}
