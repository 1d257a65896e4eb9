/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Receive streamer: stream commands, packets, time stamps and errors as UHD gives them. */
#include <algorithm>
#include <cstring>
#include <deque>
#include <uhd/exception.hpp>

#include "sim/uhd_room.hpp"

namespace mirador
{

namespace
{

enum { DEFAULT_SPP = 2000, GATED_CHUNK = 65536 };

struct capture {
    int64_t from, to; /* AIR_NEVER: until stopped */
    bool more;        /* a chain: another command must follow */
};

class room_rx : public uhd::rx_streamer
{
  public:
    room_rx(core_ptr c, const uhd::stream_args_t &args, const std::vector<unsigned> &ports)
        : core(std::move(c)), format(parse_format(args)), n_channel(ports.size()),
          spp(args.args.cast<size_t>("spp", DEFAULT_SPP)), id(core->next_stream_id++)
    {
        if (spp < 1 || spp > 1000000)
            throw uhd::value_error("room: spp must lie between 1 and 1000000");
        struct air_rx_cfg cfg = {core->air, core->radio, core->rx_front, unsigned(n_channel),
                                 ports.data()};
        struct status err = {};
        rx = air_rx_create(&cfg, &err);
        if (!rx)
            throw uhd::runtime_error(std::string("room: ") + err.text);
        reader = air_reader_open(core->air, core->radio);
        if (reader < 0) {
            air_rx_destroy(&rx);
            throw uhd::runtime_error("room: too many receive streams are open; close one");
        }
        scratch.resize(n_channel);
        for (auto &s : scratch)
            s.resize(2 * size_t(GATED_CHUNK));
    }

    ~room_rx() override
    {
        end_capture();
        air_gate_leave(core->air, core->radio, id);
        air_reader_close(core->air, reader);
        air_rx_destroy(&rx);
    }

    size_t get_num_channels() const override
    {
        return n_channel;
    }

    size_t get_max_num_samps() const override
    {
        return spp;
    }

    void issue_stream_cmd(const uhd::stream_cmd_t &cmd) override;
    size_t recv(const buffs_type &buffs, const size_t n, uhd::rx_metadata_t &md,
                const double timeout, const bool one_packet) override;

  private:
    using error = uhd::rx_metadata_t::error_code_t;

    bool begin_capture();
    void end_capture();
    void fail(error code, int64_t k);
    bool take_error(uhd::rx_metadata_t &md);
    bool overrun(int64_t now);
    size_t deliver(const buffs_type &buffs, size_t offset, size_t n);
    size_t next_chunk(size_t wanted);
    void check_room();
    bool wait_for(int64_t deadline, size_t *n, size_t wanted);
    void describe(uhd::rx_metadata_t &md);

    core_ptr core;
    const cpu_format format;
    const size_t n_channel, spp;
    const uint64_t id;
    struct air_rx *rx = nullptr;
    int reader = -1;
    std::vector<std::vector<int16_t>> scratch;
    std::vector<int16_t *> out = std::vector<int16_t *>(AIR_MAX_PORTS);
    unsigned n_cmd = 0, n_capture = 0;

    std::mutex lock; /* guards what follows */
    std::deque<capture> queue;
    bool active = false;
    capture now_running{};
    int64_t next = 0; /* sample to be delivered next */
    struct pending_error {
        error code;
        int64_t k;
    };
    std::deque<pending_error> errors;
    bool sequence_error = false;
};

void room_rx::issue_stream_cmd(const uhd::stream_cmd_t &cmd)
{
    using mode = uhd::stream_cmd_t;
    bool stop = cmd.stream_mode == mode::STREAM_MODE_STOP_CONTINUOUS;
    if (cmd.stream_now && n_channel > 1 && !stop)
        throw uhd::runtime_error("room: stream_now on several channels would not be aligned; give "
                                 "the command a time");
    if (core->faults.drop_stream_cmd && ++n_cmd % core->faults.drop_stream_cmd == 0)
        return;
    {
        std::lock_guard<std::mutex> guard(lock);
        int64_t k_now = core->now();
        if (stop) {
            if (active && now_running.to == AIR_NEVER)
                now_running.to = std::max(k_now, next + 1);
            queue.erase(std::remove_if(queue.begin(), queue.end(),
                                       [](const capture &c) { return c.to == AIR_NEVER; }),
                        queue.end());
        } else {
            bool chained = active && now_running.more;
            const capture *last = !queue.empty() ? &queue.back() : active ? &now_running : nullptr;
            int64_t from = cmd.stream_now ? (chained && last ? last->to : k_now)
                                          : core->samp_at(cmd.time_spec);
            bool open = cmd.stream_mode == mode::STREAM_MODE_START_CONTINUOUS;
            bool more = cmd.stream_mode == mode::STREAM_MODE_NUM_SAMPS_AND_MORE;
            int64_t to = open ? AIR_NEVER : from + int64_t(cmd.num_samps);
            bool overlaps = last && !cmd.stream_now && last->to != AIR_NEVER && from < last->to;
            if (!cmd.stream_now && (from < k_now || from < 0 || overlaps))
                errors.push_back({error::ERROR_CODE_LATE_COMMAND, from});
            else if (to > from)
                queue.push_back({std::max(from, int64_t(0)), to, more});
        }
        if (!active)
            begin_capture();
    }
    air_gate_kick(core->air, core->radio);
    air_notify(core->air);
}

/* Under the lock. */
bool room_rx::begin_capture()
{
    if (queue.empty())
        return false;
    now_running = queue.front();
    queue.pop_front();
    active = true;
    core->n_stream++;
    next = now_running.from;
    air_rx_start(rx, now_running.from, now_running.to);
    air_reader_low(core->air, reader, core->tick_of(next));
    core->note_rx(this, {now_running.from, now_running.to});
    n_capture++;
    return true;
}

void room_rx::end_capture()
{
    if (!active)
        return;
    active = false;
    core->n_stream--;
    air_reader_low(core->air, reader, AIR_NEVER);
    core->note_rx(this, {0, 0});
}

void room_rx::fail(error code, int64_t k)
{
    errors.push_back({code, k});
}

/* Under the lock. */
bool room_rx::take_error(uhd::rx_metadata_t &md)
{
    if (errors.empty())
        return false;
    md.error_code = errors.front().code;
    md.out_of_sequence = sequence_error && md.error_code == error::ERROR_CODE_OVERFLOW;
    sequence_error = false;
    md.has_time_spec = true;
    md.time_spec = core->time_of(errors.front().k);
    errors.pop_front();
    return true;
}

/* Under the lock: the reader has fallen behind by more than the buffer, or a fault was ordered. An
 * open capture restarts at the present, a finite one is lost. */
bool room_rx::overrun(int64_t now)
{
    const fault_plan &f = core->faults;
    bool ordered = f.overflow && next == now_running.from && n_capture % f.overflow == 0;
    bool lost = f.sequence && next == now_running.from && n_capture % f.sequence == 0;
    if (now - next <= air_depth(core->air) && !ordered && !lost)
        return false;
    n_capture += ordered || lost; /* once */
    sequence_error = lost;
    fail(error::ERROR_CODE_OVERFLOW, next);
    if (now_running.to == AIR_NEVER) {
        next = now_running.from = std::max(now, next + 1);
        air_rx_start(rx, next, AIR_NEVER);
        air_reader_low(core->air, reader, core->tick_of(next));
    } else {
        end_capture();
        begin_capture();
    }
    return true;
}

/* How many samples to wait for at once: few wake-ups, yet no long delay in a free-running room. */
size_t room_rx::next_chunk(size_t wanted)
{
    size_t chunk = GATED_CHUNK;
    if (!core->cfg->gated)
        chunk = std::min(chunk, std::max(size_t(core->rate() * 0.5e-3), size_t(AIR_HOP)));
    if (now_running.to != AIR_NEVER)
        chunk = std::min(chunk, size_t(std::max(now_running.to - next, int64_t(0))));
    return std::min(chunk, wanted);
}

/* A device whose room has died has lost its antennas for good. */
void room_rx::check_room()
{
    if (!core->in_room || air_room_alive(core->air))
        return;
    air_wait_end(core->air);
    throw uhd::io_error("room: '" + std::string(core->cfg->name) +
                        "' is gone; start mirador-room again and open the device anew");
}

/* Waits until *n of the wanted samples can be read. False: an error is pending or time is up. */
bool room_rx::wait_for(int64_t deadline, size_t *n, size_t wanted)
{
    struct air_wait wait;
    air_wait_begin(core->air, &wait, 0, true);
    for (;;) {
        int64_t tick = deadline;
        bool idle;
        {
            std::lock_guard<std::mutex> guard(lock);
            if (!active && errors.empty())
                begin_capture();
            if (!errors.empty() || (active && overrun(core->now())))
                break;
            idle = !active;
            if (active) {
                *n = next_chunk(wanted);
                tick = air_rx_ready_tick(rx, next + int64_t(std::max(*n, size_t(1))));
            }
        }
        bool late = tick > deadline;
        wait.tick = late ? deadline : tick;
        wait.channel = !idle && !late;
        if (!air_wait_step(core->air, &wait)) {
            check_room();
            continue;
        }
        if (!idle && !late) {
            air_wait_end(core->air);
            return true;
        }
        break;
    }
    air_wait_end(core->air);
    return false;
}

static void widen(cpu_format format, const int16_t *iq, void *dst, size_t offset, size_t n)
{
    const float scale = 1.0f / 32767.0f;
    if (format == cpu_format::fc32) {
        float *to = static_cast<float *>(dst) + 2 * offset;
        for (size_t i = 0; i < 2 * n; i++)
            to[i] = float(iq[i]) * scale;
    } else {
        double *to = static_cast<double *>(dst) + 2 * offset;
        for (size_t i = 0; i < 2 * n; i++)
            to[i] = double(float(iq[i]) * scale);
    }
}

size_t room_rx::deliver(const buffs_type &buffs, size_t offset, size_t n)
{
    for (size_t c = 0; c < n_channel; c++)
        out[c] = format == cpu_format::sc16 ? static_cast<int16_t *>(buffs[c]) + 2 * offset
                                            : scratch[c].data();
    air_rx_read(rx, next, n, out.data());
    for (size_t c = 0; c < n_channel && format != cpu_format::sc16; c++)
        widen(format, out[c], buffs[c], offset, n);
    return n;
}

/* Under the lock: time and place of the first sample about to be delivered. */
void room_rx::describe(uhd::rx_metadata_t &md)
{
    md.has_time_spec = true;
    md.time_spec = core->time_of(next);
    md.start_of_burst = next == now_running.from;
    md.fragment_offset = size_t(next - now_running.from) % spp;
}

size_t room_rx::recv(const buffs_type &buffs, const size_t n, uhd::rx_metadata_t &md,
                     const double timeout, const bool one_packet)
{
    md.reset();
    if (air_gate_enter(core->air, core->radio, id) != OK)
        throw uhd::runtime_error("room: too many threads receive");
    int64_t deadline = air_now(core->air) + int64_t(timeout * core->rate());
    size_t got = 0;
    while (got < n) {
        size_t left = n - got, chunk = 0;
        {
            std::lock_guard<std::mutex> guard(lock);
            if (one_packet && active)
                left = std::min(left, spp - size_t(next - now_running.from) % spp);
        }
        /* once samples flow, each further wait has a timeout of its own */
        if (got)
            deadline = air_now(core->air) +
                       std::max(int64_t(timeout * core->rate()), int64_t(2 * GATED_CHUNK));
        bool ready = wait_for(deadline, &chunk, left);
        std::lock_guard<std::mutex> guard(lock);
        if (!ready) {
            if (got)
                break; /* the error is reported by the next call */
            if (!take_error(md))
                md.error_code = error::ERROR_CODE_TIMEOUT;
            return 0;
        }
        if (!active)
            continue;
        if (now_running.to != AIR_NEVER) /* it may have been stopped meanwhile */
            chunk = std::min(chunk, size_t(std::max(now_running.to - next, int64_t(0))));
        if (got == 0)
            describe(md);
        got += deliver(buffs, got, chunk);
        next += int64_t(chunk);
        air_reader_low(core->air, reader, core->tick_of(next));
        if (next >= now_running.to) {
            md.end_of_burst = !now_running.more;
            if (now_running.more && queue.empty())
                fail(error::ERROR_CODE_BROKEN_CHAIN, next);
            end_capture();
            begin_capture();
            break;
        }
        md.more_fragments = size_t(next - now_running.from) % spp != 0;
        if (one_packet)
            break;
    }
    return got;
}

} // namespace

uhd::rx_streamer::sptr make_rx_streamer(core_ptr core, const uhd::stream_args_t &args,
                                        const std::vector<unsigned> &ports)
{
    return std::make_shared<room_rx>(std::move(core), args, ports);
}

} // namespace mirador
