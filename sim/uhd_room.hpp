/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the simulated USRP's device object, streamers and property tree share. The only C++ of the
 * project: UHD's device interface leaves no choice. */
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <uhd/device.hpp>
#include <uhd/types/time_spec.hpp>
#include <uhd/usrp/subdev_spec.hpp>
#include <vector>

#include "sim/air_clock.h"
#include "sim/air_fault.h"
#include "sim/air_log.h"
#include "sim/air_rx.h"

namespace mirador
{

/* Bank FP0: which pins follow the radio (ATR) or a register, and what that makes of them. */
struct gpio_bank {
    uint32_t ctrl = 0, ddr = 0, out = 0;
    uint32_t atr[4] = {0, 0, 0, 0}; /* idle, RX, TX, both */

    uint32_t level(bool rx, bool tx) const
    {
        return ddr & ((ctrl & atr[(rx ? 1 : 0) + (tx ? 2 : 0)]) | (~ctrl & out));
    }
};

/* One capture or burst on the device's sample clock. */
struct interval {
    int64_t from, to;
};

struct air_closer {
    void operator()(struct air *a) const
    {
        air_destroy(&a);
    }
    void operator()(struct air_front *f) const
    {
        air_front_destroy(&f);
    }
};
using air_ptr = std::unique_ptr<struct air, air_closer>;
using front_ptr = std::unique_ptr<struct air_front, air_closer>;

/* The device behind tree and streamers. Lock order: streamer, core, segment. */
class room_core
{
    const air_ptr own_air; /* first: all below lives in it */
    const front_ptr own_rx_front, own_tx_front;

  public:
    room_core(air_ptr room, unsigned radio_index);
    ~room_core();

    double rate() const;
    void set_rate(double rate_hz); /* throws uhd::value_error in a room of another rate */

    int64_t now() const; /* device sample */
    uhd::time_spec_t time_of(int64_t k);
    int64_t samp_at(const uhd::time_spec_t &time);
    int64_t tick_of(int64_t k) const;
    void set_time_now(const uhd::time_spec_t &time);
    void set_time_next_pps(const uhd::time_spec_t &time);
    uhd::time_spec_t time_last_pps();
    void set_command_time(const uhd::time_spec_t &time);
    int64_t command_samp(); /* when a command given now takes effect */

    void set_gpio(uint32_t gpio_bank::*reg, uint32_t value);
    void set_atr(unsigned state, uint32_t value);
    gpio_bank gpio() const;
    uint32_t gpio_readback();
    /* Pins that change when a transmission begins at k: rising in .first, falling in .second. */
    std::pair<uint32_t, uint32_t> tx_edges(int64_t k);

    void set_gain(bool tx, unsigned port, double gain_db);
    void set_freq(bool tx, unsigned port, double rf_hz, double dsp_hz);

    bool ref_locked();
    /* Throws uhd::io_error once the script has taken the device away: this object stays dead. */
    void check_there();
    int64_t gone_tick() const /* when that will be, or AIR_NEVER */
    {
        return loss_tick;
    }
    int64_t gone_samp() const
    {
        return loss_tick == AIR_NEVER ? AIR_NEVER : air_tick_to_samp(air, radio, loss_tick);
    }
    [[noreturn]] void throw_gone();
    /* What the fault script has for an opportunity at a tick; see sim/air_fault.h. */
    bool fault(uint32_t kinds, int64_t tick, struct air_fault *out, bool fresh = true);
    void count(enum air_count which, uint64_t n = 1);

    /* What is received and sent, for ATR. */
    void note_rx(const void *stream, interval span);

    struct air *const air;
    const unsigned radio;
    const struct air_cfg *const cfg;
    const bool in_room;
    struct air_front *const rx_front, *const tx_front;
    std::atomic<unsigned> n_stream{0}; /* with a capture or burst under way: the rate is fixed */
    std::atomic<uint64_t> next_stream_id{1};

  private:
    void apply_pps();
    int64_t pps_edge(int64_t n) const;
    bool pps_missing(int64_t n) const;
    int64_t last_second() const;
    int64_t jumped(int64_t k);
    void log_gpio(const gpio_bank &before, const gpio_bank &after, int64_t k);

    mutable std::recursive_mutex lock;
    int64_t time_offset = 0; /* device time [ticks] = sample + offset + jumps since time_set */
    int64_t time_set = -1;   /* tick when the time register was last written */
    int64_t told_jumps = -1; /* jumps up to this tick are counted */
    int64_t loss_tick = AIR_NEVER;
    bool pps_pending = false;
    int64_t pps_samp = 0;
    uhd::time_spec_t pps_time, command_time;
    gpio_bank bank;
    struct timed_level {
        int64_t k;
        uint32_t level;
    };
    std::deque<timed_level> levels; /* manual pins over time, for READBACK */
    struct noted {
        const void *stream;
        interval span;
    };
    std::vector<noted> receiving;
};

using core_ptr = std::shared_ptr<room_core>;

uhd::rx_streamer::sptr make_rx_streamer(core_ptr core, const uhd::stream_args_t &args,
                                        const std::vector<unsigned> &ports);
uhd::tx_streamer::sptr make_tx_streamer(core_ptr core, const uhd::stream_args_t &args,
                                        const std::vector<unsigned> &ports);
uhd::property_tree::sptr make_room_tree(core_ptr core, const uhd::device_addr_t &args);

enum class cpu_format { fc32, sc16, fc64 };
cpu_format parse_format(const uhd::stream_args_t &args); /* throws uhd::value_error */
inline size_t sample_bytes(cpu_format f)
{
    return f == cpu_format::sc16 ? 4 : f == cpu_format::fc32 ? 8 : 16;
}

} // namespace mirador
