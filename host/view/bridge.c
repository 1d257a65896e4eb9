/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/view/bridge.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/options.h"
#include "base/state_dir.h"
#include "host/clock.h"
#include "host/view/client.h"
#include "host/view/guard.h"
#include "host/view/judge.h"
#include "host/view/websockets.h"
#include <stdlib.h>
#include <string.h>

enum { TICK_US = 25000, CONNECTIONS = 96, DRAIN_MESSAGES = 2000, COMPLAIN_MS = 30000 };

struct bridge {
    const struct view_cfg *cfg;
    char page[256];
    struct guard guard;
    struct sockets *sockets;
    void *telemetry, *truth;
    struct feed *feed;
    struct judge *judge;
    struct desk *desk;
    struct clients clients;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_http_mount mount;
    lws_sorted_usec_list_t tick;
    struct socket_message message;
    uint64_t ticks;
    uint64_t unshown; /* messages since complained_ms */
    int64_t complained_ms;
};

static int64_t now_ms(void)
{
    return clock_ns() / 1000000;
}

/* --- what browsers are told about the page: nothing comes from elsewhere, nobody frames it ---- */

static struct lws_protocol_vhost_options headers[] = {
    {&headers[1], NULL, "content-security-policy:",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {&headers[2], NULL, "x-content-type-options:", "nosniff"},
    {&headers[3], NULL, "referrer-policy:", "no-referrer"},
    {&headers[4], NULL, "cross-origin-opener-policy:", "same-origin"},
    {NULL, NULL, "cross-origin-resource-policy:", "same-origin"},
};

static const lws_retry_bo_t liveness = {.secs_since_valid_ping = 15, .secs_since_valid_hangup = 25};

/* --- callbacks -------------------------------------------------------------------------------- */

static struct bridge *bridge_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static int refuse(struct lws *wsi, unsigned code, const char *why)
{
    log_warn("a WebSocket was refused: %s", why);
    lws_return_http_status(wsi, code, why);
    return -1;
}

/* Before the handshake is answered. */
static int admit(struct bridge *b, struct lws *wsi)
{
    char origin[160] = "", host[160] = "";
    int n_origin = lws_hdr_copy(wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN);
    int n_host = lws_hdr_copy(wsi, host, sizeof host, WSI_TOKEN_HOST);
    if (n_origin <= 0 || n_host <= 0 || !guard_origin(&b->guard, origin, host))
        return refuse(wsi, HTTP_STATUS_FORBIDDEN, "its Origin is not this page");
    if (b->clients.n >= BRIDGE_CLIENTS)
        return refuse(wsi, HTTP_STATUS_SERVICE_UNAVAILABLE, "as many pages as we serve are open");
    return 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t n)
{
    if (reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION) /* a WebSocket that names no protocol */
        return refuse(wsi, HTTP_STATUS_FORBIDDEN, "it does not speak " CLIENT_PROTOCOL);
    return lws_callback_http_dummy(wsi, reason, user, in, n);
}

static int on_page(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t n)
{
    struct bridge *b = bridge_of(wsi);
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return admit(b, wsi);
    case LWS_CALLBACK_ESTABLISHED:
        client_open(&b->clients, user, wsi, now_ms());
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return client_receive(&b->clients, user, in, n, now_ms());
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return client_write(&b->clients, user, now_ms());
    case LWS_CALLBACK_CLOSED:
        client_close(&b->clients, user);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {"http", on_http, 0, 0, 0, NULL, 0},
    {CLIENT_PROTOCOL, on_page, sizeof(struct client), BRIDGE_COMMAND_BYTES, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

/* --- telemetry and answers -------------------------------------------------------------------- */

/* One line a while, however many they are. */
static void complain(struct bridge *b, int why)
{
    b->unshown++;
    if (b->complained_ms != 0 && now_ms() - b->complained_ms < COMPLAIN_MS)
        return;
    log_warn("%llu messages of telemetry cannot be shown, the last: %s",
             (unsigned long long)b->unshown, status_name(why));
    b->complained_ms = now_ms();
    b->unshown = 0;
}

static void feed(struct bridge *b, const struct socket_message *message)
{
    int rc = feed_put(b->feed, message, now_ms());
    if (rc)
        complain(b, rc);
}

/* Of the messages since the last tick one count is enough. */
static void tell_judged(struct bridge *b)
{
    char header[JUDGE_BYTES];
    judge_write(b->judge, header);
    const struct socket_message m = {.n = 2, .frames = {{"judged", 6}, {header, strlen(header)}}};
    feed(b, &m);
}

static bool hear(struct bridge *b, void *socket)
{
    bool judged = false;
    for (int i = 0; socket && i < DRAIN_MESSAGES; i++) {
        if (socket_recv(socket, &b->message, 0))
            break;
        feed(b, &b->message);
        judged |= judge_hear(b->judge, &b->message);
    }
    return judged;
}

static void pass_answers(struct bridge *b)
{
    struct desk_answer answer;
    while (desk_take(b->desk, now_ms(), &answer))
        client_answer(&b->clients, answer.client, answer.text);
}

static void on_tick(lws_sorted_usec_list_t *tick)
{
    struct bridge *b = lws_container_of(tick, struct bridge, tick);
    hear(b, b->truth); /* first: it is ahead of what is found */
    if (hear(b, b->telemetry))
        tell_judged(b);
    pass_answers(b);
    clients_wake(&b->clients, now_ms());
    notify_alive(++b->ticks);
    lws_sul_schedule(b->context, 0, tick, on_tick, TICK_US);
}

/* --- set up ----------------------------------------------------------------------------------- */

static void pass_log(int level, const char *line)
{
    size_t n = strcspn(line, "\n");
    if (level == LLL_ERR)
        log_error("libwebsockets: %.*s", (int)n, line);
    else
        log_warn("libwebsockets: %.*s", (int)n, line);
}

static void *listen_to(struct bridge *b, const char *endpoint, struct status *err)
{
    static const char *const all[] = {""};
    return sockets_subscribe(b->sockets, endpoint, all, 1, err);
}

static int open_daemon(struct bridge *b, struct status *err)
{
    const struct sockets_cfg sc = view_config_sockets(b->cfg);
    b->sockets = sockets_create(&sc, err);
    b->feed = b->sockets ? feed_create(err) : NULL;
    b->judge = b->feed ? judge_create(err) : NULL;
    if (!b->judge || !(b->telemetry = listen_to(b, b->cfg->daemon.telemetry, err)))
        return err->code;
    if (b->cfg->daemon.truth[0] && !(b->truth = listen_to(b, b->cfg->daemon.truth, err)))
        return err->code;
    b->desk = desk_create(b->sockets, b->cfg->daemon.control, err);
    return b->desk ? OK : err->code;
}

static struct lws_vhost *open_port(struct bridge *b, int port)
{
    const struct lws_context_creation_info info = {
        .port = port,
        .iface = strcmp(b->cfg->listen.host, "0.0.0.0") == 0 ? NULL : b->cfg->listen.host,
        .protocols = protocols,
        .mounts = &b->mount,
        .headers = headers,
        .vhost_name = "mirador",
        .keepalive_timeout = 5,
        .timeout_secs = 5,
        .retry_and_idle_policy = &liveness,
        .options = LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
    };
    return lws_create_vhost(b->context, &info);
}

static int open_server(struct bridge *b, struct status *err)
{
    const struct lws_context_creation_info info = {
        .user = b,
        .fd_limit_per_thread = CONNECTIONS,
        .max_http_header_data = 4096,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6,
    };
    b->mount = (struct lws_http_mount){.mountpoint = "/",
                                       .mountpoint_len = 1,
                                       .origin = b->page,
                                       .def = "index.html",
                                       .origin_protocol = LWSMPRO_FILE,
                                       .cache_revalidate = 1};
    lws_set_log_level(LLL_ERR, pass_log);
    b->context = lws_create_context(&info);
    if (!b->context)
        return status_set(err, ERR_NO_MEMORY, "libwebsockets does not start");
    lws_set_log_level(0, pass_log); /* a taken port is ours to explain */
    b->vhost = open_port(b, b->cfg->listen.port);
    if (!b->vhost && b->cfg->listen.any_port)
        b->vhost = open_port(b, 0);
    lws_set_log_level(LLL_ERR, pass_log);
    if (!b->vhost)
        return status_set(err, ERR_BUSY,
                          "%s:%d is taken or not ours; give another listen.port, or 0 for any",
                          b->cfg->listen.host, b->cfg->listen.port);
    return OK;
}

static int create(struct bridge *b, struct status *err)
{
    if (view_config_page(b->cfg, b->page, sizeof b->page, err) ||
        guard_init(&b->guard, b->cfg, err) || open_daemon(b, err))
        return err->code;
    const struct clients_cfg cc = {b->feed, b->desk, &b->guard, b->cfg->commands};
    if (clients_init(&b->clients, &cc, err))
        return err->code;
    return open_server(b, err);
}

struct bridge *bridge_create(const struct view_cfg *cfg, struct status *err)
{
    struct bridge *b = calloc(1, sizeof *b);
    if (!b) {
        status_set(err, ERR_NO_MEMORY, "out of memory");
        return NULL;
    }
    b->cfg = cfg;
    if (create(b, err))
        bridge_destroy(&b);
    return b;
}

void bridge_destroy(struct bridge **bridge)
{
    struct bridge *b = *bridge;
    if (!b)
        return;
    if (b->context)
        lws_context_destroy(b->context);
    clients_free(&b->clients);
    desk_destroy(&b->desk);
    feed_destroy(&b->feed);
    judge_destroy(&b->judge);
    socket_message_clear(&b->message);
    socket_close(&b->telemetry);
    socket_close(&b->truth);
    sockets_destroy(&b->sockets);
    guard_wipe(&b->guard);
    free(b);
    *bridge = NULL;
}

int bridge_port(const struct bridge *bridge)
{
    return lws_get_vhost_listen_port(bridge->vhost);
}

const char *bridge_token(const struct bridge *bridge)
{
    return bridge->guard.token;
}

void bridge_run(struct bridge *bridge)
{
    on_tick(&bridge->tick);
    while (!stop_requested() && lws_service(bridge->context, 0) >= 0)
        continue;
    notify_stopping();
}
