/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/schedule_json.h"

static double seconds(const struct schedule *s, int64_t ticks)
{
    return (double)ticks / (double)s->rate;
}

static json_t *windows(const struct schedule *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < WINDOW_COUNT; i++)
        if (s->window[i].n > 0)
            json_array_append_new(list,
                                  json_pack("{s:s, s:f, s:f}", "name", schedule_window_name(i),
                                            "begin_s", seconds(s, s->window[i].begin), "length_s",
                                            seconds(s, s->window[i].n)));
    return list;
}

static json_t *guards(const struct schedule *s)
{
    struct schedule_gap gap[WINDOW_COUNT];
    json_t *list = json_array();
    const size_t n = schedule_gaps(s, gap);
    for (size_t i = 0; i < n; i++)
        if (gap[i].need > 0)
            json_array_append_new(
                list,
                json_pack("{s:s, s:s, s:s, s:f, s:f, s:f}", "name",
                          schedule_guard_name(gap[i].guard), "after",
                          schedule_window_name(gap[i].after), "before",
                          i + 1 < n ? schedule_window_name(gap[i].before) : "next cycle", "begin_s",
                          seconds(s, gap[i].begin), "length_s", seconds(s, gap[i].need), "free_s",
                          seconds(s, gap[i].next - gap[i].begin)));
    return list;
}

json_t *schedule_json(const struct schedule *s)
{
    return json_pack("{s:f, s:f, s:f, s:o, s:o}", "period_s", seconds(s, s->period), "slot_s",
                     seconds(s, s->slot), "response_s", seconds(s, s->response), "windows",
                     windows(s), "guards", guards(s));
}
