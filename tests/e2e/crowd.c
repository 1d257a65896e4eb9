/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/e2e/crowd.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "base/sockets.h"

enum { TEXT_BYTES = 1 << 20, WAITING = 2000, TO_BE_REFUSED = 7777 };

struct crowd {
    const struct crowd_cfg *cfg;
    struct crowd_count *count;
    struct sockets *sockets;
    void *dealer[CROWD_CLIENTS], *deaf;
    unsigned seed;
    struct socket_message message;
    char text[TEXT_BYTES];
    size_t n; /* of text */
};

static unsigned draw(struct crowd *c, unsigned n)
{
    return (unsigned)rand_r(&c->seed) % n;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- what is sent ----------------------------------------------------------------------------- */

/* Not one that would change something: those are for honest clients. */
static bool is_harmless(const char *text, size_t n)
{
    json_t *o = json_loadb(text, n, 0, NULL);
    const char *name = json_string_value(json_object_get(o, "cmd"));
    bool harmless = !name || strcmp(name, "status") == 0 || strcmp(name, "pattern") == 0;
    json_decref(o);
    return harmless;
}

static void mutated(struct crowd *c)
{
    static const char *const from[] = {
        "{\"cmd\":\"status\",\"seq\":1}", "{\"cmd\":\"pause\",\"seconds\":3600}",
        "{\"cmd\":\"gain\",\"tx_db\":1}", "{\"cmd\":\"users\",\"do\":\"remove\",\"user\":1001}",
        "{\"cmd\":\"shutdown\"}",         "[[[[[[[[[[[[[[[[[[[[[[[[",
    };
    do {
        c->n = (size_t)snprintf(c->text, 128, "%s", from[draw(c, 6)]);
        for (unsigned i = draw(c, 4) + 1; i > 0; i--)
            c->text[draw(c, (unsigned)c->n)] = (char)rand_r(&c->seed);
        c->n -= draw(c, 3);
    } while (!is_harmless(c->text, c->n));
}

static void question(struct crowd *c)
{
    static const char *const all[] = {
        "{\"cmd\":\"status\",\"seq\":1}",
        "{\"cmd\":\"describe\"}",
        "{\"cmd\":\"users\",\"do\":\"list\"}",
        "{\"cmd\":\"calib\",\"kind\":\"state\"}",
        "{\"cmd\":\"pattern\",\"surface\":\"ris1\",\"profile\":0}",
    };
    c->n = (size_t)snprintf(c->text, 128, "%s", all[draw(c, 5)]);
}

static void random_bytes(struct crowd *c)
{
    do {
        c->n = draw(c, 300);
        for (size_t i = 0; i < c->n; i++)
            c->text[i] = (char)rand_r(&c->seed);
    } while (!is_harmless(c->text, c->n));
}

/* Commands that would do something if it were not for the one value %s. */
static void wrong_value(struct crowd *c)
{
    static const char *const commands[] = {
        "{\"cmd\":\"gain\",\"tx_db\":%s,\"seq\":7777}",
        "{\"cmd\":\"gain\",\"tx_db\":10,\"rx_db\":%s,\"seq\":7777}",
        "{\"cmd\":\"frequency\",\"carrier_hz\":%s,\"seq\":7777}",
        "{\"cmd\":\"period\",\"period_s\":%s,\"seq\":7777}",
        "{\"cmd\":\"identity\",\"mode\":%s,\"seq\":7777}",
        "{\"cmd\":\"hold\",\"surface\":\"ris1\",\"profile\":%s,\"seq\":7777}",
        "{\"cmd\":\"hold\",\"surface\":%s,\"profile\":0,\"seq\":7777}",
        "{\"cmd\":\"pattern\",\"surface\":\"ris2\",\"profile\":%s,\"seq\":7777}",
        "{\"cmd\":\"background\",\"cycles\":%s,\"seq\":7777}",
        "{\"cmd\":\"calib\",\"kind\":%s,\"seq\":7777}",
        "{\"cmd\":\"calib\",\"kind\":\"delay\",\"from\":%s,\"seq\":7777}",
        "{\"cmd\":\"calib\",\"kind\":\"channels\",\"from\":\"leak\",\"cycles\":%s,\"seq\":7777}",
        "{\"cmd\":\"calib\",\"kind\":\"delay\",\"from\":\"leak\",\"user\":%s,\"seq\":7777}",
        "{\"cmd\":\"calib\",\"kind\":\"delay\",\"from\":\"cable\",\"cable_m\":%s,\"seq\":7777}",
        "{\"cmd\":\"record\",\"do\":\"start\",\"stream\":%s,\"seq\":7777}",
        "{\"cmd\":\"users\",\"do\":%s,\"user\":1001,\"seq\":7777}",
        "{\"cmd\":\"users\",\"do\":\"remove\",\"user\":%s,\"seq\":7777}",
        "{\"cmd\":\"users\",\"do\":\"add\",\"user\":2,\"key\":%s,\"seq\":7777}",
        "{\"cmd\":\"users\",\"do\":\"set\",\"user\":1001,\"rate_hz\":%s,\"seq\":7777}",
        "{\"cmd\":\"permit\",\"user\":%s,\"allow\":false,\"seq\":7777}",
        "{\"cmd\":\"permit\",\"user\":1001,\"allow\":%s,\"seq\":7777}",
        "{\"cmd\":\"pause\",\"seconds\":%s,\"seq\":7777}",
        "{\"cmd\":\"record\",\"do\":%s,\"seq\":7777}",
        "{\"cmd\":\"record\",\"do\":\"start\",\"name\":%s,\"seq\":7777}",
        "{\"cmd\":%s,\"seq\":7777}",
    };
    static const char *const values[] = {
        "-1000",
        "1e300",
        "[]",
        "{}",
        "[[1],{\"a\":null}]",
        "\"\"",
        "\"../../etc/shadow\"",
        "\"\\u0000\"",
        "{\"cmd\":\"shutdown\"}",
        "-9223372036854775808",
        "\"%n%s%n\"",
    };
    const char *command = commands[draw(c, sizeof commands / sizeof *commands)],
               *value = values[draw(c, sizeof values / sizeof *values)],
               *at = strstr(command, "%s");
    c->n = (size_t)snprintf(c->text, 400, "%.*s%s%s", (int)(at - command), command, value, at + 2);
}

/* Deep, long, and of long strings; up to a megabyte. */
static void huge(struct crowd *c)
{
    static const char *const of[] = {"[", "{\"a\":", "[1,", "\"a", " "};
    const char *piece = of[draw(c, 5)];
    const size_t n = strlen(piece);
    c->n = 1000 + draw(c, TEXT_BYTES - 1000);
    for (size_t i = 0; i < c->n; i++)
        c->text[i] = piece[i % n];
}

/* Greeting and handshake of ZMTP 3, the begin of a message, and no more. */
static void break_off(struct crowd *c)
{
    static const unsigned char ready[] = "\x04\x26\x05READY\x0bSocket-Type\0\0\0\x06"
                                         "DEALER\x08Identity\0\0\0\0";
    static const unsigned char begun[] = "\x01\x04{\"cm\x01\x20{\"cmd\"";
    unsigned char greeting[64] = {0xff, [9] = 0x7f, [10] = 3};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s/control.sock", c->cfg->folder);
    memcpy(greeting + 12, "NULL", 4);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
        send(fd, greeting, 20 + draw(c, 45), MSG_NOSIGNAL) >= 0 &&
        send(fd, ready, sizeof ready - 1, MSG_NOSIGNAL) >= 0 &&
        send(fd, begun, 4 + draw(c, sizeof begun - 4), MSG_NOSIGNAL) >= 0)
        c->count->broken_off++;
    close(fd);
}

/* --- the crowd -------------------------------------------------------------------------------- */

/* Returns how many answers are to come. */
static size_t send_one(struct crowd *c, size_t i)
{
    const unsigned kind = draw(c, 1000);
    struct socket_frame frames[] = {{c->text, 0}, {"x", 1}, {"", 0}};
    if (kind < 20)
        question(c);
    else if (kind < 300)
        mutated(c);
    else if (kind < 500)
        random_bytes(c);
    else if (kind < 999)
        wrong_value(c);
    else
        huge(c);
    if (draw(c, 2000) == 0)
        break_off(c);
    frames[0].n = c->n;
    const size_t n = draw(c, 50) ? 1 : 3; /* three: nobody's message, no answer */
    const bool sent = socket_send(c->dealer[i], frames, n) == 0;
    c->count->sent += sent;
    return sent && n == 1;
}

static void judge(struct crowd *c)
{
    const struct socket_frame *frame = &c->message.frames[c->message.n - 1];
    json_t *o = json_loadb(frame->bytes, frame->n, 0, NULL);
    const json_t *ok = json_object_get(o, "ok");
    const bool must_not = json_integer_value(json_object_get(o, "seq")) == TO_BE_REFUSED;
    c->count->answered++;
    c->count->refused += json_is_false(ok);
    if (!json_is_boolean(ok) || (must_not && json_is_true(ok))) {
        c->count->wrongly_accepted++;
        fprintf(stderr, "crowd: answered '%.*s'\n", (int)(frame->n < 200 ? frame->n : 200),
                (const char *)frame->bytes);
    }
    json_decref(o);
}

static size_t hear(struct crowd *c, size_t i)
{
    size_t n = 0;
    while (socket_recv(c->dealer[i], &c->message, 0) == 0) {
        judge(c);
        n++;
    }
    return n;
}

static int shout(struct crowd *c)
{
    size_t to_come = 0, looks = 0;
    double heard_s = now_s();
    while (c->count->answered < c->cfg->commands) {
        for (size_t i = 0; i < CROWD_CLIENTS; i++) {
            if (to_come < WAITING)
                to_come += send_one(c, i);
            const size_t n = hear(c, i);
            to_come -= n < to_come ? n : to_come;
            if (n > 0)
                heard_s = now_s();
        }
        if (c->cfg->look && c->count->answered >= (looks + 1) * c->cfg->commands / 4) {
            c->cfg->look(c->cfg->context, c->count->answered);
            looks++;
        }
        if (now_s() - heard_s > c->cfg->patience_s) {
            fprintf(stderr, "crowd: %zu of %zu answered, then nothing\n", c->count->answered,
                    c->count->sent);
            return -1;
        }
    }
    return 0;
}

/* Until the base station says that it has found so many positions; an honest client asks. */
static int await_fixes(struct crowd *c, const char *endpoint)
{
    struct status err = {0};
    static const char question[] = "{\"cmd\":\"status\"}";
    const double end_s = now_s() + c->cfg->patience_s;
    void *honest = sockets_connect(c->sockets, ZMQ_DEALER, endpoint, &err);
    do {
        json_t *o = NULL;
        if (honest &&
            socket_send(honest, &(struct socket_frame){question, sizeof question - 1}, 1) == 0 &&
            socket_recv(honest, &c->message, 1000 * (int)c->cfg->patience_s) == 0)
            o = json_loadb(c->message.frames[0].bytes, c->message.frames[0].n, 0, NULL);
        c->count->fixes = (size_t)json_integer_value(json_object_get(o, "fixes"));
        json_decref(o);
        usleep(20000);
    } while (honest && c->count->fixes < c->cfg->fixes && now_s() < end_s);
    socket_close(&honest);
    return c->count->fixes >= c->cfg->fixes ? 0 : -1;
}

static int join(struct crowd *c, char endpoint[300])
{
    struct status err = {0};
    c->sockets = sockets_create(NULL, &err);
    snprintf(endpoint, 300, "ipc://%s/telemetry.sock", c->cfg->folder);
    c->deaf = c->sockets ? sockets_connect(c->sockets, ZMQ_SUB, endpoint, &err) : NULL;
    if (!c->deaf || socket_subscribe(c->deaf, "")) /* and never reads */
        return -1;
    snprintf(endpoint, 300, "ipc://%s/control.sock", c->cfg->folder);
    for (int i = 0; i < 24000 && access(endpoint + 6, F_OK) != 0; i++)
        usleep(5000);
    for (size_t i = 0; i < CROWD_CLIENTS; i++)
        if (!(c->dealer[i] = sockets_connect(c->sockets, ZMQ_DEALER, endpoint, &err)))
            return -1;
    return 0;
}

int crowd_run(const struct crowd_cfg *cfg, struct crowd_count *count)
{
    char endpoint[300];
    struct crowd *c = calloc(1, sizeof *c);
    if (!c)
        return -1;
    *count = (struct crowd_count){0};
    c->cfg = cfg;
    c->count = count;
    c->seed = cfg->seed;
    int rc = join(c, endpoint);
    if (rc == 0)
        rc = shout(c);
    if (rc == 0)
        rc = await_fixes(c, endpoint);
    socket_message_clear(&c->message);
    for (size_t i = 0; i < CROWD_CLIENTS; i++)
        socket_close(&c->dealer[i]);
    socket_close(&c->deaf);
    if (c->sockets)
        sockets_destroy(&c->sockets);
    free(c);
    return rc;
}
