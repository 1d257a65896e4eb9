/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/element_map.h"
#include <string.h>

bool element_map_valid(const struct element_map *m)
{
    bool upright = m->quarters % 2 == 0;
    unsigned width = upright ? m->board.columns : m->board.rows;
    unsigned height = upright ? m->board.rows : m->board.columns;
    return ris_shape_valid(m->surface) && ris_shape_valid(m->board) && m->quarters < 4 &&
           m->board.bits == m->surface.bits && m->column + width <= m->surface.columns &&
           m->row + height <= m->surface.rows;
}

size_t element_map_index(const struct element_map *m, size_t at)
{
    size_t c = at % m->board.columns, r = at / m->board.columns, x, y;
    switch (m->quarters) {
    case 0:
        x = c, y = r;
        break;
    case 1:
        x = m->board.rows - 1u - r, y = c;
        break;
    case 2:
        x = m->board.columns - 1u - c, y = m->board.rows - 1u - r;
        break;
    default:
        x = r, y = m->board.columns - 1u - c;
    }
    return (m->row + y) * m->surface.columns + m->column + x;
}

void element_map_split(const struct element_map *m, const uint8_t *surface, uint8_t *board)
{
    memset(board, 0, ris_pattern_bytes(m->board));
    for (size_t i = 0; i < (size_t)m->board.columns * m->board.rows; i++)
        ris_pattern_set(m->board, board, i,
                        ris_pattern_get(m->surface, surface, element_map_index(m, i)));
}

void element_map_merge(const struct element_map *m, const uint8_t *board, uint8_t *surface)
{
    for (size_t i = 0; i < (size_t)m->board.columns * m->board.rows; i++)
        ris_pattern_set(m->surface, surface, element_map_index(m, i),
                        ris_pattern_get(m->board, board, i));
}
