/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/radio_identity.h"
#include "host/radio_priv.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

int radio_identify(struct radio *radio, struct radio_identity *out, struct status *err)
{
    uhd_usrp_rx_info_t info;
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&radio->usrp_lock);
    uhd_error e = uhd_usrp_get_rx_info(radio->usrp, 0, &info);
    if (!e) {
        snprintf(out->serial, sizeof out->serial, "%s", info.mboard_serial);
        uhd_usrp_rx_info_free(&info);
        e = uhd_usrp_get_master_clock_rate(radio->usrp, 0, &out->master_clock_hz);
    }
    pthread_mutex_unlock(&radio->usrp_lock);
    return e ? radio_uhd_error(radio, err, "cannot identify the radio") : OK;
}

/* Name of the first sensor that tells a temperature. */
static bool find_temperature(uhd_string_vector_handle names, char *name, size_t size)
{
    size_t n = 0;
    uhd_string_vector_size(names, &n);
    for (size_t i = 0; i < n; i++)
        if (!uhd_string_vector_at(names, i, name, size) && strstr(name, "temp"))
            return true;
    return false;
}

static double read_temperature(uhd_usrp_handle usrp, uhd_string_vector_handle names,
                               uhd_sensor_value_handle value)
{
    char name[64] = "";
    double celsius = NAN;
    if (!uhd_usrp_get_mboard_sensor_names(usrp, 0, &names) &&
        find_temperature(names, name, sizeof name)) {
        if (uhd_usrp_get_mboard_sensor(usrp, name, 0, &value))
            return NAN;
    } else if (uhd_usrp_get_rx_sensor_names(usrp, 0, &names) ||
               !find_temperature(names, name, sizeof name) ||
               uhd_usrp_get_rx_sensor(usrp, name, 0, &value)) {
        return NAN;
    }
    return uhd_sensor_value_to_realnum(value, &celsius) ? NAN : celsius;
}

double radio_temperature_c(struct radio *radio)
{
    uhd_string_vector_handle names = NULL;
    uhd_sensor_value_handle value = NULL;
    double celsius = NAN;
    if (!uhd_string_vector_make(&names) && !uhd_sensor_value_make(&value)) {
        pthread_mutex_lock(&radio->usrp_lock);
        if (radio->usrp)
            celsius = read_temperature(radio->usrp, names, value);
        pthread_mutex_unlock(&radio->usrp_lock);
    }
    if (names)
        uhd_string_vector_free(&names);
    if (value)
        uhd_sensor_value_free(&value);
    return celsius;
}
