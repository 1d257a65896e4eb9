/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SigMF 1.x as far as we use it. Fails the running test where a file breaks a rule. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* What a schema cannot say: rising sample numbers, our datatype, a declared extension. */
void assert_sigmf_meta(const char *path);
void assert_sigmf_meta_of(const char *path, const char *datatype);
void assert_sigmf_collection(const char *path, size_t n_stream);

/* Names, types and limits, by tests/data/sigmf.schema.json and Python's jsonschema. False, with a
 * message, where that is not installed. */
bool sigmf_schema_there(void);
bool sigmf_schema_accepts(const char *path);
