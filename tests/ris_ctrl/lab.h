/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-ris in front of emulated boards, as a test talks to it: commands over its socket, its
 * news, and a look at the board from the other side. The board is called "wall". */
#pragma once
#include <jansson.h>
#include <stdint.h>

#include "base/sockets.h"
#include "bench.h"
#include "emulated.h"

#define BYTES   32 /* of a pattern of 1 bit; a tile's has twice as many */
#define SHAPE   ((struct ris_shape){16, 16, 1})
#define NEWS_MS 20000 /* patience; what is promised is measured */

extern struct bench bench;
extern struct emulated far[2];
extern struct socket_message answer; /* the last one */
extern struct status err;

int lab_setup(void **state);
int lab_teardown(void **state);

/* One more --set for mirador-ris; take it back; replace the first ones (see lab_setup). */
void set(const char *format, ...) __attribute__((format(printf, 1, 2)));
void unset(void);
void reset_set(size_t i, const char *format, ...) __attribute__((format(printf, 2, 3)));
int try_start(char *text, size_t size); /* as bench_start */

void start(void); /* mirador-ris, our socket and its news */
void await_present(
    void);          /* behind start with a board that is not there yet: it is, with its news */
void hang_up(void); /* our sockets; start again */
/* An emulated board of that kind behind that driver, and start. */
void board(const char *kind, const char *driver, unsigned baud);

/* One command, all between the braces but seq; n bytes of pattern, or NULL. */
json_t *ask(const void *pattern, size_t n, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void tell(const char *body); /* the same, and its answer does not matter */
const char *word(json_t *root, const char *key);
void expect_ok(json_t *root);
void refused(json_t *root, const char *code, const char *text);
json_t *load(unsigned slot, const uint8_t *p);
void load_two(uint8_t p[BYTES], uint8_t q[BYTES]); /* patterns 1 and 2, in slots 0 and 1 */
json_t *apply(unsigned slot);
json_t *arm(void); /* the profile in slot 1, once */

void pattern(uint32_t seed, uint8_t *p); /* BYTES for each bit of the board */
void expect_shown(struct emulated *e, const uint8_t *p);
void hash_text(const uint8_t *p, char text[17]);
/* What status and read-back say: shown, and what waits for the edge (NULL = nothing). */
void expect_state(const uint8_t *shown, const uint8_t *pending);

/* Waits for that event; its text in text if not NULL. Returns seconds since `from`. */
double await_news(const char *event, double from, char *text, size_t size);
/* How many changes are told in that time; the last one's text in text if not NULL. */
size_t count_news(double seconds, char *text, size_t size);
/* When the controller told the change that was awaited last (Unix time). */
extern int64_t news_ns;
double now_s(void);
int64_t unix_ns(void);
