/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Transmit streamer: timed and untimed bursts, lates, underflows, acknowledgements. */
#include <algorithm>
#include <cmath>
#include <cstring>
#include <uhd/exception.hpp>

#include "sim/air_front.h"
#include "sim/process.h"
#include "sim/uhd_room.hpp"

namespace mirador
{

namespace
{

enum { TX_SPP = 2000, TX_CHUNK = 16384 };

class room_tx : public uhd::tx_streamer
{
  public:
    room_tx(core_ptr c, const uhd::stream_args_t &args, const std::vector<unsigned> &p)
        : core(std::move(c)), format(parse_format(args)), port(p),
          next_burst(args.args.get("underflow_policy", "next_packet") == "next_burst"),
          scale(p.size()), phase(p.size()), wire(2 * size_t(TX_CHUNK))
    {
    }

    ~room_tx() override
    {
        std::lock_guard<std::mutex> guard(lock);
        close_burst();
        for (unsigned p : port)
            air_tx_abort(core->air, core->radio, p);
    }

    size_t get_num_channels() const override
    {
        return port.size();
    }

    size_t get_max_num_samps() const override
    {
        return TX_SPP;
    }

    size_t send(const buffs_type &buffs, const size_t n, const uhd::tx_metadata_t &md,
                const double timeout) override;
    bool recv_async_msg(uhd::async_metadata_t &md, double timeout) override;

  private:
    using event = uhd::async_metadata_t::event_code_t;

    void open_burst(const uhd::tx_metadata_t &md);
    void close_burst();
    bool wait_space(size_t n, int64_t deadline);
    void quantise(const void *src, size_t offset, size_t n);
    int commit(size_t n, bool more);
    void meet_script(bool timed);
    bool push(const buffs_type &buffs, size_t offset, size_t n, bool more, bool timed);
    void missed(size_t n, bool timed_start);
    void finish();
    void post(event code, int64_t k);
    void count(event code);
    void find_underflow();

    core_ptr core;
    const cpu_format format;
    const std::vector<unsigned> port;
    const bool next_burst;
    std::vector<float> scale, phase;
    std::vector<int16_t> wire;

    std::mutex lock;           /* guards what follows; never held while waiting */
    bool open = false;         /* between the first and the last send of a burst */
    bool on_air = false;       /* something of it has been accepted, and ATR says so */
    bool dropping = false;     /* until the burst ends, after an error under next_burst */
    bool reported = false;     /* the error of this burst has been told */
    int64_t next = 0;          /* device sample of what is sent next */
    int64_t sent_to = 0;       /* end of what was accepted so far */
    int sender = 0;            /* thread that sent last */
    bool met = false;          /* the fault script has had its say on this burst */
    bool ack = true;           /* its end will be acknowledged */
    bool doomed = false;       /* it comes late */
    bool broken = false;       /* it has just been broken off */
    int64_t cut_k = AIR_NEVER; /* it breaks here, with cut_code */
    event cut_code = event::EVENT_CODE_UNDERFLOW;
    std::pair<uint32_t, uint32_t> edges{0, 0};
    struct message {
        event code;
        int64_t k; /* when it happens */
    };
    std::deque<message> messages;
};

void room_tx::post(event code, int64_t k)
{
    messages.push_back({code, k});
    if (messages.size() > 1000)
        messages.pop_front();
}

/* What the program has been told. */
void room_tx::count(event code)
{
    core->count(code == event::EVENT_CODE_BURST_ACK    ? AIR_COUNT_TX_ACKS
                : code == event::EVENT_CODE_TIME_ERROR ? AIR_COUNT_TX_LATES
                : code == event::EVENT_CODE_UNDERFLOW ||
                        code == event::EVENT_CODE_UNDERFLOW_IN_PACKET
                    ? AIR_COUNT_TX_UNDERFLOWS
                    : AIR_COUNT_TX_SEQUENCE_ERRORS);
}

/* An untimed burst starts as soon as the device can. */
void room_tx::open_burst(const uhd::tx_metadata_t &md)
{
    if (!open) {
        open = true;
        on_air = dropping = reported = met = doomed = false;
        ack = true;
        cut_k = AIR_NEVER;
        core->n_stream++;
        next = core->now() + int64_t(core->rate() * 1e-3);
    }
    if (md.has_time_spec)
        next = core->samp_at(md.time_spec);
}

void room_tx::close_burst()
{
    if (open)
        core->n_stream--;
    open = on_air = dropping = false;
}

bool room_tx::wait_space(size_t n, int64_t deadline)
{
    struct air_wait wait;
    air_wait_begin(core->air, &wait, 0, false);
    for (;;) {
        size_t space = SIZE_MAX;
        for (unsigned p : port)
            space = std::min(space, air_tx_space(core->air, core->radio, p));
        int64_t now = air_now(core->air);
        if (space >= n || now >= deadline) {
            air_wait_end(core->air);
            return space >= n;
        }
        wait.tick = std::min(deadline, now + std::max(int64_t(core->rate() * 0.5e-3), int64_t(1)));
        air_wait_step(core->air, &wait);
    }
}

template <typename T> static void to_wire(const T *src, int16_t *dst, size_t n)
{
    for (size_t i = 0; i < 2 * n; i++) {
        float x = float(src[i]) * 32767.0f;
        x = x > 32767.0f ? 32767.0f : x < -32767.0f ? -32767.0f : x;
        dst[i] = int16_t(int32_t(std::rint(x)));
    }
}

void room_tx::quantise(const void *src, size_t offset, size_t n)
{
    if (format == cpu_format::sc16)
        std::memcpy(wire.data(), static_cast<const int16_t *>(src) + 2 * offset, 4 * n);
    else if (format == cpu_format::fc32)
        to_wire(static_cast<const float *>(src) + 2 * offset, wire.data(), n);
    else
        to_wire(static_cast<const double *>(src) + 2 * offset, wire.data(), n);
}

/* Under the lock. Amplitude 1.0 at gain G dB is G dBm. */
int room_tx::commit(size_t n, bool more)
{
    struct air_tx_chunk chunk = {};
    for (size_t i = 0; i < port.size(); i++) {
        int64_t until;
        struct front_setting set = air_front_at(core->tx_front, port[i], next, &until);
        scale[i] = float(std::pow(10.0, (set.gain_db - 30.0) / 20.0) / 32767.0);
        phase[i] = set.phase_rad;
        chunk.carrier_hz = set.freq_hz;
    }
    chunk.radio = core->radio;
    chunk.n_port = unsigned(port.size());
    chunk.port = port.data();
    chunk.k0 = next;
    chunk.n = n;
    chunk.scale = scale.data();
    chunk.phase_rad = phase.data();
    chunk.more = more;
    if (!on_air && n) {
        edges = core->tx_edges(next);
        chunk.start_rising = edges.first;
        chunk.start_falling = edges.second;
    }
    if (on_air || n) {
        chunk.end_rising = edges.second;
        chunk.end_falling = edges.first;
    }
    return air_tx_commit(core->air, &chunk);
}

/* Under the lock: what the fault script has for a burst that begins at `next`. */
void room_tx::meet_script(bool timed)
{
    struct air_fault f;
    uint32_t kinds = AIR_FAULT_BIT(UNDERFLOW) | AIR_FAULT_BIT(UNDERFLOW_IN_PACKET) |
                     AIR_FAULT_BIT(TX_SEQUENCE) | AIR_FAULT_BIT(NO_ACK);
    met = true;
    if (timed)
        kinds |= AIR_FAULT_BIT(LATE_TX);
    if (!core->fault(kinds, core->tick_of(next), &f))
        return;
    doomed = f.kind == AIR_FAULT_LATE_TX;
    ack = f.kind != AIR_FAULT_NO_ACK;
    if (doomed || !ack)
        return;
    cut_k = next + std::max(f.after_samps, int64_t(1));
    cut_code = f.kind == AIR_FAULT_UNDERFLOW             ? event::EVENT_CODE_UNDERFLOW
               : f.kind == AIR_FAULT_UNDERFLOW_IN_PACKET ? event::EVENT_CODE_UNDERFLOW_IN_PACKET
                                                         : event::EVENT_CODE_SEQ_ERROR_IN_BURST;
}

/* Under the lock: the device had nothing to send in time, or was told a time that has passed. */
void room_tx::missed(size_t n, bool timed_start)
{
    if (!reported)
        post(timed_start ? event::EVENT_CODE_TIME_ERROR : cut_code,
             timed_start ? core->now() : next);
    reported = true;
    cut_k = AIR_NEVER;
    cut_code = event::EVENT_CODE_UNDERFLOW;
    for (unsigned p : port)
        air_tx_abort(core->air, core->radio, p);
    if (on_air) /* the line falls where the samples ended */
        air_event_post(core->air, core->radio,
                       core->tick_of(next + core->cfg->radios[core->radio].tx_latency_samps),
                       edges.second, edges.first);
    on_air = false;
    dropping = next_burst;
    int64_t soon = std::max(core->now() + int64_t(core->rate() * 5e-3), sent_to);
    next = timed_start && next_burst ? next + int64_t(n) : soon;
}

/* Under the lock: the burst has ended; its acknowledgement comes when its last sample is out. */
void room_tx::finish()
{
    if (cut_k != AIR_NEVER) /* it was shorter than that */
        post(cut_code, next);
    else if (ack)
        post(event::EVENT_CODE_BURST_ACK, std::max(next, core->now()));
    else
        core->count(AIR_COUNT_TX_ACKS_WITHHELD);
    close_burst();
}

/* Under the lock: converts and commits n samples; false: the burst breaks here. What is sent after
 * the device has gone reaches no antenna. */
bool room_tx::push(const buffs_type &buffs, size_t offset, size_t n, bool more, bool timed)
{
    if (!met)
        meet_script(timed);
    if (doomed) {
        doomed = false;
        return false;
    }
    bool breaks = next + int64_t(n) > cut_k;
    int64_t end = std::min(breaks ? cut_k : next + int64_t(n), core->gone_samp());
    bool lost = end < std::min(cut_k, next + int64_t(n));
    size_t whole = n;
    n = size_t(std::max(end - next, int64_t(0)));
    for (size_t i = 0; i < port.size() && n; i++) {
        quantise(buffs[i], offset, n);
        air_tx_put(core->air, core->radio, port[i], wire.data(), n);
    }
    if (n && commit(n, !lost && (more || breaks)) != OK)
        return false;
    if (!on_air)
        core->count(AIR_COUNT_TX_BURSTS);
    on_air = true;
    reported = false;
    next = sent_to = breaks ? cut_k : next + int64_t(whole);
    broken = breaks;
    return !breaks;
}

size_t room_tx::send(const buffs_type &buffs, const size_t n, const uhd::tx_metadata_t &md,
                     const double timeout)
{
    core->check_there();
    {
        std::lock_guard<std::mutex> guard(lock);
        sender = thread_id();
        if (!open && n == 0)
            return 0;
        open_burst(md);
    }
    int64_t deadline = air_now(core->air) + int64_t(timeout * core->rate());
    bool failed = false;
    for (size_t sent = 0; sent < n;) {
        size_t chunk = std::min(n - sent, size_t(TX_CHUNK));
        if (!dropping && !wait_space(chunk, deadline))
            return sent;
        std::lock_guard<std::mutex> guard(lock);
        bool more = sent + chunk < n || !md.end_of_burst;
        if (!dropping && !push(buffs, sent, chunk, more, md.has_time_spec)) {
            missed(n - sent, md.has_time_spec && sent == 0 && !broken);
            broken = false;
            bool again = !md.has_time_spec && !next_burst && !failed;
            failed = true;
            if (md.has_time_spec)
                break; /* the whole packet is lost */
            if (again)
                continue; /* this packet goes out late */
        }
        sent += chunk;
    }
    std::lock_guard<std::mutex> guard(lock);
    if (md.end_of_burst) {
        if (n == 0 && commit(0, false) != OK)
            return 0;
        if (failed)
            close_burst(); /* the error message stands for the acknowledgement */
        else
            finish();
    }
    if (md.end_of_burst || failed) /* there are messages to wait for */
        air_gate_kick(core->air, core->radio);
    return n;
}

/* Under the lock: an open burst that the clock has overtaken. */
void room_tx::find_underflow()
{
    if (!open || !on_air || core->now() <= next)
        return;
    missed(0, false);
}

bool room_tx::recv_async_msg(uhd::async_metadata_t &md, double timeout)
{
    int64_t deadline = air_now(core->air) + int64_t(timeout * core->rate());
    struct air_wait wait;
    air_wait_begin(core->air, &wait, deadline, false);
    for (;;) {
        int64_t tick = air_now(core->air);
        bool last_look = tick >= deadline;
        if (tick >= core->gone_tick()) {
            air_wait_end(core->air);
            core->throw_gone();
        }
        {
            std::lock_guard<std::mutex> guard(lock);
            find_underflow();
            int64_t now = core->now();
            wait.tick = std::min(deadline, core->gone_tick());
            auto due =
                std::min_element(messages.begin(), messages.end(),
                                 [](const message &a, const message &b) { return a.k < b.k; });
            if (due != messages.end() && due->k <= now) {
                md.channel = 0;
                md.has_time_spec = true;
                md.time_spec = core->time_of(due->k);
                md.event_code = due->code;
                count(due->code);
                std::memset(md.user_payload, 0, sizeof md.user_payload);
                messages.erase(due);
                air_wait_end(core->air);
                return true;
            }
            if (due != messages.end())
                wait.tick = std::min(wait.tick, core->tick_of(due->k));
            if (open && on_air) {
                wait.tick = std::min(wait.tick, core->tick_of(next) + 2);
                if (sender == thread_id()) /* it waits here: nothing more will come in time */
                    for (unsigned p : port)
                        air_tx_abort(core->air, core->radio, p);
            }
        }
        if (last_look) {
            air_wait_end(core->air);
            return false;
        }
        air_wait_step(core->air, &wait);
    }
}

} // namespace

uhd::tx_streamer::sptr make_tx_streamer(core_ptr core, const uhd::stream_args_t &args,
                                        const std::vector<unsigned> &ports)
{
    return std::make_shared<room_tx>(std::move(core), args, ports);
}

} // namespace mirador
