/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/ris_config.h"
#include "base/log.h"
#include "ris_ctrl/stream_port.h"
#include <stdio.h>
#include <string.h>

typedef struct ris_config_board board;

static const struct config_key board_keys[] = {
    {"name", CONFIG_STRING(board, name),
     .help = "letters, digits, - and _; as in the room's scene"},
    {"driver", CONFIG_CHOICE(board, driver, RIS_DRIVER_NAMES), .def = "native",
     .help = "kind of board; qemu: our firmware as ARM code, serial: our firmware on a line"},
    {"columns", CONFIG_INT(board, columns), .min = 1, .max = RIS_SIDE_MAX, .help = "elements, x"},
    {"rows", CONFIG_INT(board, rows), .min = 1, .max = RIS_SIDE_MAX, .help = "elements, y"},
    {"bits", CONFIG_INT(board, bits), .min = 1, .max = RIS_BITS_MAX, .def = "1",
     .help = "of each element's state"},
    {"spacing_m", CONFIG_DOUBLE(board, spacing_m), .unit = "m", .min = 1e-4, .max = 1,
     .def = "0.02584", .help = "between elements"},
    {"slots", CONFIG_INT(board, slots), .min = 1, .max = 4096, .def = "64",
     .help = "profiles the board holds"},
    {"trigger", CONFIG_CHOICE(board, trigger, "none|rising|falling"), .def = "rising",
     .help = "edge that starts an armed sequence, at power-up"},
    {"room", CONFIG_STRING(board, room), .def = "\"\"",
     .help = "simulated room that a native board reports to; empty = none"},
    {"port", CONFIG_STRING(board, port), .def = "\"\"",
     .help = "of the other boards: /dev/ttyACM0, unix:/path, tcp:host:port"},
    {"baud", CONFIG_INT(board, baud), .unit = "baud", .min = 300, .max = 4000000, .def = "115200",
     .help = "of a tty"},
    {"tile", CONFIG_INT(board, tile), .min = 1, .max = 99, .def = "1",
     .help = "number of the tile behind a tile server"},
    {"verify", CONFIG_BOOL(board, verify), .def = "yes",
     .help = "an OpenSourceRIS board reads every shown pattern back"},
    {"ack_timeout_ms", CONFIG_INT(board, ack_timeout_ms), .unit = "ms", .min = 5, .max = 60000,
     .def = "500", .help = "wait for an answer before asking again"},
    {"retries", CONFIG_INT(board, retries), .min = 0, .max = 20, .def = "3",
     .help = "times a request is sent again"},
};
static const struct config_table board_table = CONFIG_TABLE(board, board_keys);

static const struct config_key keys[] = {
    {"endpoint", CONFIG_STRING(struct ris_config, endpoint), .def = "ipc:///tmp/mirador-ris.sock",
     .help = "ZeroMQ ROUTER"},
    {"curve.secret_key_file", CONFIG_STRING(struct ris_config, curve.secret_key_file),
     .def = "\"\"", .help = "our CURVE key; needed beyond this machine"},
    {"curve.client_public_keys",
     CONFIG_STRINGS(struct ris_config, curve.client_public_keys, curve.n_client_public_keys),
     .help = "who may command the boards"},
    {"boards", CONFIG_LIST(struct ris_config, boards, n_board, &board_table), .min_items = 1,
     .help = "RIS boards"},
};
const struct config_table ris_config_table = CONFIG_TABLE(struct ris_config, keys);

static bool name_valid(const char *name)
{
    return name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
                                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

static int check_port(const struct ris_config_board *b, size_t i, struct status *err)
{
    bool needed = b->driver == RIS_DRIVER_SERIAL || b->driver == RIS_DRIVER_OPENSOURCE ||
                  b->driver == RIS_DRIVER_TILE;
    if (!needed || stream_port_valid(b->port))
        return OK;
    return status_set(err, ERR_ARG,
                      "boards[%zu].port '%s' names no port; give /dev/ttyACM0, unix:/path or "
                      "tcp:host:port",
                      i, b->port);
}

static int check_board(const struct ris_config *cfg, size_t i, struct status *err)
{
    const struct ris_config_board *b = &cfg->boards[i];
    struct ris_shape shape = {(uint8_t)b->columns, (uint8_t)b->rows, (uint8_t)b->bits};
    if (!name_valid(b->name))
        return status_set(err, ERR_ARG,
                          "boards[%zu].name '%s' is no board's name; use letters, "
                          "digits, - and _",
                          i, b->name);
    if (!ris_shape_valid(shape))
        return status_set(err, ERR_ARG,
                          "boards[%zu] %s: a profile takes at most %d bytes; use "
                          "fewer bits or elements",
                          i, b->name, RIS_PATTERN_MAX);
    for (size_t j = 0; j < i; j++)
        if (strcmp(cfg->boards[j].name, b->name) == 0)
            return status_set(err, ERR_ARG, "boards[%zu].name '%s' is there twice; rename one", i,
                              b->name);
    return check_port(b, i, err);
}

int ris_config_check(const void *ris_config, const char *file, struct status *err)
{
    const struct ris_config *cfg = ris_config;
    char key[32];
    for (size_t i = 0; i < cfg->n_board; i++)
        if (check_board(cfg, i, err) != OK) {
            snprintf(key, sizeof key, "boards[%zu].name", i);
            return config_blame(file, key, err);
        }
    return OK;
}
