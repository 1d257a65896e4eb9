/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SigMF 1.x as far as we use it: core names, their types and order, declared extensions. Fails the
 * running test where a file breaks a rule. */
#pragma once
#include <stddef.h>

void assert_sigmf_meta(const char *path);
void assert_sigmf_collection(const char *path, size_t n_stream);
