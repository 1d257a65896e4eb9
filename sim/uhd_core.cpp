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

room_core::room_core(air_ptr room, unsigned radio_index)
    : own_air(std::move(room)), own_rx_front(air_front_create(own_air.get(), radio_index)),
      own_tx_front(air_front_create(own_air.get(), radio_index)), air(own_air.get()),
      radio(radio_index), cfg(air_config(air)), in_room(cfg->n_sets > 0),
      rx_front(own_rx_front.get()), tx_front(own_tx_front.get())
{
    if (!rx_front || !tx_front)
        throw uhd::runtime_error("room: out of memory");
    struct status err = {};
    if (air_join(air, radio, &err) != OK)
        throw uhd::runtime_error(std::string("room: ") + err.text);
    int64_t tick = air_now(air), booted;
    loss_tick = air_fault_loss(air, radio, tick, &booted);
    if (booted >= 0) /* its time register counts from there */
        time_offset = -air_tick_to_samp(air, radio, booted);
    time_set = told_jumps = booted;
}

room_core::~room_core()
{
    air_leave(air, radio, air_now(air) >= loss_tick);
}

void room_core::throw_gone()
{
    if (air_fault_felt(air, radio, AIR_FAULT_DEVICE_GONE, loss_tick - 1, loss_tick))
        count(AIR_COUNT_DEVICE_LOSSES);
    throw uhd::io_error("room: radio '" + std::string(cfg->radios[radio].name) +
                        "' does not answer: its cable or its power is gone; close the device and "
                        "open it anew when it can be found again");
}

void room_core::check_there()
{
    if (loss_tick != AIR_NEVER && air_now(air) >= loss_tick)
        throw_gone();
}

bool room_core::fault(uint32_t kinds, int64_t tick, struct air_fault *out, bool fresh)
{
    return air_fault_take(air, radio, kinds, tick, fresh, out);
}

void room_core::count(enum air_count which, uint64_t n)
{
    air_count(air, radio, which, n);
}

bool room_core::ref_locked()
{
    check_there();
    return !air_fault_holds(air, radio, AIR_FAULT_REF_UNLOCKED, air_now(air));
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
    /* one reading of the clock: time goes on between two, and the register would be off by it */
    const int64_t k = now();
    const uhd::time_spec_t now_time = time_of(k);
    const double ratio = rate_hz / cfg->rate_hz;
    if (pps_pending)
        pps_samp = std::llround(double(pps_samp) * ratio);
    air_set_rate(air, rate_hz);
    time_offset = now_time.to_ticks(rate_hz) - std::llround(double(k) * ratio);
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
    time_set = tick_of(pps_samp);
}

/* What time jumps have added to the register by sample k since it was written. */
int64_t room_core::jumped(int64_t k)
{
    if (!air_faults_n(air))
        return 0;
    int64_t tick = tick_of(k), now_tick = air_now(air);
    unsigned fresh = air_fault_felt(air, radio, AIR_FAULT_TIME_JUMP, told_jumps, now_tick);
    if (fresh)
        count(AIR_COUNT_TIME_JUMPS, fresh);
    air_fault_felt(air, radio, AIR_FAULT_REF_UNLOCKED, told_jumps, now_tick);
    told_jumps = now_tick;
    return std::llround(air_fault_jumps(air, radio, time_set, tick) * rate());
}

uhd::time_spec_t room_core::time_of(int64_t k)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    apply_pps();
    return uhd::time_spec_t::from_ticks(k + time_offset + jumped(k), rate());
}

/* By the register as it stands now: a jump still to come is not known yet. */
int64_t room_core::samp_at(const uhd::time_spec_t &time)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    apply_pps();
    return time.to_ticks(rate()) - time_offset - jumped(now());
}

void room_core::set_time_now(const uhd::time_spec_t &time)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    pps_pending = false;
    time_offset = time.to_ticks(rate()) - now();
    time_set = air_now(air);
}

/* PPS edges are the whole seconds of the room, whatever the device's own clock does. */
int64_t room_core::pps_edge(int64_t n) const
{
    return air_tick_to_samp(air, radio, std::llround(double(n) * rate()));
}

bool room_core::pps_missing(int64_t n) const
{
    return air_fault_holds(air, radio, AIR_FAULT_NO_PPS, std::llround(double(n) * rate()));
}

int64_t room_core::last_second() const
{
    int64_t n = int64_t(std::floor(double(air_now(air)) / rate()));
    return pps_edge(n + 1) <= now() ? n + 1 : n;
}

void room_core::set_time_next_pps(const uhd::time_spec_t &time)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    apply_pps();
    int64_t n = last_second() + 1;
    while (pps_missing(n) && n < last_second() + 1000000)
        n++;
    pps_samp = pps_edge(n);
    pps_time = time;
    pps_pending = true;
}

uhd::time_spec_t room_core::time_last_pps()
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    int64_t n = last_second();
    while (n > 0 && pps_missing(n))
        n--;
    return time_of(pps_edge(n));
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
    check_there();
    int64_t k = now();
    if (command_time == uhd::time_spec_t(0.0))
        return k;
    int64_t at = samp_at(command_time);
    struct air_fault late;
    if (at > k && !fault(AIR_FAULT_BIT(LATE_COMMAND), tick_of(at), &late))
        return at;
    count(AIR_COUNT_COMMANDS_AT_ONCE);
    return k;
}

void room_core::log_gpio(const gpio_bank &before, const gpio_bank &after, int64_t k)
{
    uint32_t was = before.level(false, false), is = after.level(false, false);
    if (levels.empty())
        levels.push_back({INT64_MIN, was});
    levels.push_back({k, is});
    if (levels.size() > 1024)
        levels.pop_front();
    int64_t tick = tick_of(k);
    if (was != is && tick < loss_tick)
        air_event_post(air, radio, tick, is & ~was, was & ~is);
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
