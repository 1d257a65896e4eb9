/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Property tree of the simulated USRP: the nodes multi_usrp, uhd_usrp_probe and GNU Radio look for.
 */
#include <uhd/property_tree.hpp>
#include <uhd/types/ranges.hpp>
#include <uhd/types/sensors.hpp>
#include <uhd/usrp/dboard_eeprom.hpp>
#include <uhd/usrp/mboard_eeprom.hpp>

#include "sim/uhd_room.hpp"

namespace mirador
{

using uhd::fs_path;
using uhd::sensor_value_t;
using strings = std::vector<std::string>;
using tree_ptr = uhd::property_tree::sptr;

static void add_time(const tree_ptr &tree, const fs_path &mb, const core_ptr &core)
{
    using uhd::time_spec_t;
    tree->create<time_spec_t>(mb / "time" / "now")
        .set_publisher([core] {
            core->check_there();
            return core->time_of(core->now());
        })
        .add_coerced_subscriber([core](const time_spec_t &t) {
            core->check_there();
            core->set_time_now(t);
        });
    tree->create<time_spec_t>(mb / "time" / "pps")
        .set_publisher([core] {
            core->check_there();
            return core->time_last_pps();
        })
        .add_coerced_subscriber([core](const time_spec_t &t) {
            core->check_there();
            core->set_time_next_pps(t);
        });
    tree->create<time_spec_t>(mb / "time" / "cmd")
        .set(time_spec_t(0.0))
        .add_coerced_subscriber([core](const time_spec_t &t) { core->set_command_time(t); });
    tree->create<double>(mb / "tick_rate")
        .set_publisher([core] { return core->rate(); })
        .add_coerced_subscriber([core](double r) { core->set_rate(r); });
}

static void add_sources(const tree_ptr &tree, const fs_path &mb, const core_ptr &core)
{
    const strings sources = {"internal", "external", "gpsdo"};
    for (const char *what : {"clock_source", "time_source"}) {
        tree->create<std::string>(mb / what / "value")
            .set_coercer([sources, what](const std::string &s) {
                for (const auto &known : sources)
                    if (s == known)
                        return s;
                throw uhd::value_error(std::string("room: ") + what +
                                       " must be internal, external or gpsdo, not " + s);
            })
            .set("internal");
        tree->create<strings>(mb / what / "options").set(sources);
    }
    tree->create<sensor_value_t>(mb / "sensors" / "ref_locked").set_publisher([core] {
        return sensor_value_t("Ref", core->ref_locked(), "locked", "unlocked");
    });
}

static uint32_t bits_of(const strings &pins, const char *one)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < pins.size() && i < 32; i++)
        bits |= uint32_t(pins[i] == one) << i;
    return bits;
}

static void add_gpio(const tree_ptr &tree, const fs_path &mb, const core_ptr &core)
{
    const fs_path bank = mb / "gpio" / "FP0";
    /* libuhd 4.3 spells a 1 written to CTRL (the radio drives the pin, by its manual and on its
     * devices) as "GPIO" and a 0 as "ATR"; what counts is the number that comes out again. */
    tree->create<strings>(bank / "CTRL")
        .set(strings(32, "ATR"))
        .add_coerced_subscriber(
            [core](const strings &s) { core->set_gpio(&gpio_bank::ctrl, bits_of(s, "GPIO")); });
    tree->create<strings>(bank / "DDR")
        .set(strings(32, "INPUT"))
        .add_coerced_subscriber(
            [core](const strings &s) { core->set_gpio(&gpio_bank::ddr, bits_of(s, "OUTPUT")); });
    tree->create<uint32_t>(bank / "OUT").set(0).add_coerced_subscriber([core](uint32_t v) {
        core->set_gpio(&gpio_bank::out, v);
    });
    const char *const states[] = {"ATR_0X", "ATR_RX", "ATR_TX", "ATR_XX"};
    for (unsigned i = 0; i < 4; i++)
        tree->create<uint32_t>(bank / states[i])
            .set(0)
            .add_coerced_subscriber([core, i](uint32_t v) { core->set_atr(i, v); });
    tree->create<uint32_t>(bank / "READBACK").set_publisher([core] {
        return core->gpio_readback();
    });
}

static void add_frontend(const tree_ptr &tree, const fs_path &fe, const core_ptr &core, bool tx,
                         unsigned port)
{
    const uhd::meta_range_t gains(0.0, tx ? 40.0 : 70.0, 0.5), freqs(1e6, 12e9), bands(1e3, 1e9);
    double carrier = core->cfg->carrier_hz > 0 ? core->cfg->carrier_hz : 1e9;
    const fs_path dsp = fs_path("/mboards/0") / (tx ? "tx_dsps" : "rx_dsps") / std::to_string(port);
    tree->create<std::string>(fe / "name").set(tx ? "Room TX" : "Room RX");
    tree->create<std::string>(fe / "connection").set("IQ");
    tree->create<bool>(fe / "use_lo_offset").set(false);
    tree->create<bool>(fe / "enabled").set(true);
    const strings antennas = tx ? strings{"TX/RX"} : strings{"RX2", "TX/RX"};
    tree->create<std::string>(fe / "antenna" / "value").set(antennas[0]);
    tree->create<strings>(fe / "antenna" / "options").set(antennas);
    tree->create<uhd::meta_range_t>(fe / "gains" / "PGA" / "range").set(gains);
    tree->create<double>(fe / "gains" / "PGA" / "value")
        .set_coercer([gains](double g) { return gains.clip(g, true); })
        .add_coerced_subscriber([core, tx, port](double g) { core->set_gain(tx, port, g); })
        .set(0.0);
    tree->create<uhd::meta_range_t>(fe / "freq" / "range").set(freqs);
    tree->create<double>(fe / "freq" / "value")
        .set_coercer([freqs](double f) { return freqs.clip(f); })
        .set(carrier)
        .add_coerced_subscriber(
            [tree = std::weak_ptr<uhd::property_tree>(tree), core, tx, port, dsp](double f) {
                if (auto t = tree.lock())
                    core->set_freq(tx, port, f, t->access<double>(dsp / "freq" / "value").get());
            });
    tree->create<uhd::meta_range_t>(fe / "bandwidth" / "range").set(bands);
    tree->create<double>(fe / "bandwidth" / "value").set(core->rate());
    tree->create<sensor_value_t>(fe / "sensors" / "lo_locked").set_publisher([] {
        return sensor_value_t("LO", true, "locked", "unlocked");
    });
}

static void add_dsp(const tree_ptr &tree, const fs_path &dsp, const fs_path &fe,
                    const core_ptr &core, bool tx, unsigned port)
{
    const uhd::meta_range_t rates =
        core->in_room ? uhd::meta_range_t(core->rate(), core->rate()) : uhd::meta_range_t(1e3, 1e9);
    tree->create<uhd::meta_range_t>(dsp / "rate" / "range").set(rates);
    tree->create<double>(dsp / "rate" / "value")
        .set_publisher([core] { return core->rate(); })
        .add_coerced_subscriber([core](double r) { core->set_rate(r); });
    tree->create<uhd::meta_range_t>(dsp / "freq" / "range").set_publisher([core] {
        return uhd::meta_range_t(-core->rate() / 2, core->rate() / 2);
    });
    tree->create<double>(dsp / "freq" / "value")
        .set(0.0)
        .add_coerced_subscriber(
            [tree = std::weak_ptr<uhd::property_tree>(tree), core, tx, port, fe](double f) {
                if (auto t = tree.lock())
                    core->set_freq(tx, port, t->access<double>(fe / "freq" / "value").get(), f);
            });
    if (!tx)
        tree->create<uhd::stream_cmd_t>(dsp / "stream_cmd");
}

static void add_direction(const tree_ptr &tree, const fs_path &mb, const core_ptr &core, bool tx)
{
    const struct air_radio_cfg &radio = core->cfg->radios[core->radio];
    const std::string dir = tx ? "tx" : "rx";
    const fs_path db = mb / "dboards" / "A";
    uhd::usrp::subdev_spec_t spec;
    for (unsigned p = 0; p < (tx ? radio.n_tx : radio.n_rx); p++) {
        const std::string name = std::to_string(p);
        const fs_path fe = db / (dir + "_frontends") / name, dsp = mb / (dir + "_dsps") / name;
        add_dsp(tree, dsp, fe, core, tx, p);
        add_frontend(tree, fe, core, tx, p);
        spec.push_back({"A", name});
    }
    tree->create<uhd::usrp::subdev_spec_t>(mb / (dir + "_subdev_spec")).set(spec);
    tree->create<int>(mb / (dir + "_codecs") / "A" / "gains");
    tree->create<std::string>(mb / (dir + "_codecs") / "A" / "name").set("simulated, 16 bit");
    uhd::usrp::dboard_eeprom_t eeprom;
    eeprom.id = uhd::usrp::dboard_id_t::none();
    tree->create<uhd::usrp::dboard_eeprom_t>(db / (dir + "_eeprom")).set(eeprom);
}

uhd::property_tree::sptr make_room_tree(core_ptr core, const uhd::device_addr_t &args)
{
    tree_ptr tree = uhd::property_tree::make();
    const fs_path mb = "/mboards/0";
    tree->create<std::string>("/name").set("Mirador room");
    tree->create<std::string>(mb / "name").set("room");
    tree->create<std::string>(mb / "codename").set(core->in_room ? core->cfg->name : "loopback");
    uhd::usrp::mboard_eeprom_t eeprom;
    eeprom["serial"] = args.get("serial", "");
    eeprom["name"] = args.get("name", "");
    tree->create<uhd::usrp::mboard_eeprom_t>(mb / "eeprom").set(eeprom);
    add_time(tree, mb, core);
    add_sources(tree, mb, core);
    const double celsius = args.cast<double>("temperature", 40.0);
    tree->create<sensor_value_t>(mb / "sensors" / "temp").set_publisher([celsius] {
        return sensor_value_t("Temperature", celsius, "C");
    });
    add_gpio(tree, mb, core);
    add_direction(tree, mb, core, false);
    add_direction(tree, mb, core, true);
    return tree;
}

} // namespace mirador
