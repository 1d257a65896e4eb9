/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador keys: secrets go into files of mode 0600 and nowhere else. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "base/sockets.h"
#include "base/state_dir.h"
#include "frames/secure.h"
#include "host/cli/cmd.h"

#define USER_ID_MAX 1048575u

struct keys_job {
    const char *out;
    bool seeded;
    uint64_t seed;
};

static const struct option_spec specs[] = {
    {"out", 'o', "FILE", "write the key here; the file must not exist yet"},
    {"seed", 0, "N", "derive a user's key from N: for simulated demos, never for the field"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct keys_job *job = context;
    if (strcmp(name, "out") == 0) {
        job->out = value;
        return 0;
    }
    job->seeded = true;
    return option_u64(name, value, &job->seed, err);
}

static int fail(const struct status *err, int code)
{
    fprintf(stderr, "mirador keys: %s\n", err->text);
    return code;
}

static int add_user(const struct keys_job *job, const char *id_text, bool json)
{
    uint8_t master[SECURE_MASTER_BYTES];
    struct status err = {0};
    uint64_t id;
    if (option_u64("ID", id_text, &id, &err) != 0 || id > USER_ID_MAX) {
        fprintf(stderr, "mirador keys: a user's ID is a number from 0 to %u, not '%s'\n",
                USER_ID_MAX, id_text);
        return EXIT_USAGE;
    }
    if (job->seeded)
        secure_master_from_seed(job->seed, (uint32_t)id, master);
    else
        secure_master_random(master);
    int rc = key_file_write(job->out, master, sizeof master, &err);
    secure_wipe(master, sizeof master);
    if (rc)
        return fail(&err, EXIT_FAILED);
    if (json)
        printf("{\"type\":\"key\",\"user\":%" PRIu64 ",\"seeded\":%s}\n", id,
               job->seeded ? "true" : "false");
    else
        printf("key of user %" PRIu64
               " in %s; copy it to the user's terminal over a safe way and name "
               "it in both configurations\n",
               id, job->out);
    return EXIT_DONE;
}

static int add_socket(const struct keys_job *job, bool json)
{
    uint8_t secret[SOCKETS_KEY_BYTES], public[SOCKETS_KEY_BYTES];
    char hex[2 * SOCKETS_KEY_BYTES + 1];
    struct status err = {0};
    randombytes_buf(secret, sizeof secret);
    crypto_scalarmult_base(public, secret);
    sodium_bin2hex(hex, sizeof hex, public, sizeof public);
    int rc = key_file_write(job->out, secret, sizeof secret, &err);
    secure_wipe(secret, sizeof secret);
    if (rc)
        return fail(&err, EXIT_FAILED);
    printf(json ? "{\"type\":\"key\",\"public\":\"%s\"}\n" : "%s\n", hex);
    return EXIT_DONE;
}

static int add_token(const struct keys_job *job, bool json)
{
    uint8_t token[SOCKETS_KEY_BYTES];
    struct status err = {0};
    randombytes_buf(token, sizeof token);
    int rc = key_file_write(job->out, token, sizeof token, &err);
    secure_wipe(token, sizeof token);
    if (rc)
        return fail(&err, EXIT_FAILED);
    if (json)
        puts("{\"type\":\"token\"}");
    else
        printf("token of the live page in %s; its text goes behind the address: #token=...\n",
               job->out);
    return EXIT_DONE;
}

static int run(const struct keys_job *job, const struct options *opt)
{
    char **word = opt->operands;
    bool user = opt->n_operands == 3 && strcmp(word[0], "user") == 0 && strcmp(word[1], "add") == 0;
    bool socket = opt->n_operands == 1 && strcmp(word[0], "socket") == 0;
    bool token = opt->n_operands == 1 && strcmp(word[0], "token") == 0;
    if (!user && !socket && !token) {
        fputs("mirador keys: expected 'user add ID', 'socket' or 'token'; see 'mirador keys "
              "--help'\n",
              stderr);
        return EXIT_USAGE;
    }
    if (!job->out) {
        fputs("mirador keys: where to? give --out FILE; see 'mirador keys --help'\n", stderr);
        return EXIT_USAGE;
    }
    if (!user && job->seeded) {
        fputs("mirador keys: --seed is for users of simulated demos only\n", stderr);
        return EXIT_USAGE;
    }
    if (secure_init() != 0) {
        fputs("mirador keys: no source of randomness; check /dev/urandom\n", stderr);
        return EXIT_FAILED;
    }
    return user     ? add_user(job, word[2], opt->json)
           : socket ? add_socket(job, opt->json)
                    : add_token(job, opt->json);
}

int cmd_keys(int argc, char **argv)
{
    struct keys_job job = {0};
    struct options opt;
    const struct options_cfg cfg = {
        .program = "mirador keys",
        .operands = "user add ID | socket | token",
        .synopsis =
            "Makes secret keys in files of mode 0600.\n\n"
            "  user add ID  master key of one user, for base station and user terminal\n"
            "  socket       CURVE key for sockets beyond this machine; prints the public half\n"
            "  token        secret that browsers must show to mirador-view, where it is not to "
            "make its own",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    return code >= 0 ? code : run(&job, &opt);
}
