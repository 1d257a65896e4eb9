/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/ue_control.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "base/log.h"
#include "base/sockets.h"
#include "host/command_port.h"
#include "host/control_text.h"

struct terminal { /* context of the commands */
    uint32_t user_id;
    struct permission *permission;
};

struct ue_control {
    struct terminal terminal;
    struct sockets *sockets;
    void *router;
    struct command_port *port;
    int stop; /* eventfd, -1: none */
    bool running;
    pthread_t thread;
};

static int run_status(const void *context, const json_t *request, char *out, size_t size,
                      struct status *err)
{
    const struct terminal *t = context;
    struct permission_state now;
    (void)request;
    permission_read(t->permission, &now);
    json_t *o = json_pack("{s:I,s:s,s:i,s:o}", "user", (json_int_t)t->user_id, "answer",
                          permission_answer_name(now.answer), "noes", now.noes, "last_cycle",
                          now.cycle ? json_integer((json_int_t)now.cycle) : json_null());
    return control_text(o, 12, out, size) > 0
               ? OK
               : status_set(err, ERR_NO_SPACE, "the answer does not fit");
}

static int run_withdraw(const void *context, const json_t *request, char *out, size_t size,
                        struct status *err)
{
    const struct terminal *t = context;
    const int rc = permission_withdraw(t->permission, err);
    return rc ? rc : run_status(context, request, out, size, err);
}

static int run_permit(const void *context, const json_t *request, char *out, size_t size,
                      struct status *err)
{
    const struct terminal *t = context;
    const int rc = permission_give(t->permission, err);
    return rc ? rc : run_status(context, request, out, size, err);
}

static struct command_set commands_of(const struct terminal *terminal)
{
    static const struct command commands[] = {
        {"status", NULL, run_status},
        {"permit", command_changes, run_permit},
        {"withdraw", command_changes, run_withdraw},
    };
    return (struct command_set){
        .command = commands, .n = sizeof commands / sizeof *commands, .context = terminal};
}

void ue_control_execute(uint32_t user_id, struct permission *permission, const char *text, size_t n,
                        char *answer, size_t size)
{
    const struct terminal terminal = {user_id, permission};
    const struct command_set set = commands_of(&terminal);
    command_execute(&set, NULL, text, n, answer, size);
}

static void *serve(void *control)
{
    struct ue_control *c = control;
    zmq_pollitem_t items[] = {{.socket = c->router, .events = ZMQ_POLLIN},
                              {.fd = c->stop, .events = ZMQ_POLLIN}};
    pthread_setname_np(pthread_self(), "ue-control");
    while (!(items[1].revents & ZMQ_POLLIN)) {
        (void)zmq_poll(items, 2, -1);
        command_port_serve(c->port);
    }
    return NULL;
}

static int start(struct ue_control *c, const char *endpoint, struct status *err)
{
    const struct command_set set = commands_of(&c->terminal);
    c->sockets = sockets_create(NULL, err);
    c->router = c->sockets ? sockets_bind(c->sockets, ZMQ_ROUTER, endpoint, err) : NULL;
    c->port = c->router ? command_port_create(c->router, &set, err) : NULL;
    if (!c->port)
        return err->code;
    c->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    c->running = c->stop >= 0 && pthread_create(&c->thread, NULL, serve, c) == 0;
    return c->running ? OK
                      : status_set(err, ERR_NO_MEMORY,
                                   "control: no thread or eventfd; raise the limits of processes "
                                   "and open files");
}

struct ue_control *ue_control_create(const char *endpoint, uint32_t user_id,
                                     struct permission *permission, struct status *err)
{
    struct ue_control *c = calloc(1, sizeof *c);
    if (!c) {
        (void)status_set(err, ERR_NO_MEMORY, "control: out of memory");
        return NULL;
    }
    c->terminal = (struct terminal){user_id, permission};
    c->stop = -1;
    if (start(c, endpoint, err))
        ue_control_destroy(&c);
    return c;
}

void ue_control_destroy(struct ue_control **control)
{
    struct ue_control *c = *control;
    const uint64_t one = 1;
    if (!c)
        return;
    if (c->running && write(c->stop, &one, sizeof one) == sizeof one)
        pthread_join(c->thread, NULL);
    if (c->stop >= 0)
        close(c->stop);
    command_port_destroy(&c->port);
    socket_close(&c->router);
    sockets_destroy(&c->sockets);
    free(c);
    *control = NULL;
}
