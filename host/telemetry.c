/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON headers into fixed buffers. Positions carry 17 digits, so that two runs compare bit by bit.
 */
#include "host/telemetry.h"
#include "base/log.h"
#include "host/control_record.h"
#include "host/report_text.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void add_vec3(struct report_text *t, const char *name, double x, double y, double z)
{
    report_add(t, ",\"%s\":[%.17g,%.17g,%.17g]", name, report_number(x), report_number(y),
               report_number(z));
}

static void add_head(struct report_text *t, const char *type, const struct cycle_report *r)
{
    report_add(t, "{\"v\":1,\"type\":\"%s\",\"cycle\":%" PRIu64 ",\"time_s\":%.9f,\"user\":%d",
               type, r->plan.cycle, r->time_s, r->user_id);
}

static void add_profiles(struct report_text *t, const struct cycle_report *r)
{
    report_add(t, ",\"profile\":[%u,%u]", r->plan.profile[0], r->plan.profile[1]);
}

static void add_path(struct report_text *t, const char *name, const struct report_path *p)
{
    report_add(t,
               "{\"name\":\"%s\",\"length_m\":%.17g,\"sigma_m\":%.9g,\"snr_db\":%.4f,"
               "\"peak_db\":%.2f,\"bias_m\":%.5f",
               name, report_number(p->length_m), report_number(p->sigma_m),
               report_number(p->snr_db), report_number(p->peak_db), report_number(p->bias_m));
    report_add_fixed(t, "", "walls_m", 5, p->walls_m);
    report_add_fixed(t, "", "sigma_used_m", 5, p->sigma_used_m);
    report_add(t, ",\"used\":%s}", report_boolean(p->used));
}

static void add_paths(struct report_text *t, const struct cycle_report *r, size_t n)
{
    report_add(t, ",\"paths\":[");
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (!r->path[i].found)
            continue;
        report_add(t, "%s", any ? "," : "");
        add_path(t, report_path_name(i), &r->path[i]);
        any = true;
    }
    report_add(t, "]");
}

static void add_fix(struct report_text *t, const struct fix *f)
{
    add_vec3(t, "position_m", f->position.x, f->position.y, f->position.z);
    report_add(t, ",\"covariance_m2\":[");
    for (int i = 0; i < 3; i++)
        report_add(t, "%s[%.17g,%.17g,%.17g]", i ? "," : "", report_number(f->cov[i][0]),
                   report_number(f->cov[i][1]), report_number(f->cov[i][2]));
    report_add(t, "],\"chi2\":%.17g,\"dof\":%d,\"ungated\":%s,\"coded_only\":%s,\"gdop\":%.5g",
               report_number(f->chi2), f->dof, report_boolean(f->ungated),
               report_boolean(f->coded_only), report_number(f->gdop));
}

/* An answer without permission tells nothing: its carrier offset changes by the radial speed, its
 * strength by the distance. */
static void add_answer(struct report_text *t, const struct cycle_report *r)
{
    const bool told = r->response == RESPONSE_PERMITTED;
    report_add_fixed(t, "response_", "snr_db", 2, told ? r->response_snr_db : NAN);
    report_add_fixed(t, "response_", "cfo_hz", 2, told ? r->response_cfo_hz : NAN);
    report_add_fixed(t, "response_", "evm_db", 2, told ? r->response_evm_db : NAN);
}

static void add_faults(struct report_text *t, uint32_t faults)
{
    char names[256];
    cycle_faults_json(faults, names, sizeof names);
    report_add(t, ",\"faults\":%s", names);
}

int telemetry_format_fix(const struct cycle_report *r, double latency_ms, char *out, size_t size)
{
    struct report_text t = {.out = out, .size = size};
    add_head(&t, "fix", r);
    add_fix(&t, &r->fix);
    if (r->track.alive) {
        add_vec3(&t, "track_m", r->track.x[0], r->track.x[1], r->track.x[2]);
        add_vec3(&t, "velocity_mps", r->track.x[3], r->track.x[4], r->track.x[5]);
    } else {
        report_add(&t, ",\"track_m\":null,\"velocity_mps\":null");
    }
    report_add(&t, ",\"ellipse95_m\":[%.6g,%.6g],\"ellipse95_angle_rad\":%.6g",
               report_number(r->ellipse.major_m), report_number(r->ellipse.minor_m),
               report_number(r->ellipse.angle_rad));
    report_add(&t, ",\"height_m\":%.2f,\"adaptive\":%s,\"refined\":%s,\"map\":\"%s\",\"echoes\":%s",
               r->height_m, report_boolean(r->path[PATH_L2].adaptive),
               report_boolean(r->fix.map == FIX_MAP_USED), fix_map_text(r->fix.map),
               report_boolean(r->echoes));
    add_profiles(&t, r);
    add_paths(&t, r, PATH_COUNT);
    add_faults(&t, r->faults);
    report_add(&t, ",\"unsynchronised\":%s", report_boolean(r->faults & FAULT_UNSYNCHRONISED));
    report_add(&t, ",\"steering_match\":%.5f,\"identity\":\"%s\"", r->site.steering_match,
               r->steering ? "steering" : "coded");
    report_add(&t, ",\"latency_ms\":%.3f}", latency_ms);
    return report_length(&t);
}

int telemetry_format_cycle(const struct cycle_report *r, double latency_ms, char *out, size_t size)
{
    struct report_text t = {.out = out, .size = size};
    const char *why = r->outcome == FIX_REFUSED ? fix_verdict_text(r->fix.verdict) : "";
    add_head(&t, "cycle", r);
    if (!r->forgotten) /* the beam says where the user was */
        add_profiles(&t, r);
    report_add(&t,
               ",\"response\":\"%s\",\"response_code\":\"%s\",\"outcome\":\"%s\",\"reason\":\"%s\"",
               response_verdict_name(r->response), status_name(r->response_code),
               fix_outcome_name(r->outcome), why);
    report_add(&t, ",\"state\":\"%s\",\"forgotten\":%s", consent_state_name(r->consent),
               report_boolean(r->forgotten));
    add_answer(&t, r);
    report_add(&t, ",\"background\":\"%s\",\"discontinuity\":%s,\"leak_wander_rad\":%.5f",
               r->background_running ? "capturing" : (r->background_valid ? "valid" : "adaptive"),
               report_boolean(r->faults & (FAULT_RX_GAP | FAULT_RX_LOST)),
               report_number(r->leak_wander_rad));
    add_faults(&t, r->faults);
    if (r->response == RESPONSE_PERMITTED && r->outcome != FIX_DONE)
        add_paths(&t, r, PATH_COUNT);
    report_add(&t,
               ",\"stages_us\":{\"sensing\":%.1f,\"sync\":%.1f,\"response\":%.1f,\"fix\":%.1f,"
               "\"total\":%.1f},\"latency_ms\":%.3f}",
               r->stages.sensing_us, r->stages.sync_us, r->stages.response_us, r->stages.fix_us,
               r->stages.total_us, latency_ms);
    return report_length(&t);
}

int telemetry_format_paths(const struct cycle_report *r, char *out, size_t size)
{
    struct report_text t = {.out = out, .size = size};
    add_head(&t, "paths", r);
    add_paths(&t, r, PATH_COUNT);
    report_add(&t,
               ",\"arrays\":[{\"name\":\"power\",\"dtype\":\"f4\",\"shape\":[%d,%d],"
               "\"streams\":[\"static\",\"ris1\",\"ris2\"],\"step_m\":%.9g}]}",
               REPORT_STREAMS, REPORT_PROFILE_BINS, (double)r->profile_step_m);
    return report_length(&t);
}

const char *telemetry_ris_fault(uint32_t fault)
{
    if (fault & FAULT_RIS_UNKNOWN)
        return "ris_unknown";
    return fault & FAULT_RIS_LATE ? "ris_late" : "";
}

/* Words of others without what JSON would have to escape. */
static const char *plain(const char *words, char out[160])
{
    size_t n = 0;
    for (; words[n] != '\0' && n + 1 < 160; n++)
        out[n] =
            words[n] == '"' || words[n] == '\\' || (unsigned char)words[n] < ' ' ? '\'' : words[n];
    out[n] = '\0';
    return out;
}

int telemetry_format_ris(const struct telemetry_ris *r, const struct bs_cfg *cfg, char *out,
                         size_t size)
{
    struct report_text t = {.out = out, .size = size};
    char text[160];
    report_add(&t, "{\"v\":1,\"type\":\"ris\",\"cycle\":%" PRIu64 ",\"wait_us\":%.1f,\"boards\":[",
               r->cycle, r->wait_us);
    for (size_t i = 0; i < r->n_board; i++)
        report_add(&t,
                   "%s{\"name\":\"%s\",\"ok\":%s,\"fault\":\"%s\",\"code\":\"%s\",\"text\":\"%s\","
                   "\"hash\":\"%016" PRIx64 "\",\"elapsed_us\":%u}",
                   i ? "," : "", cfg->ris.boards[i].name, report_boolean(r->fault[i] == 0),
                   telemetry_ris_fault(r->fault[i]), status_name(r->ack[i].code),
                   plain(r->ack[i].text, text), r->ack[i].hash, r->ack[i].elapsed_us);
    report_add(&t, "]}");
    return report_length(&t);
}

static void add_counts(struct report_text *t, const char *group, const uint64_t *count, size_t n,
                       const char *(*name)(unsigned))
{
    report_add(t, ",\"%s\":{", group);
    for (unsigned i = 0; i < n; i++)
        report_add(t, "%s\"%s\":%" PRIu64, i ? "," : "", name(i), count[i]);
    report_add(t, "}");
}

static const char *verdict_name(unsigned i)
{
    return response_verdict_name((enum response_verdict)i);
}

static const char *outcome_name(unsigned i)
{
    return fix_outcome_name((enum fix_outcome)i);
}

static const char *fault_name(unsigned i)
{
    return cycle_fault_name(i);
}

static void add_radio(struct report_text *t, const struct radio_counters *r)
{
    report_add(t,
               ",\"radio\":{\"rx_overflows\":%" PRIu64 ",\"rx_sequence_errors\":%" PRIu64
               ",\"rx_late_commands\":%" PRIu64 ",\"rx_timeouts\":%" PRIu64
               ",\"rx_bad_packets\":%" PRIu64 ",\"rx_gaps\":%" PRIu64 ",\"rx_gap_samps\":%" PRIu64,
               r->rx_overflows, r->rx_sequence_errors, r->rx_late_commands, r->rx_timeouts,
               r->rx_bad_packets, r->rx_gaps, r->rx_gap_samps);
    report_add(t,
               ",\"tx_bursts\":%" PRIu64 ",\"tx_acks\":%" PRIu64 ",\"tx_lates\":%" PRIu64
               ",\"tx_underflows\":%" PRIu64 ",\"tx_sequence_errors\":%" PRIu64
               ",\"trigger_pulses\":%" PRIu64 ",\"unlocked\":%" PRIu64,
               r->tx_bursts, r->tx_acks, r->tx_lates, r->tx_underflows, r->tx_sequence_errors,
               r->trigger_pulses, r->unlocked);
    report_add(t,
               ",\"rx_restarts\":%" PRIu64 ",\"tx_unacked\":%" PRIu64 ",\"pps_missing\":%" PRIu64
               ",\"time_jumps\":%" PRIu64 ",\"losses\":%" PRIu64 ",\"resyncs\":%" PRIu64 "}",
               r->rx_restarts, r->tx_unacked, r->pps_missing, r->time_jumps, r->losses, r->resyncs);
}

static void add_stages(struct report_text *t, const char *name, const struct report_stages *s)
{
    report_add(
        t, ",\"%s\":{\"sensing\":%.1f,\"sync\":%.1f,\"response\":%.1f,\"fix\":%.1f,\"total\":%.1f}",
        name, s->sensing_us, s->sync_us, s->response_us, s->fix_us, s->total_us);
}

/* Cycles with a gap, and cycles with a capture that never came. */
static uint64_t discontinuities(const struct pipeline_counters *p)
{
    uint64_t n = 0;
    for (size_t i = 0; i < CYCLE_FAULTS; i++)
        if ((FAULT_RX_GAP | FAULT_RX_LOST) >> i & 1)
            n += p->fault[i];
    return n;
}

static void add_quoted(struct report_text *t, const char *name, const char *value)
{
    char text[160];
    report_add(t, ",\"%s\":\"%s\"", name, plain(value, text));
}

static void add_recorder(struct report_text *t, const struct recorder_status *r)
{
    char object[2048];
    bool whole = control_record_status(r, object, sizeof object) > 0;
    report_add(t, ",\"recorder\":%s", whole ? object : "null");
}

static void add_took(struct report_text *t, const struct histogram_summary *s)
{
    report_add(t,
               "\"n\":%" PRIu64 ",\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f",
               s->n, s->p50_us, s->p99_us, s->p999_us, s->max_us);
}

static void add_deadlines(struct report_text *t, const struct health *h)
{
    const struct witness_summary *w = &h->witness;
    report_add(t, ",\"deadlines\":{");
    for (size_t i = 0; i < DEADLINE_STAGES; i++) {
        const struct deadline *d = &h->deadline[i];
        report_add(
            t, "%s\"%s\":{\"budget_us\":%.0f,\"missed\":%" PRIu64 ",\"inconclusive\":%" PRIu64 ",",
            i ? "," : "", deadline_stage_name(i), d->budget_us, d->missed, d->inconclusive);
        add_took(t, &d->took);
        report_add(t, "}");
    }
    report_add(t, "},\"witness\":{\"cpus\":%zu,\"hiccups\":%" PRIu64 ",", w->n_cpu, w->hiccups);
    add_took(t, &w->late);
    report_add(t, "},\"realtime\":{\"fifo\":%s,\"pinned\":%s,\"memory_locked\":%s}",
               report_boolean(h->grant.fifo), report_boolean(h->grant.pinned),
               report_boolean(h->memory_locked));
}

static void add_stored(struct report_text *t, const struct site_health *h, enum calib_kind kind)
{
    report_add(t, ",\"stored\":%s,\"stored_age_s\":%.0f", report_boolean(h->of[kind].stored),
               h->of[kind].age_s);
    add_quoted(t, "refused", h->of[kind].refused);
    report_add(t, "}");
}

static void add_site(struct report_text *t, const struct site_status *s)
{
    bool any = false;
    report_add(t, ",\"calib\":{\"delay\":{\"zero\":\"%s\",\"latency_us\":%.7f,\"drift_m\":%.4f",
               zero_state_name(s->last.zero), 1e6 * s->last.latency_s, s->delay_drift_m);
    add_stored(t, &s->health, CALIB_DELAY);
    report_add(t, ",\"channels\":{\"match\":%.5f,\"response\":[", s->steering_match);
    for (size_t i = 0; i < STREAM_MAX_ANT && s->last.channel[i] != 0; i++)
        report_add(t, "%s[%.6g,%.6g]", i ? "," : "", (double)crealf(s->last.channel[i]),
                   (double)cimagf(s->last.channel[i]));
    report_add(t, "]");
    add_stored(t, &s->health, CALIB_CHANNELS);
    report_add(t, ",\"background\":{\"room\":\"%s\",\"drift_db\":%.1f,\"age_s\":%.0f",
               room_state_name(s->last.room), s->last.room_drift_db, s->last.room_age_s);
    add_stored(t, &s->health, CALIB_BACKGROUND);
    if (isfinite(s->health.temperature_c))
        report_add(t, ",\"temperature_c\":%.1f", s->health.temperature_c);
    else
        report_add(t, ",\"temperature_c\":null");
    report_add(t, ",\"alarms\":[");
    for (size_t i = 0; i < SITE_ALARMS; i++)
        if (s->alarms >> i & 1) {
            report_add(t, "%s\"%s\"", any ? "," : "", site_alarm_name(i));
            any = true;
        }
    report_add(t, "]}");
}

static void add_orders(struct report_text *t, const struct health_orders *o)
{
    report_add(t, ",\"paused_s\":%.1f,\"held\":[%d,%d],\"users\":[", o->paused_s, o->held[0],
               o->held[1]);
    for (size_t i = 0; i < o->n_user; i++)
        report_add(t,
                   "%s{\"id\":%d,\"allowed\":%s,\"state\":\"%s\",\"forgotten\":%s,\"rate_hz\":%.6g,"
                   "\"priority\":%d,\"asked\":%" PRIu64 ",\"permitted\":%" PRIu64
                   ",\"fixes\":%" PRIu64 "}",
                   i ? "," : "", o->user[i].id, report_boolean(o->user[i].allowed),
                   consent_state_name(o->user[i].consent), report_boolean(o->user[i].forgotten),
                   o->user[i].rate_hz, o->user[i].priority, o->user[i].asked, o->user[i].permitted,
                   o->user[i].fixes);
    report_add(t,
               "],\"period_s\":%.9g,\"identity\":\"%s\",\"setting\":{\"carrier_hz\":%.12g,"
               "\"tx_gain_db\":%.6g,\"rx_gain_db\":%.6g,\"pending\":%s",
               o->period_s, bs_identity_name(o->identity), o->radio.in_force.carrier_hz,
               o->radio.in_force.tx_gain_db, o->radio.in_force.rx_gain_db,
               report_boolean(o->radio.pending));
    add_quoted(t, "refused", o->radio.refused);
    report_add(t, "}");
}

/* Quotes and backslashes escaped; bytes beyond ASCII might be no UTF-8 and become '?'. */
static void add_string(struct report_text *t, const char *words)
{
    for (; *words; words++) {
        const unsigned char c = (unsigned char)*words;
        report_add(t, c == '"' || c == '\\' ? "\\%c" : "%c", c < ' ' || c > '~' ? '?' : c);
    }
}

int telemetry_format_log(const struct telemetry_log *log, char *out, size_t size)
{
    struct report_text t = {.out = out, .size = size};
    report_add(&t,
               "{\"v\":1,\"type\":\"log\",\"unix_s\":%.3f,\"level\":\"%s\",\"suppressed\":%" PRIu64
               ",\"text\":\"",
               log->unix_s, log_level_name(log->level), log->suppressed);
    add_string(&t, log->text);
    report_add(&t, "\"}");
    return report_length(&t);
}

static void add_carried(struct report_text *t, const struct data_link_state *s)
{
    const struct data_link_counters *c = &s->count;
    report_add(t, ",\"up\":%s", report_boolean(s->up));
    link_mcs_add(t, s->mcs);
    report_add(
        t,
        ",\"queued\":%zu,\"queue\":%zu,\"slots_sent\":%" PRIu64 ",\"slots_unacked\":%" PRIu64
        ",\"slots_received\":%" PRIu64 ",\"slots_lost\":%" PRIu64 ",\"slots_refused\":%" PRIu64
        ",\"packets_in\":%" PRIu64 ",\"packets_acked\":%" PRIu64 ",\"packets_out\":%" PRIu64
        ",\"dropped_queue\":%" PRIu64 ",\"dropped\":%" PRIu64,
        s->queued, s->queue, c->slots_sent, c->slots_unacked, c->slots_received, c->slots_lost,
        c->slots_refused, c->packets_in, c->packets_acked, c->packets_out, c->dropped_queue,
        c->dropped_queue + c->dropped_size + c->dropped_old + c->dropped_restart +
            c->dropped_consent + c->dropped_port);
}

static void add_link_user(struct report_text *t, const struct health_link_user *u, bool carries)
{
    report_add(t, "{\"id\":%d", u->id);
    if (carries)
        add_carried(t, &u->state);
    if (u->beam.aim != LINK_AIM_NONE)
        link_beam_add(t, &u->beam);
    link_figures_add(t, &u->down, &u->up);
    report_add(t, "}");
}

/* Of each user; topic `link` has more. */
static void add_traffic(struct report_text *t, const struct health_traffic *h)
{
    if (h->n == 0)
        return;
    report_add(t, ",\"link\":{");
    if (h->carries)
        report_add(t,
                   "\"unrouted\":%" PRIu64 ",\"foreign\":%" PRIu64 ",\"undelivered\":%" PRIu64
                   ",\"other\":%" PRIu64 ",",
                   h->port.unrouted, h->port.foreign, h->port.undelivered, h->port.other);
    report_add(t, "\"users\":[");
    for (size_t i = 0; i < h->n; i++) {
        report_add(t, "%s", i ? "," : "");
        add_link_user(t, &h->user[i], h->carries);
    }
    report_add(t, "]}");
}

int telemetry_format_health(const struct health *h, char *out, size_t size)
{
    struct report_text t = {.out = out, .size = size};
    const struct pipeline_counters *p = &h->pipeline;
    report_add(&t,
               "{\"v\":1,\"type\":\"health\",\"state\":\"%s\",\"time_s\":%.6f,\"cycle\":%" PRIu64
               ",\"cycles\":%" PRIu64 ",\"responses\":%" PRIu64 ",\"fixes\":%" PRIu64
               ",\"refused_fixes\":%" PRIu64,
               h->state, h->room_s, h->last_cycle, p->cycles,
               p->response[RESPONSE_PERMITTED] + p->response[RESPONSE_NO_PERMIT] +
                   p->response[RESPONSE_WITHHELD],
               p->fixes, p->refused_fixes);
    add_counts(&t, "response", p->response, RESPONSE_VERDICTS, verdict_name);
    add_counts(&t, "outcome", p->outcome, FIX_OUTCOMES, outcome_name);
    add_counts(&t, "faults", p->fault, CYCLE_FAULTS, fault_name);
    report_add(&t,
               ",\"background\":{\"valid\":%s,\"captures\":%" PRIu64 ",\"refused\":%" PRIu64 "}",
               report_boolean(h->background_valid), p->background_captures, p->background_refused);
    add_radio(&t, &h->radio);
    report_add(&t,
               ",\"ris\":{\"arms\":%" PRIu64 ",\"acks\":%" PRIu64 ",\"late\":%" PRIu64
               ",\"nacks\":%" PRIu64 ",\"lost\":%" PRIu64 "}",
               h->ris.arms, h->ris.acks, h->ris.late, h->ris.nacks, h->ris.lost);
    add_stages(&t, "stages_mean_us", &h->stage_mean);
    add_stages(&t, "stages_max_us", &h->stage_max);
    report_add(
        &t,
        ",\"latency_ms\":{\"mean\":%.3f,\"p99\":%.3f,\"max\":%.3f},\"cycles_skipped\":%" PRIu64
        ",\"blocks_dropped\":%" PRIu64 ",\"discontinuities\":%" PRIu64
        ",\"telemetry_dropped\":%" PRIu64 ",\"sends_failed\":%" PRIu64 ",\"trains_lost\":%" PRIu64
        ",\"slots_late\":%" PRIu64 ",\"clients_refused\":%" PRIu64,
        h->latency_mean_ms, h->deadline[DEADLINE_PUBLISH].took.p99_us * 1e-3, h->latency_max_ms,
        h->cycles_skipped, h->blocks_dropped, discontinuities(p), h->telemetry_dropped,
        h->sends_failed, h->trains_lost, h->slots_late, h->clients_refused);
    add_deadlines(&t, h);
    add_site(&t, &h->site);
    add_orders(&t, &h->orders);
    add_recorder(&t, &h->recorder);
    add_traffic(&t, &h->traffic);
    report_add(&t, "}");
    return report_length(&t);
}
