/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * UHD device module "room": find, make and the device object. Device args: docs/simulator.md. */
#include <uhd/device.hpp>
#include <uhd/exception.hpp>
#include <uhd/property_tree.hpp>
#include <uhd/utils/static.hpp>

#include "sim/faults.h"
#include "sim/uhd_room.hpp"

namespace mirador
{

namespace
{

class room_device : public uhd::device
{
  public:
    room_device(air_ptr air, unsigned radio, const uhd::device_addr_t &args)
        : core(std::make_shared<room_core>(std::move(air), radio))
    {
        _tree = make_room_tree(core, args);
        _type = uhd::device::USRP;
    }

    uhd::rx_streamer::sptr get_rx_stream(const uhd::stream_args_t &args) override
    {
        return make_rx_streamer(core, args, ports(args, "rx_subdev_spec"));
    }

    uhd::tx_streamer::sptr get_tx_stream(const uhd::stream_args_t &args) override
    {
        auto stream = make_tx_streamer(core, args, ports(args, "tx_subdev_spec"));
        last_tx = stream;
        return stream;
    }

    bool recv_async_msg(uhd::async_metadata_t &md, double timeout) override
    {
        auto stream = last_tx.lock();
        return stream && stream->recv_async_msg(md, timeout);
    }

  private:
    /* Stream channels are positions in the subdevice specification. */
    std::vector<unsigned> ports(const uhd::stream_args_t &args, const char *which)
    {
        using uhd::usrp::subdev_spec_t;
        auto spec = _tree->access<subdev_spec_t>(uhd::fs_path("/mboards/0") / which).get();
        std::vector<size_t> channels = args.channels;
        if (channels.empty())
            channels.push_back(0);
        std::vector<unsigned> out;
        for (size_t c : channels) {
            if (c >= spec.size())
                throw uhd::index_error("room: no channel " + std::to_string(c) +
                                       "; the device has " + std::to_string(spec.size()));
            out.push_back(unsigned(std::stoul(spec[c].sd_name)));
        }
        return out;
    }

    core_ptr core;
    std::weak_ptr<uhd::tx_streamer> last_tx;
};

/* One entry per role of the named room, or the private loopback. */
uhd::device_addrs_t find_room(const uhd::device_addr_t &hint)
{
    uhd::device_addrs_t found;
    if (hint.get("type", "") != "room")
        return found;
    uhd::device_addr_t entry;
    entry["type"] = "room";
    entry["product"] = "Mirador room";
    if (!hint.has_key("room")) {
        entry["name"] = "loopback";
        entry["serial"] = hint.get("serial", "LOOP0");
        found.push_back(entry);
        return found;
    }
    struct status err = {};
    struct air *air = air_attach(hint["room"].c_str(), &err);
    if (!air)
        return found;
    const struct air_cfg *cfg = air_config(air);
    for (unsigned r = 0; r < cfg->n_radios; r++) {
        const std::string role = cfg->radios[r].name;
        const std::string serial = hint.get("serial", "ROOM" + std::to_string(r));
        if (hint.has_key("role") ? hint["role"] != role
                                 : hint.has_key("serial") && serial != "ROOM" + std::to_string(r))
            continue;
        if (!air_device_there(air, r))
            continue;
        entry["room"] = entry["name"] = hint["room"];
        entry["role"] = role;
        entry["serial"] = serial;
        found.push_back(entry);
    }
    air_destroy(&air);
    return found;
}

/* Device args fault_KIND=n: every n-th opportunity; faults=FILE: a script. */
void loopback_faults(const uhd::device_addr_t &args, struct air *air)
{
    const struct air_cfg *cfg = air_config(air);
    auto list = std::make_unique<struct air_fault[]>(AIR_N_FAULT);
    struct status err = {};
    size_t n = 0;
    if (args.has_key("faults") && faults_load(args["faults"].c_str(), cfg, list.get(), &n, &err))
        throw uhd::value_error(std::string("room: ") + err.text);
    for (int kind = 0; kind < AIR_N_FAULT_KIND && n < AIR_N_FAULT; kind++) {
        const std::string key = std::string("fault_") + air_fault_name(kind);
        if (!args.has_key(key))
            continue;
        unsigned every = args.cast<unsigned>(key, 0);
        if (faults_every(kind, every, &list[n], &err))
            throw uhd::value_error("room: " + key + ": " + err.text);
        n++;
    }
    if (air_faults_set(air, list.get(), n))
        throw uhd::value_error("room: more than 64 drifting clocks in one script");
}

struct air *make_loopback(const uhd::device_addr_t &args, struct status *err)
{
    struct air_cfg cfg;
    air_cfg_default(&cfg);
    unsigned both = args.cast<unsigned>("channels", 4);
    struct air_radio_cfg *radio = &cfg.radios[0];
    radio->n_tx = args.cast<unsigned>("tx_channels", both);
    radio->n_rx = args.cast<unsigned>("rx_channels", both);
    radio->ppm = 0;
    radio->phase_noise_hz = 0;
    radio->gain_spread_db = 0;
    radio->adc_bits = 14;
    radio->random_phase = false;
    cfg.n_radios = 1;
    cfg.n_sets = 0;
    cfg.carrier_hz = 0;
    cfg.lapse_s = 1.0;
    cfg.rate_hz = args.cast<double>("rate", args.cast<double>("master_clock_rate", 25e6));
    cfg.seed = args.cast<uint64_t>("seed", 1);
    cfg.gated = args.cast<int>("gate", 1) != 0;
    cfg.speed = args.cast<double>("speed", 1.0);
    cfg.flat_gain_db = -args.cast<double>("attenuation", 30.0);
    return air_create(&cfg, err);
}

uhd::device::sptr make_room(const uhd::device_addr_t &args)
{
    struct status err = {};
    bool in_room = args.has_key("room");
    air_ptr air(in_room ? air_attach(args["room"].c_str(), &err) : make_loopback(args, &err));
    if (!air)
        throw uhd::runtime_error(std::string("room: ") + err.text);
    int radio = in_room ? air_radio_index(air.get(), args.get("role", "bs").c_str()) : 0;
    if (radio < 0)
        throw uhd::key_error("room: '" + args["room"] +
                             "' has no radio for role=" + args.get("role", "bs"));
    if (!in_room)
        loopback_faults(args, air.get());
    return std::make_shared<room_device>(std::move(air), unsigned(radio), args);
}

} // namespace

} // namespace mirador

UHD_STATIC_BLOCK(register_mirador_room)
{
    uhd::device::register_device(&mirador::find_room, &mirador::make_room, uhd::device::USRP);
}
