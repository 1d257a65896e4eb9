/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Time registers, timed commands and GPIO of the simulated USRP. */
#include <algorithm>
#include <cmath>
#include <uhd/exception.hpp>
#include <uhd/utils/log.hpp>

#include "sim/uhd_room.hpp"

namespace mirador
{

static unsigned arg_count(const uhd::device_addr_t &args, const char *key)
{
    return args.cast<unsigned>(key, 0);
}

room_core::room_core(air_ptr room, unsigned radio_index, const uhd::device_addr_t &args)
    : own_air(std::move(room)), own_rx_front(air_front_create(own_air.get(), radio_index)),
      own_tx_front(air_front_create(own_air.get(), radio_index)), air(own_air.get()),
      radio(radio_index), cfg(air_config(air)),
      in_room(cfg->n_sets > 0), faults{arg_count(args, "fault_overflow"),
                                       arg_count(args, "fault_late_tx"),
                                       arg_count(args, "fault_underflow"),
                                       arg_count(args, "fault_drop_stream_cmd"),
                                       arg_count(args, "fault_sequence"),
                                       arg_count(args, "fault_ref_unlocked") != 0},
      rx_front(own_rx_front.get()), tx_front(own_tx_front.get())
{
    if (!rx_front || !tx_front)
        throw uhd::runtime_error("room: out of memory");
    struct status err = {};
    if (air_join(air, radio, &err) != OK)
        throw uhd::runtime_error(std::string("room: ") + err.text);
}

room_core::~room_core()
{
    air_leave(air, radio);
}

double room_core::rate() const
{
    return cfg->rate_hz;
}

void room_core::set_rate(double rate_hz)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    if (std::fabs(rate_hz - cfg->rate_hz) <= 1e-6 * cfg->rate_hz)
        return;
    if (in_room)
        throw uhd::value_error("room: '" + std::string(cfg->name) + "' runs at " +
                               std::to_string(cfg->rate_hz / 1e6) +
                               " MS/s; set this rate, or start the room with a scene of yours");
    if (!(rate_hz >= 1e3 && rate_hz <= 1e9))
        throw uhd::value_error("room: rate must lie between 1 kS/s and 1 GS/s");
    if (n_stream)
        throw uhd::runtime_error("room: cannot change the rate while streaming");
    uhd::time_spec_t now_time = time_of(now());
    if (pps_pending)
        pps_samp = std::llround(double(pps_samp) * rate_hz / cfg->rate_hz);
    air_set_rate(air, rate_hz);
    time_offset = now_time.to_ticks(rate_hz) - now();
}

int64_t room_core::now() const
{
    return air_tick_to_samp(air, radio, air_now(air));
}

int64_t room_core::tick_of(int64_t k) const
{
    return air_samp_to_tick(air, radio, k);
}

/* A time set for the next PPS edge takes hold once that edge has passed. */
void room_core::apply_pps()
{
    if (!pps_pending || now() < pps_samp)
        return;
    pps_pending = false;
    time_offset = pps_time.to_ticks(rate()) - pps_samp;
}

uhd::time_spec_t room_core::time_of(int64_t k)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    apply_pps();
    return uhd::time_spec_t::from_ticks(k + time_offset, rate());
}

int64_t room_core::samp_at(const uhd::time_spec_t &time)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    apply_pps();
    return time.to_ticks(rate()) - time_offset;
}

void room_core::set_time_now(const uhd::time_spec_t &time)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    pps_pending = false;
    time_offset = time.to_ticks(rate()) - now();
}

static int64_t whole_seconds(int64_t k, double rate)
{
    return int64_t(std::floor(double(k) / rate));
}

void room_core::set_time_next_pps(const uhd::time_spec_t &time)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    apply_pps();
    pps_samp = std::llround(double(whole_seconds(now(), rate()) + 1) * rate());
    pps_time = time;
    pps_pending = true;
}

uhd::time_spec_t room_core::time_last_pps()
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    return time_of(std::llround(double(whole_seconds(now(), rate())) * rate()));
}

void room_core::set_command_time(const uhd::time_spec_t &time)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    command_time = time;
}

/* A command in the past executes at once, as on the device. */
int64_t room_core::command_samp()
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    int64_t k = now();
    if (command_time == uhd::time_spec_t(0.0))
        return k;
    return std::max(k, samp_at(command_time));
}

void room_core::log_gpio(const gpio_bank &before, const gpio_bank &after, int64_t k)
{
    uint32_t was = before.level(false, false), is = after.level(false, false);
    if (levels.empty())
        levels.push_back({INT64_MIN, was});
    levels.push_back({k, is});
    if (levels.size() > 1024)
        levels.pop_front();
    if (was != is)
        air_event_post(air, radio, tick_of(k), is & ~was, was & ~is);
}

void room_core::set_gpio(uint32_t gpio_bank::*reg, uint32_t value)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    gpio_bank before = bank;
    bank.*reg = value;
    log_gpio(before, bank, command_samp());
}

void room_core::set_atr(unsigned state, uint32_t value)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    gpio_bank before = bank;
    bank.atr[state] = value;
    log_gpio(before, bank, command_samp());
}

gpio_bank room_core::gpio() const
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    return bank;
}

uint32_t room_core::gpio_readback()
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    int64_t k = now();
    uint32_t level = bank.level(false, false);
    for (const timed_level &l : levels)
        if (l.k <= k)
            level = l.level;
    return level;
}

std::pair<uint32_t, uint32_t> room_core::tx_edges(int64_t k)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    bool rx = std::any_of(receiving.begin(), receiving.end(),
                          [k](const noted &n) { return n.span.from <= k && k < n.span.to; });
    uint32_t before = bank.level(rx, false), after = bank.level(rx, true);
    return {after & ~before, before & ~after};
}

void room_core::note_rx(const void *stream, interval span)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    receiving.erase(std::remove_if(receiving.begin(), receiving.end(),
                                   [&](const noted &n) { return n.stream == stream; }),
                    receiving.end());
    if (span.to > span.from)
        receiving.push_back({stream, span});
}

void room_core::set_gain(bool tx, unsigned port, double gain_db)
{
    air_front_gain(tx ? tx_front : rx_front, port, command_samp(), gain_db);
}

/* The DSP's shift adds on transmit and subtracts on receive. */
void room_core::set_freq(bool tx, unsigned port, double rf_hz, double dsp_hz)
{
    double freq = rf_hz + (tx ? dsp_hz : -dsp_hz);
    if (in_room && std::fabs(freq - cfg->carrier_hz) > 1e3)
        UHD_LOG_WARNING("ROOM", "tuned to " << freq / 1e6 << " MHz, but the room's channel is at "
                                            << cfg->carrier_hz / 1e6
                                            << " MHz: nothing but noise there");
    air_front_tune(tx ? tx_front : rx_front, port, command_samp(), freq);
}

cpu_format parse_format(const uhd::stream_args_t &args)
{
    if (!args.otw_format.empty() && args.otw_format != "sc16")
        throw uhd::value_error("room: only sc16 over the wire, not " + args.otw_format);
    if (args.cpu_format == "fc32")
        return cpu_format::fc32;
    if (args.cpu_format == "sc16")
        return cpu_format::sc16;
    if (args.cpu_format == "fc64")
        return cpu_format::fc64;
    throw uhd::value_error("room: CPU format '" + args.cpu_format + "' (use fc32, sc16 or fc64)");
}

} // namespace mirador
