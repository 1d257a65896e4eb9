/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Why a RIS board refuses a request. The numbers are on the wire. Freestanding, RT-safe. */
#pragma once

enum ris_nack {
    RIS_NACK_NONE,
    RIS_NACK_TYPE,     /* packet type unknown to this board */
    RIS_NACK_SHAPE,    /* profile of another size than the board's */
    RIS_NACK_SLOT,     /* slot number beyond the table */
    RIS_NACK_EMPTY,    /* slot never loaded */
    RIS_NACK_ORDER,    /* chunk does not continue the load in progress */
    RIS_NACK_HASH,     /* whole profile received, hash differs */
    RIS_NACK_RANGE,    /* a value out of range */
    RIS_NACK_BUSY,     /* a sequence runs, or the slot belongs to the armed one */
    RIS_NACK_TRIGGER,  /* armed without a trigger source */
    RIS_NACK_HARDWARE, /* shift chain or, in the simulated room, the room refused */
};

/* "profile of another size than the board's", for logs. Never NULL. */
const char *ris_nack_name(unsigned reason);
