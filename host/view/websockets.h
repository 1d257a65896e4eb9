/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libwebsockets, whose header brings OpenSSL's, whose type ERR_STATE has the name of a code of
 * ours. */
#pragma once
#define ERR_STATE openssl_err_state
#include <libwebsockets.h>
#undef ERR_STATE
