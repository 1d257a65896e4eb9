/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/ris_nack.h"

const char *ris_nack_name(unsigned reason)
{
    static const char *const names[] = {
        [RIS_NACK_NONE] = "no reason",
        [RIS_NACK_TYPE] = "packet type unknown to the board",
        [RIS_NACK_SHAPE] = "profile of another size than the board's",
        [RIS_NACK_SLOT] = "slot number beyond the board's table",
        [RIS_NACK_EMPTY] = "slot never loaded",
        [RIS_NACK_ORDER] = "piece of a profile out of order",
        [RIS_NACK_HASH] = "profile arrived with another hash",
        [RIS_NACK_RANGE] = "value out of range",
        [RIS_NACK_BUSY] = "slot or board in use by an armed sequence",
        [RIS_NACK_TRIGGER] = "no trigger source chosen",
        [RIS_NACK_HARDWARE] = "hardware (or the simulated room) refused",
    };
    return reason < sizeof names / sizeof names[0] ? names[reason] : "unknown reason";
}
