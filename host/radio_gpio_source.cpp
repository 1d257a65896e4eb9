/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/radio_gpio_source.h"
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <uhd/exception.hpp>
#include <uhd/usrp/multi_usrp.hpp>
#include <vector>

namespace
{

using strings = std::vector<std::string>;

std::string list(const strings &names)
{
    std::string all;
    for (const std::string &name : names)
        all += (all.empty() ? "" : ", ") + name;
    return all;
}

int refuse(status *err, int code, const std::string &why)
{
    err->code = code;
    std::snprintf(err->text, sizeof err->text, "radio.trigger_source: %s", why.c_str());
    std::replace(err->text, err->text + sizeof err->text, '\n', ' ');
    return code;
}

bool among(const std::string &name, const strings &names)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

int set(const char *args, const std::string &bank, unsigned pin, const std::string &source,
        status *err)
{
    const auto usrp = uhd::usrp::multi_usrp::make(uhd::device_addr_t(args));
    const strings banks = usrp->get_gpio_src_banks();
    if (!among(bank, banks))
        return refuse(err, ERR_ARG, "no connector '" + bank + "': there are " + list(banks));
    const strings sources = usrp->get_gpio_srcs(bank);
    if (!among(source, sources))
        return refuse(err, ERR_ARG,
                      "no source '" + source + "' of " + bank + ": there are " + list(sources));
    strings pins = usrp->get_gpio_src(bank);
    if (pin >= pins.size())
        return refuse(err, ERR_ARG, bank + " has " + std::to_string(pins.size()) + " pins only");
    pins[pin] = source;
    usrp->set_gpio_src(bank, pins);
    if (usrp->get_gpio_src(bank).at(pin) != source)
        return refuse(err, ERR_RADIO, "the device keeps the pin with another source");
    return OK;
}

} // namespace

int gpio_source_set(const char *args, const char *bank, unsigned pin, const char *source,
                    status *err)
{
    try {
        return set(args, bank, pin, source, err);
    } catch (const uhd::not_implemented_error &) {
        return refuse(err, ERR_ARG,
                      "the pins of this device have no sources to choose from; leave it empty");
    } catch (const std::exception &e) {
        return refuse(err, ERR_RADIO, e.what());
    } catch (...) {
        return refuse(err, ERR_RADIO, "unknown exception of UHD");
    }
}
