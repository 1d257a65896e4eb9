/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador ris list, push, show, watch: the boards behind a running mirador-ris. */
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/log.h"
#include "host/cli/cmd_ris.h"
#include "host/cli/ris_file.h"
#include "host/cli/ris_health.h"
#include "host/cli/ris_link.h"
#include "host/cli/ris_picture.h"
#include "host/cli/ris_plot.h"

struct board_job {
    struct ris_link link;
    const char *profile, *out, *state;
    uint64_t slot, count;
    bool slot_given, ascii, health;
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct board_job *job = context;
    int rc = ris_link_option(&job->link, name, value, err);
    if (rc <= 0)
        return rc;
    if (strcmp(name, "slot") == 0) {
        job->slot_given = true;
        rc = option_u64(name, value, &job->slot, err);
        return rc == OK && job->slot > 65534 ? status_set(err, ERR_ARG, "--slot: 0 to 65534") : rc;
    }
    if (strcmp(name, "count") == 0)
        return option_u64(name, value, &job->count, err);
    if (strcmp(name, "profile") == 0)
        job->profile = value;
    else if (strcmp(name, "out") == 0)
        job->out = value;
    else if (strcmp(name, "state") == 0)
        job->state = value;
    else if (strcmp(name, "health") == 0)
        job->health = true;
    else if (strcmp(name, "ascii") == 0)
        job->ascii = true;
    return OK;
}

static int finish(struct board_job *job, int rc, const struct status *err)
{
    if (rc != OK)
        fprintf(stderr, "%s: %s\n", job->link.program, err->text);
    ris_link_close(&job->link);
    return rc == OK ? EXIT_DONE : ris_link_exit(err);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s != NULL ? s : "";
}

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void print_line(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    fflush(stdout);
}

/* ---- list ---- */

static void print_supply(long long mv)
{
    if (mv > 0)
        printf(", %.2f V\n", 1e-3 * (double)mv);
    else
        printf(", supply not measured\n");
}

static void print_board(const json_t *entry, const json_t *status)
{
    printf("%-12s %-12s %2lld x %-2lld %lld bit  %4lld slots  ", text_of(entry, "board"),
           text_of(entry, "driver"), (long long)number_of(entry, "columns"),
           (long long)number_of(entry, "rows"), (long long)number_of(entry, "bits"),
           (long long)number_of(entry, "slots"));
    if (status == NULL || !json_is_true(json_object_get(status, "present"))) {
        const json_t *from = status != NULL ? status : entry;
        printf("absent: %s; %s\n", text_of(from, "absent"), text_of(from, "cure"));
        return;
    }
    printf("%-8s shows %s  up %lld s", text_of(status, "mode"), text_of(status, "hash"),
           (long long)number_of(status, "uptime_ms") / 1000);
    print_supply((long long)number_of(status, "supply_mv"));
}

static int list(struct board_job *job, bool json, struct status *err)
{
    json_t *all = ris_link_ask(&job->link, json_pack("{ss}", "cmd", "status"), NULL, NULL, err);
    if (all == NULL)
        return err->code;
    const json_t *boards = json_object_get(all, "boards");
    for (size_t i = 0; i < json_array_size(boards); i++) {
        json_t *entry = json_array_get(boards, i);
        struct status absent = {0};
        json_t *status = NULL;
        if (json_is_true(json_object_get(entry, "present")))
            status = ris_link_ask(
                &job->link, json_pack("{ssss}", "cmd", "status", "board", text_of(entry, "board")),
                NULL, NULL, &absent);
        if (json)
            print_line(status != NULL ? status : entry);
        else
            print_board(entry, status);
        json_decref(status);
    }
    json_decref(all);
    return OK;
}

int cmd_ris_list(int argc, char **argv)
{
    static struct board_job job = {.link.program = "mirador ris list"};
    static const struct option_spec specs[] = {RIS_LINK_SPECS};
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = "mirador ris list",
        .synopsis = "Lists the boards of a running mirador-ris.",
        .specs = specs,
        .n_specs = 3,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    int rc = ris_link_open(&job.link, &err);
    return finish(&job, rc == OK ? list(&job, opt.json, &err) : rc, &err);
}

/* ---- push ---- */

static const struct ris_file_profile *choose(const struct board_job *job, const struct ris_file *f,
                                             struct status *err)
{
    if (job->profile == NULL && f->n == 1)
        return &f->profiles[0];
    for (size_t i = 0; job->profile != NULL && i < f->n; i++)
        if (strcmp(f->profiles[i].name, job->profile) == 0)
            return &f->profiles[i];
    status_set(err, ERR_ARG, "the file has %zu profiles, '%s' to '%s'; choose one with --profile",
               f->n, f->profiles[0].name, f->profiles[f->n - 1].name);
    return NULL;
}

static int check_answer(const char *what, json_t *answer, uint64_t want, struct status *err)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, want);
    if (answer == NULL)
        return err->code;
    bool same = strcmp(text_of(answer, "hash"), hash) == 0;
    json_decref(answer);
    return same ? OK
                : status_set(err, ERR_STATE,
                             "the board %s another profile; check its cable, "
                             "then 'mirador ris test'",
                             what);
}

/* Loads, shows and reads back what is shown. */
static int push_profile(struct board_job *job, struct ris_shape shape, const uint8_t *pattern,
                        struct status *err)
{
    uint8_t back[RIS_PATTERN_MAX];
    const struct ris_link_frame frame = {pattern, ris_pattern_bytes(shape)};
    uint64_t hash = ris_profile_hash(shape, pattern);
    json_t *load = json_pack("{sssssIsisisi}", "cmd", "load", "board", job->link.board, "slot",
                             (json_int_t)job->slot, "columns", shape.columns, "rows", shape.rows,
                             "bits", shape.bits);
    int rc = check_answer("loaded", ris_link_ask(&job->link, load, &frame, NULL, err), hash, err);
    if (rc)
        return rc;
    json_t *show = json_pack("{sssssI}", "cmd", "apply", "board", job->link.board, "slot",
                             (json_int_t)job->slot);
    rc = check_answer("shows", ris_link_ask(&job->link, show, NULL, NULL, err), hash, err);
    if (rc)
        return rc;
    json_t *read = json_pack("{ssss}", "cmd", "readback", "board", job->link.board);
    rc = check_answer("reads back", ris_link_ask(&job->link, read, NULL, back, err), hash, err);
    if (rc == OK && memcmp(back, pattern, frame.n) != 0)
        rc = status_set(err, ERR_STATE, "the board reads back another pattern; check its cable");
    return rc;
}

static int push(struct board_job *job, const char *path, bool json, struct status *err)
{
    static struct ris_file file;
    struct ris_shape shape = {0};
    int rc = ris_file_read(path, &file, err);
    if (rc)
        return rc;
    const struct ris_file_profile *p = choose(job, &file, err);
    if (p == NULL)
        return err->code;
    if (job->link.board == NULL && file.board[0] != '\0')
        job->link.board = file.board;
    json_t *status = ris_link_board(&job->link, err);
    if (status == NULL)
        return err->code;
    bool fits = ris_link_shape(status, &shape) && ris_shape_equal(shape, file.shape);
    json_decref(status);
    if (!fits)
        return status_set(err, ERR_ARG,
                          "board %s has %u x %u elements of %u bits, the profile %u x %u of %u; "
                          "design it for this board",
                          job->link.board, shape.columns, shape.rows, shape.bits,
                          file.shape.columns, file.shape.rows, file.shape.bits);
    rc = push_profile(job, shape, p->pattern, err);
    if (rc == OK && !json)
        printf("board %s shows %s (%016" PRIx64 "), read back and equal\n", job->link.board,
               p->name, ris_profile_hash(shape, p->pattern));
    if (rc == OK && json)
        printf("{\"board\":\"%s\",\"profile\":\"%s\",\"hash\":\"%016" PRIx64 "\",\"slot\":%" PRIu64
               ",\"verified\":true}\n",
               job->link.board, p->name, ris_profile_hash(shape, p->pattern), job->slot);
    return rc;
}

int cmd_ris_push(int argc, char **argv)
{
    static struct board_job job = {.link.program = "mirador ris push"};
    static const struct option_spec specs[] = {
        RIS_LINK_SPECS,
        {"profile", 'p', "NAME", "of a file with several (codebook-3)"},
        {"slot", 's', "N", "of the board (0)"},
    };
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = "mirador ris push",
        .synopsis = "Loads a designed profile into a board, shows it, and reads it back.",
        .operands = "FILE.json",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    int rc =
        opt.n_operands == 1
            ? ris_link_open(&job.link, &err)
            : status_set(&err, ERR_ARG, "which profile? give one file of 'mirador ris design'");
    return finish(&job, rc == OK ? push(&job, opt.operands[0], opt.json, &err) : rc, &err);
}

/* ---- show ---- */

static int read_shown(struct board_job *job, struct ris_shape *shape, uint8_t *pattern, char *title,
                      size_t size, struct status *err)
{
    json_t *status = ris_link_board(&job->link, err);
    if (status == NULL)
        return err->code;
    json_decref(status);
    json_t *ask = json_pack("{ssss}", "cmd", "readback", "board", job->link.board);
    if (job->slot_given)
        json_object_set_new(ask, "slot", json_integer((json_int_t)job->slot));
    json_t *answer = ris_link_ask(&job->link, ask, NULL, pattern, err);
    if (answer == NULL)
        return err->code;
    bool whole = ris_link_shape(answer, shape);
    snprintf(title, size, "%s %s (read from %s)", job->link.board, text_of(answer, "hash"),
             text_of(answer, "source"));
    json_decref(answer);
    return whole ? OK
                 : status_set(err, ERR_FORMAT, "%s answers without a shape; is it mirador-ris?",
                              job->link.endpoint);
}

static int read_file(struct board_job *job, const char *path, struct ris_shape *shape,
                     uint8_t *pattern, char *title, size_t size, struct status *err)
{
    static struct ris_file file;
    int rc = ris_file_read(path, &file, err);
    const struct ris_file_profile *p = rc == OK ? choose(job, &file, err) : NULL;
    if (p == NULL)
        return err->code;
    *shape = file.shape;
    memcpy(pattern, p->pattern, sizeof p->pattern);
    snprintf(title, size, "%s %s %016" PRIx64, file.ris, p->name,
             ris_profile_hash(file.shape, pattern));
    return OK;
}

static bool terminal_draws_blocks(void)
{
    setlocale(LC_CTYPE, "");
    return isatty(1) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void print_pattern_json(struct ris_shape s, const uint8_t *pattern)
{
    printf("{\"columns\":%u,\"rows\":%u,\"bits\":%u,\"hash\":\"%016" PRIx64 "\",\"states\":[",
           s.columns, s.rows, s.bits, ris_profile_hash(s, pattern));
    for (unsigned m = 0; m < (unsigned)s.columns * s.rows; m++)
        printf("%s%u", m ? "," : "", ris_pattern_get(s, pattern, m));
    puts("]}");
}

static int show(struct board_job *job, const struct options *opt, struct status *err)
{
    uint8_t pattern[RIS_PATTERN_MAX] = {0};
    char title[160];
    struct ris_shape shape;
    int rc;
    if (job->health) {
        const struct ris_health ask = {.file = opt->n_operands ? opt->operands[0] : NULL,
                                       .state = job->state,
                                       .board = job->link.board,
                                       .out = job->out,
                                       .json = opt->json,
                                       .blocks = !job->ascii && terminal_draws_blocks()};
        return ris_health_show(&ask, err);
    }
    if (opt->n_operands == 1) {
        rc = read_file(job, opt->operands[0], &shape, pattern, title, sizeof title, err);
    } else {
        rc = ris_link_open(&job->link, err);
        if (rc == OK)
            rc = read_shown(job, &shape, pattern, title, sizeof title, err);
    }
    if (rc)
        return rc;
    if (opt->json) {
        print_pattern_json(shape, pattern);
    } else {
        printf("%s, %u x %u of %u bit%s\n", title, shape.columns, shape.rows, shape.bits,
               shape.bits > 1 ? "s" : "");
        ris_picture_print(stdout, shape, pattern, !job->ascii && terminal_draws_blocks());
    }
    if (job->out == NULL)
        return OK;
    rc = ris_plot_pattern(job->out, title, shape, pattern, err);
    if (rc == ERR_NOT_FOUND)
        fprintf(stderr, "%s: %s\n", job->link.program, err->text);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

int cmd_ris_show(int argc, char **argv)
{
    static struct board_job job = {.link.program = "mirador ris show"};
    static const struct option_spec specs[] = {
        RIS_LINK_SPECS,
        {"slot", 's', "N", "a slot of the board (what the elements show now)"},
        {"profile", 'p', "NAME", "of a file with several"},
        {"health", 0, NULL, "which pixels are broken, as miradord found them from live pilots"},
        {"state", 0, "DIR", "with --health: miradord's state folder (/var/lib/mirador)"},
        {"out", 'o', "PREFIX", "also write PREFIX.png and PREFIX.csv"},
        {"ascii", 0, NULL, "no Unicode blocks"},
    };
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = "mirador ris show",
        .synopsis =
            "Draws what a board shows now, a file of 'mirador ris design', or the health of "
            "its pixels.",
        .operands = "[FILE.json]",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    int rc = opt.n_operands <= 1 ? show(&job, &opt, &err)
                                 : status_set(&err, ERR_ARG, "one file at a time");
    return finish(&job, rc, &err);
}

/* ---- watch ---- */

static void print_change(const struct socket_frame *f, bool json)
{
    json_t *change = json_loadb(f->bytes, f->n, 0, NULL);
    if (change == NULL)
        return;
    if (json)
        print_line(change);
    else
        printf("%s %-12s %-10s %s%s%s\n", text_of(change, "time"), text_of(change, "board"),
               text_of(change, "event"), text_of(change, "hash"),
               text_of(change, "text")[0] ? "  " : "", text_of(change, "text"));
    fflush(stdout);
    json_decref(change);
}

static int watch_socket(struct board_job *job, void *sub, bool json, struct status *err)
{
    struct socket_message *m = &job->link.message;
    for (uint64_t n = 0; (job->count == 0 || n < job->count) && !stop_requested();) {
        int rc = socket_recv(sub, m, 200);
        if (rc == ERR_IO)
            return status_set(err, rc, "the subscription broke; start it again");
        if (rc != OK || m->n < 2)
            continue;
        print_change(&m->frames[1], json);
        n++;
    }
    return OK;
}

static int watch(struct board_job *job, bool json, struct status *err)
{
    json_t *all = ris_link_ask(&job->link, json_pack("{ss}", "cmd", "status"), NULL, NULL, err);
    if (all == NULL)
        return err->code;
    const char *endpoint = text_of(all, "publish");
    char topic[64];
    snprintf(topic, sizeof topic, "ris%s%s", job->link.board ? "." : "",
             job->link.board ? job->link.board : "");
    if (endpoint[0] == '\0') {
        json_decref(all);
        return status_set(err, ERR_STATE,
                          "mirador-ris publishes nothing; set its 'publish' endpoint");
    }
    void *sub = sockets_connect(job->link.sockets, ZMQ_SUB, endpoint, err);
    json_decref(all);
    int rc = sub != NULL ? socket_subscribe(sub, topic) : err->code;
    if (rc == OK) {
        fprintf(stderr, "watching; Ctrl-C ends\n");
        rc = watch_socket(job, sub, json, err);
    }
    socket_message_clear(&job->link.message);
    socket_close(&sub);
    return rc;
}

int cmd_ris_watch(int argc, char **argv)
{
    static struct board_job job = {.link.program = "mirador ris watch"};
    static const struct option_spec specs[] = {
        RIS_LINK_SPECS,
        {"count", 'n', "N", "end after N changes (never)"},
    };
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = "mirador ris watch",
        .synopsis = "Prints every change of state of the boards as it happens.",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    int rc = stop_signals_install(&err);
    if (rc == OK)
        rc = ris_link_open(&job.link, &err);
    return finish(&job, rc == OK ? watch(&job, opt.json, &err) : rc, &err);
}
