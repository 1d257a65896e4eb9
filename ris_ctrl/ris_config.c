/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/ris_config.h"
#include "base/log.h"
#include "ris_ctrl/stream_port.h"
#include <stdio.h>
#include <string.h>

#define RIS_ROTATIONS "0|90|180|270"

typedef struct ris_config_board board;
typedef struct ris_config_tile tile;

static const struct config_key tile_keys[] = {
    {"driver", CONFIG_CHOICE(tile, driver, RIS_DRIVER_NAMES), .def = "tile",
     .help = "kind of board"},
    {"port", CONFIG_STRING(tile, port), .def = "\"\"", .help = "as of a board"},
    {"baud", CONFIG_INT(tile, baud), .unit = "baud", .min = 300, .max = 4000000, .def = "115200",
     .help = "of a tty"},
    {"tile", CONFIG_INT(tile, tile), .min = 1, .max = 99, .def = "1",
     .help = "number of the tile behind a tile server"},
    {"column", CONFIG_INT(tile, column), .min = 0, .max = RIS_SIDE_MAX - 1,
     .help = "of the surface, at the tile's lower left corner"},
    {"row", CONFIG_INT(tile, row), .min = 0, .max = RIS_SIDE_MAX - 1, .help = "the same"},
    {"columns", CONFIG_INT(tile, columns), .min = 1, .max = RIS_SIDE_MAX,
     .help = "elements of the tile, as it counts itself"},
    {"rows", CONFIG_INT(tile, rows), .min = 1, .max = RIS_SIDE_MAX, .help = "the same"},
    {"rotation_deg", CONFIG_CHOICE(tile, rotation, RIS_ROTATIONS), .def = "\"0\"",
     .help = "how it hangs, counter-clockwise"},
};
static const struct config_table tile_table = CONFIG_TABLE(tile, tile_keys);

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
    {"restore", CONFIG_BOOL(board, restore), .def = "no",
     .help = "show the last static profile again at start; needs store_dir"},
    {"rotation_deg", CONFIG_CHOICE(board, rotation, RIS_ROTATIONS), .def = "\"0\"",
     .help = "how the board hangs, counter-clockwise"},
    {"dead_columns", CONFIG_INTS(board, dead_columns, n_dead), .min = 0, .max = RIS_SIDE_MAX - 1,
     .help = "columns of the surface that do not switch; kept at state 0"},
    {"states", CONFIG_DOUBLES(board, states, n_states), .min = -7, .max = 7,
     .help = "measured at the carrier: amplitude, phase [rad] of state 0, of state 1, ..."},
    {"tiles", CONFIG_LIST(board, tiles, n_tile, &tile_table),
     .help = "boards that form this surface, at most 16; none = it is one board"},
    {"ack_timeout_ms", CONFIG_INT(board, ack_timeout_ms), .unit = "ms", .min = 5, .max = 60000,
     .def = "500", .help = "wait for an answer before asking again"},
    {"retries", CONFIG_INT(board, retries), .min = 0, .max = 20, .def = "3",
     .help = "times a request is sent again"},
};
static const struct config_table board_table = CONFIG_TABLE(board, board_keys);

static const struct config_key keys[] = {
    {"endpoint", CONFIG_STRING(struct ris_config, endpoint), .def = "ipc:///tmp/mirador-ris.sock",
     .help = "ZeroMQ ROUTER"},
    {"publish", CONFIG_STRING(struct ris_config, publish), .def = "\"\"",
     .help = "ZeroMQ PUB of every change of a board; empty = none"},
    {"store_dir", CONFIG_STRING(struct ris_config, store_dir), .def = "\"\"",
     .help = "folder of named profiles and of the last static ones; empty = none"},
    {"audit_file", CONFIG_STRING(struct ris_config, audit_file), .def = "\"\"",
     .help = "one line for every command that changes something; empty = none"},
    {"curve.secret_key_file", CONFIG_STRING(struct ris_config, curve.secret_key_file),
     .def = "\"\"", .help = "our CURVE key; needed beyond this machine"},
    {"curve.client_public_keys",
     CONFIG_STRINGS(struct ris_config, curve.client_public_keys, curve.n_client_public_keys),
     .help = "who may command the boards"},
    {"run.realtime", CONFIG_BOOL(struct ris_config, realtime), .def = "no",
     .help = "SCHED_FIFO for the controller and its native boards, on one CPU; not with QEMU"},
    {"run.cpus", CONFIG_INTS(struct ris_config, cpus, n_cpu), .min = 0, .max = 1023,
     .help = "CPUs they stay on, with run.realtime; empty: the last one"},
    {"boards", CONFIG_LIST(struct ris_config, boards, n_board, &board_table), .min_items = 1,
     .help = "RIS boards, at most 8; more need a second mirador-ris"},
};
const struct config_table ris_config_table = {CONFIG_KEYS(struct ris_config, keys),
                                              .presets = "ris-"};

static bool name_valid(const char *name)
{
    return name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
                                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

static int check_port(int driver, const char *port, size_t i, struct status *err)
{
    bool needed =
        driver == RIS_DRIVER_SERIAL || driver == RIS_DRIVER_OPENSOURCE || driver == RIS_DRIVER_TILE;
    if (!needed || stream_port_valid(port))
        return OK;
    return status_set(err, ERR_ARG,
                      "boards[%zu]: '%s' names no port; give /dev/ttyACM0, unix:/path or "
                      "tcp:host:port",
                      i, port);
}

struct element_map ris_config_map(const struct ris_config_board *b, const struct ris_config_tile *t)
{
    uint8_t bits = (uint8_t)b->bits;
    struct element_map m = {.surface = {(uint8_t)b->columns, (uint8_t)b->rows, bits}};
    if (t != NULL) {
        m.board = (struct ris_shape){(uint8_t)t->columns, (uint8_t)t->rows, bits};
        m.column = (uint8_t)t->column;
        m.row = (uint8_t)t->row;
        m.quarters = (uint8_t)t->rotation;
        return m;
    }
    m.quarters = (uint8_t)b->rotation;
    m.board = m.surface;
    if (b->rotation % 2 == 1) {
        m.board.columns = (uint8_t)b->rows;
        m.board.rows = (uint8_t)b->columns;
    }
    return m;
}

/* Every element of the surface has one tile behind it. */
static int check_tiles(const struct ris_config_board *b, size_t i, struct status *err)
{
    uint8_t covered[RIS_SIDE_MAX * RIS_SIDE_MAX] = {0};
    size_t n = 0;
    for (size_t k = 0; k < b->n_tile; k++) {
        const struct element_map m = ris_config_map(b, &b->tiles[k]);
        if (!element_map_valid(&m))
            return status_set(err, ERR_ARG,
                              "boards[%zu].tiles[%zu] reaches beyond the surface; correct its "
                              "place or size",
                              i, k);
        for (size_t at = 0; at < (size_t)m.board.columns * m.board.rows; at++, n++)
            if (covered[element_map_index(&m, at)]++)
                return status_set(err, ERR_ARG,
                                  "boards[%zu].tiles[%zu] lies over another tile; correct its "
                                  "place or size",
                                  i, k);
        if (check_port(b->tiles[k].driver, b->tiles[k].port, i, err) != OK)
            return err->code;
    }
    if (b->n_tile > 0 && n != (size_t)b->columns * (size_t)b->rows)
        return status_set(err, ERR_ARG,
                          "boards[%zu]: its tiles leave a part of the surface uncovered; add tiles",
                          i);
    return OK;
}

static int check_map(const struct ris_config *cfg, size_t i, struct status *err)
{
    const struct ris_config_board *b = &cfg->boards[i];
    for (size_t k = 0; k < b->n_dead; k++)
        if (b->dead_columns[k] >= b->columns)
            return status_set(err, ERR_ARG, "boards[%zu].dead_columns: there is no column %d", i,
                              b->dead_columns[k]);
    if (b->n_states != 0 && b->n_states != (size_t)2 << b->bits)
        return status_set(err, ERR_ARG,
                          "boards[%zu].states: give %d numbers, amplitude and phase of each of %d "
                          "states",
                          i, 2 << b->bits, 1 << b->bits);
    if (b->restore && cfg->store_dir[0] == '\0')
        return status_set(err, ERR_ARG, "boards[%zu].restore needs store_dir; set it", i);
    if (b->n_tile > 0)
        return check_tiles(b, i, err);
    return check_port(b->driver, b->port, i, err);
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
    return check_map(cfg, i, err);
}

int ris_config_check(const void *ris_config, const char *file, struct status *err)
{
    const struct ris_config *cfg = ris_config;
    char key[32];
    for (size_t i = 0; i < cfg->n_board; i++)
        if (check_board(cfg, i, err) != OK) {
            snprintf(key, sizeof key, "boards[%zu].name", i);
            return config_blame(&ris_config_table, file, key, err);
        }
    return OK;
}
