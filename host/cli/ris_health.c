/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/ris_health.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "host/cli/ris_plot.h"
#include "host/pixel_store.h"

#define STATE_FOLDER "/var/lib/mirador"

/* Two characters a pixel, as pictures of profiles have them: a broken one shows tenths of what it
 * reflects. */
static void put_pixel(const struct pixel_map *map, size_t m, bool blocks)
{
    int tenths = (int)lrint(fmin(9, 10 * (double)cabsf(map->mask[m])));
    if (map->state[m] == PIXEL_FAILED)
        printf("#%d", tenths);
    else if (map->state[m] == PIXEL_UNKNOWN)
        fputs("? ", stdout);
    else
        fputs(blocks ? "··" : ". ", stdout);
}

static void print_picture(const struct pixel_store_head *head, const struct pixel_map *map,
                          bool blocks)
{
    for (unsigned row = head->rows; row-- > 0;) {
        printf("%3u ", row);
        for (unsigned column = 0; column < head->columns; column++)
            put_pixel(map, (size_t)row * head->columns + column, blocks);
        putchar('\n');
    }
    for (size_t m = 0; m < map->n_element; m++)
        if (map->state[m] == PIXEL_FAILED)
            printf(
                "pixel %4zu (column %zu, row %zu): reflects %.2f, turned by %+.2f rad, deviation "
                "%.2f, log-odds %.1f\n",
                m, m % head->columns, m / head->columns, (double)cabsf(map->mask[m]),
                (double)cargf(map->mask[m]), (double)map->sigma_of[m], (double)map->log_odds[m]);
}

static void print_json(const struct pixel_store_head *head, const struct pixel_map *map)
{
    const char *comma = "";
    printf("{\"board\":\"%s\",\"serial\":\"%s\",\"columns\":%u,\"rows\":%u,\"trains\":%llu,"
           "\"unknown\":%zu,\"failed\":[",
           head->board, head->serial, head->columns, head->rows, (unsigned long long)map->used,
           map->unknown);
    for (size_t m = 0; m < map->n_element; m++) {
        if (map->state[m] != PIXEL_FAILED)
            continue;
        printf("%s{\"element\":%zu,\"mask\":[%.4f,%.4f],\"sigma\":%.4f,\"log_odds\":%.2f}", comma,
               m, (double)crealf(map->mask[m]), (double)cimagf(map->mask[m]),
               (double)map->sigma_of[m], (double)map->log_odds[m]);
        comma = ",";
    }
    puts("]}");
}

/* As a figure of a profile of two bits: 0 healthy, 1 unknown, 3 broken. */
static int plot(const struct ris_health *ask, const char *title,
                const struct pixel_store_head *head, const struct pixel_map *map,
                struct status *err)
{
    const struct ris_shape shape = {(uint8_t)head->columns, (uint8_t)head->rows, 2};
    uint8_t pattern[RIS_PATTERN_MAX] = {0};
    for (size_t m = 0; m < map->n_element; m++)
        ris_pattern_set(shape, pattern, m,
                        map->state[m] == PIXEL_FAILED    ? 3
                        : map->state[m] == PIXEL_UNKNOWN ? 1
                                                         : 0);
    int rc = ris_plot_pattern(ask->out, title, shape, pattern, err);
    if (rc == ERR_NOT_FOUND)
        fprintf(stderr, "mirador ris show: %s\n", err->text);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

int ris_health_show(const struct ris_health *ask, struct status *err)
{
    static struct pixel_map map;
    struct pixel_store_head head = {0};
    char path[512], title[160];
    if (!ask->file && !ask->board)
        return status_set(err, ERR_ARG, "--health: of which board? give --board NAME, or a file");
    snprintf(head.board, sizeof head.board, "%s", ask->board ? ask->board : "");
    pixel_store_path(ask->state ? ask->state : STATE_FOLDER, &head, path, sizeof path);
    if (ask->file)
        snprintf(path, sizeof path, "%s", ask->file);
    int rc = pixel_store_read(path, &head, &map, err);
    if (rc == ERR_NOT_FOUND)
        return status_set(
            err, rc,
            "%s: no record; miradord writes one while pixels.every is not 0 (the name "
            "is the board's serial number where it tells one)",
            path);
    if (rc)
        return rc;
    snprintf(title, sizeof title, "%s%s%s: %zu of %zu pixels broken, %zu unknown, %llu trains",
             head.board, head.serial[0] ? " " : "", head.serial, map.failed, map.n_element,
             map.unknown, (unsigned long long)map.used);
    if (ask->json) {
        print_json(&head, &map);
    } else {
        puts(title);
        print_picture(&head, &map, ask->blocks);
    }
    return ask->out ? plot(ask, title, &head, &map, err) : OK;
}
