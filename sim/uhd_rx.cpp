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
/* Of slow samples: well within what the room keeps of its responses (N_SETS updates). */
const double GATED_CHUNK_S = 4e-3;

struct capture {
    int64_t from, to; /* AIR_NEVER: until stopped */
    bool more;        /* a chain: another command must follow */
    bool late;        /* said when its turn comes, as a device's queue of commands does */
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
    void fail(error code, int64_t k, bool sequence = false);
    void queue_late(int64_t from);
    bool take_error(uhd::rx_metadata_t &md);
    bool overrun(int64_t now);
    bool obey();
    bool strike(const struct air_fault &fault);
    void lose(int64_t n);
    void watch();
    bool command_fails(int64_t from, bool timed, uint64_t n);
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
    std::mutex lock; /* guards what follows */
    std::deque<capture> queue;
    bool active = false;
    capture now_running{};
    int64_t next = 0; /* sample to be delivered next */
    struct pending_error {
        error code;
        int64_t k;
        bool sequence;
    };
    std::deque<pending_error> errors;
    /* The fault script: whether the running capture has had its opportunity, when to look again,
     * and a fault that waits for its sample. */
    bool looked = false;
    int64_t watch_k = AIR_NEVER, due_k = AIR_NEVER;
    struct air_fault due = {};
    int64_t cut_k = AIR_NEVER;     /* a recv ends here */
    int64_t stopped_k = AIR_NEVER; /* an open capture has stopped by itself here */
};

void room_rx::issue_stream_cmd(const uhd::stream_cmd_t &cmd)
{
    using mode = uhd::stream_cmd_t;
    bool stop = cmd.stream_mode == mode::STREAM_MODE_STOP_CONTINUOUS;
    if (cmd.stream_now && n_channel > 1 && !stop)
        throw uhd::runtime_error("room: stream_now on several channels would not be aligned; give "
                                 "the command a time");
    core->check_there();
    {
        std::lock_guard<std::mutex> guard(lock);
        int64_t k_now = core->now();
        bool timed = !cmd.stream_now && !stop;
        const bool finite = !stop && cmd.stream_mode != mode::STREAM_MODE_START_CONTINUOUS;
        if (command_fails(timed ? core->samp_at(cmd.time_spec) : k_now, timed,
                          finite ? cmd.num_samps : 0)) {
            /* the device knows nothing of it */
        } else if (stop) {
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
                queue_late(from);
            else if (to > from)
                queue.push_back({std::max(from, int64_t(0)), to, more, false});
        }
        if (!active)
            begin_capture();
    }
    air_gate_kick(core->air, core->radio);
    air_notify(core->air);
}

/* Under the lock: the script makes the device forget this command, and with it n samples, or find
 * it late. */
bool room_rx::command_fails(int64_t from, bool timed, uint64_t n)
{
    struct air_fault fault;
    uint32_t kinds = AIR_FAULT_BIT(DROP_STREAM_CMD);
    if (timed)
        kinds |= AIR_FAULT_BIT(LATE_STREAM_CMD);
    if (!core->fault(kinds, core->tick_of(from), &fault))
        return false;
    if (fault.kind == AIR_FAULT_LATE_STREAM_CMD)
        queue_late(from);
    else {
        core->count(AIR_COUNT_RX_DROPPED_CMDS);
        core->count(AIR_COUNT_RX_LOST_SAMPS, n);
    }
    return true;
}

/* Under the lock. */
void room_rx::queue_late(int64_t from)
{
    queue.push_back({from, from, false, true});
}

/* Under the lock. */
bool room_rx::begin_capture()
{
    for (; !queue.empty() && queue.front().late; queue.pop_front())
        fail(error::ERROR_CODE_LATE_COMMAND, queue.front().from);
    if (queue.empty())
        return false;
    now_running = queue.front();
    queue.pop_front();
    active = true;
    looked = false;
    due_k = cut_k = AIR_NEVER;
    if (stopped_k != AIR_NEVER)
        core->count(AIR_COUNT_RX_LOST_SAMPS,
                    uint64_t(std::max(now_running.from - stopped_k, int64_t(0))));
    stopped_k = AIR_NEVER;
    core->n_stream++;
    next = now_running.from;
    air_rx_start(rx, now_running.from, now_running.to);
    air_reader_low(core->air, reader, core->tick_of(next));
    core->note_rx(this, {now_running.from, now_running.to});
    watch();
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

void room_rx::fail(error code, int64_t k, bool sequence)
{
    errors.push_back({code, k, sequence});
}

/* Under the lock. */
bool room_rx::take_error(uhd::rx_metadata_t &md)
{
    if (errors.empty())
        return false;
    md.error_code = errors.front().code;
    md.out_of_sequence = errors.front().sequence;
    if (md.error_code == error::ERROR_CODE_OVERFLOW)
        core->count(md.out_of_sequence ? AIR_COUNT_RX_SEQUENCE_ERRORS : AIR_COUNT_RX_OVERFLOWS);
    else if (md.error_code == error::ERROR_CODE_LATE_COMMAND)
        core->count(AIR_COUNT_RX_LATE_CMDS);
    md.has_time_spec = true;
    md.time_spec = core->time_of(errors.front().k);
    errors.pop_front();
    return true;
}

/* Under the lock: the next n samples never arrive. */
void room_rx::lose(int64_t n)
{
    if (now_running.to != AIR_NEVER)
        n = std::min(n, now_running.to - next);
    core->count(AIR_COUNT_RX_LOST_SAMPS, uint64_t(n));
    next += n;
    air_reader_low(core->air, reader, core->tick_of(next));
    if (next < now_running.to)
        return;
    end_capture();
    begin_capture();
}

/* Under the lock: the reader has fallen behind by more than the buffer. An open capture goes on at
 * the present, a finite one has lost its rest. */
bool room_rx::overrun(int64_t now)
{
    if (now - next <= air_depth(core->air))
        return false;
    fail(error::ERROR_CODE_OVERFLOW, next);
    lose(now_running.to == AIR_NEVER ? now - next : now_running.to - next);
    return true;
}

enum : uint32_t {
    RX_FAULTS = AIR_FAULT_BIT(OVERFLOW) | AIR_FAULT_BIT(OVERFLOW_STOP) | AIR_FAULT_BIT(SEQUENCE) |
                AIR_FAULT_BIT(SHORT_RECV)
};

/* Under the lock: the sample at which the script may strike next. */
void room_rx::watch()
{
    int64_t tick = air_fault_next(core->air, core->radio, RX_FAULTS, core->tick_of(next));
    watch_k = tick == AIR_NEVER ? tick : air_tick_to_samp(core->air, core->radio, tick);
    if (tick != AIR_NEVER && core->tick_of(watch_k) < tick)
        watch_k++;
}

/* Under the lock. True: an error is to be told. */
bool room_rx::strike(const struct air_fault &fault)
{
    if (fault.kind == AIR_FAULT_SHORT_RECV) {
        cut_k = next + std::max(fault.samples, int64_t(1));
        return false;
    }
    int64_t at = next;
    bool tell = !(fault.kind == AIR_FAULT_OVERFLOW_STOP && fault.silent);
    if (tell)
        fail(error::ERROR_CODE_OVERFLOW, at, fault.kind == AIR_FAULT_SEQUENCE);
    if (fault.kind != AIR_FAULT_OVERFLOW_STOP) {
        lose(fault.samples);
    } else if (now_running.to != AIR_NEVER) {
        lose(now_running.to - next);
    } else { /* nothing comes until it is told to start again */
        stopped_k = next;
        end_capture();
    }
    return tell;
}

/* Under the lock: what the script has in store for the sample to be delivered next. True: an error
 * is to be told. */
bool room_rx::obey()
{
    struct air_fault fault;
    if (next >= due_k) {
        due_k = AIR_NEVER;
        return strike(due);
    }
    bool fresh = !looked;
    if (!fresh && next < watch_k)
        return false;
    looked = true;
    bool found = core->fault(RX_FAULTS, core->tick_of(next), &fault, fresh);
    watch();
    if (!found)
        return false;
    if (!fresh || fault.after_samps <= 0)
        return strike(fault);
    due = fault;
    due_k = next + fault.after_samps;
    return false;
}

/* How many samples to wait for at once: few wake-ups, yet no long delay in a free-running room. */
size_t room_rx::next_chunk(size_t wanted)
{
    size_t chunk = std::min(size_t(GATED_CHUNK),
                            std::max(size_t(core->rate() * GATED_CHUNK_S), size_t(AIR_HOP)));
    if (!core->cfg->gated)
        chunk = std::min(chunk, std::max(size_t(core->rate() * 0.5e-3), size_t(AIR_HOP)));
    if (now_running.to != AIR_NEVER)
        chunk = std::min(chunk, size_t(std::max(now_running.to - next, int64_t(0))));
    int64_t stop = std::min(std::min(watch_k, due_k), cut_k);
    if (stop != AIR_NEVER)
        chunk = std::min(chunk, size_t(std::max(stop - next, int64_t(1))));
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
            if (!errors.empty() || (active && (overrun(core->now()) || obey())))
                break;
            idle = !active;
            if (active) {
                *n = next_chunk(wanted);
                tick = air_rx_ready_tick(rx, next + int64_t(std::max(*n, size_t(1))));
            }
        }
        bool late = tick > deadline;
        bool gone = std::min(tick, deadline) >= core->gone_tick();
        wait.tick = gone ? core->gone_tick() : late ? deadline : tick;
        wait.channel = !idle && !late && !gone;
        if (!air_wait_step(core->air, &wait)) {
            check_room();
            continue;
        }
        if (gone) {
            air_wait_end(core->air);
            core->throw_gone();
        }
        if (!idle && !late) {
            air_wait_end(core->air);
            return true;
        }
        check_room(); /* alone in a dead room, the clock runs */
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
        bool cut = next >= cut_k;
        if (cut) {
            core->count(AIR_COUNT_RX_SHORT);
            cut_k = AIR_NEVER;
        }
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
        if (one_packet || cut)
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
