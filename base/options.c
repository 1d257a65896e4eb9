/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/options.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/notify.h"

#define MAX_OPTIONS 48

enum common { /* values of getopt's val, beyond every letter and index of a program's own */
              OPT_HELP = 1000,
              OPT_VERSION,
              OPT_CONFIG,
              OPT_SET,
              OPT_CHECK,
              OPT_DUMP,
              OPT_READY,
              OPT_JSON,
              OPT_OWN = 2000,
};

static const struct common_option {
    struct option_spec spec;
    enum common id;
} common_options[] = {
    {{"config", 'c', "NAME|FILE", "read this configuration: one of ours, or a file"}, OPT_CONFIG},
    {{"set", 's', "KEY=VALUE", "override one key of it; may be repeated"}, OPT_SET},
    {{"check-config", 0, NULL, "check the configuration and exit"}, OPT_CHECK},
    {{"dump-config", 0, NULL, "print the configuration with every key explained and exit"},
     OPT_DUMP},
    {{"ready-fd", 0, "FD", "write R to this descriptor once ready to serve"}, OPT_READY},
    {{"json", 0, NULL, "print JSON, one object a line"}, OPT_JSON},
    {{"help", 'h', NULL, "print this and exit"}, OPT_HELP},
    {{"version", 0, NULL, "print the version and exit"}, OPT_VERSION},
};
#define N_COMMON (sizeof common_options / sizeof *common_options)

struct parser {
    const struct options_cfg *cfg;
    struct option table[MAX_OPTIONS + 1];
    const char *names[MAX_OPTIONS];
    size_t n;
    char letters[2 * MAX_OPTIONS + 3];
};

static bool applies(const struct options_cfg *cfg, enum common id)
{
    if (id >= OPT_CONFIG && id <= OPT_DUMP)
        return cfg->config != NULL;
    return id == OPT_READY ? cfg->ready_fd : id == OPT_JSON ? cfg->json : true;
}

static void add_option(struct parser *p, const struct option_spec *spec, int val)
{
    size_t end = strlen(p->letters);
    assert(p->n < MAX_OPTIONS);
    p->names[p->n] = spec->name;
    p->table[p->n++] = (struct option){spec->name, spec->value != NULL, NULL, val};
    if (spec->letter) {
        p->letters[end++] = spec->letter;
        if (spec->value)
            p->letters[end] = ':';
    }
}

static void build_table(struct parser *p, const struct options_cfg *cfg)
{
    *p = (struct parser){.cfg = cfg, .letters = ":"};
    for (size_t i = 0; i < cfg->n_specs; i++)
        add_option(p, &cfg->specs[i], OPT_OWN + (int)i);
    for (size_t i = 0; i < N_COMMON; i++)
        if (applies(cfg, common_options[i].id))
            add_option(p, &common_options[i].spec, (int)common_options[i].id);
}

static int letter_to_val(const struct options_cfg *cfg, int letter)
{
    for (size_t i = 0; i < cfg->n_specs; i++)
        if (cfg->specs[i].letter == letter)
            return OPT_OWN + (int)i;
    for (size_t i = 0; i < N_COMMON; i++)
        if (common_options[i].spec.letter == letter)
            return (int)common_options[i].id;
    return letter;
}

static void help_line(const struct option_spec *spec)
{
    char left[48];
    snprintf(left, sizeof left, "%c%c%s--%s%s%s", spec->letter ? '-' : ' ',
             spec->letter ? spec->letter : ' ', spec->letter ? ", " : "  ", spec->name,
             spec->value ? " " : "", spec->value ? spec->value : "");
    printf("  %-26s  %s\n", left, spec->help);
}

static void print_help(const struct options_cfg *cfg)
{
    printf("usage: %s [OPTION...]%s%s\n%s\n\n", cfg->program, cfg->operands ? " " : "",
           cfg->operands ? cfg->operands : "", cfg->synopsis);
    for (size_t i = 0; i < cfg->n_specs; i++)
        help_line(&cfg->specs[i]);
    for (size_t i = 0; i < N_COMMON; i++)
        if (applies(cfg, common_options[i].id))
            help_line(&common_options[i].spec);
    if (cfg->default_config)
        printf("\nWithout --config the configuration is our preset '%s'.\n", cfg->default_config);
    printf("\nExit codes: 0 done, 1 the job failed, 2 bad usage or input.\n");
}

static int usage_error(const struct options_cfg *cfg, const char *text)
{
    fprintf(stderr, "%s: %s; see '%s --help'\n", cfg->program, text, cfg->program);
    return EXIT_USAGE;
}

static int unknown_option(const struct parser *p, const char *given)
{
    char text[200], word[64];
    if (optopt && optopt < OPT_HELP) /* a letter; getopt may still stand before its word */
        snprintf(word, sizeof word, "-%c", optopt);
    else
        snprintf(word, sizeof word, "%.*s", (int)strcspn(given, "="), given);
    const char *near =
        strncmp(word, "--", 2) == 0 ? config_nearest(word + 2, p->names, p->n) : NULL;
    if (near && strcmp(near, word + 2) == 0)
        snprintf(text, sizeof text, "option '%s' takes no value", word);
    else
        snprintf(text, sizeof text, "unknown option '%s'%s%s%s", word,
                 near ? " (did you mean '--" : "", near ? near : "", near ? "'?)" : "");
    return usage_error(p->cfg, text);
}

static int parse_ready_fd(const struct options_cfg *cfg, const char *text, struct options *opt)
{
    char *end;
    long fd = strtol(text, &end, 10);
    if (end == text || *end || fd < 0 || fd > 65535)
        return usage_error(cfg, "--ready-fd needs the number of an open descriptor");
    opt->ready_fd = (int)fd;
    return -1;
}

static int apply_common(const struct options_cfg *cfg, int val, struct options *opt)
{
    switch (val) {
    case OPT_HELP:
        print_help(cfg);
        return EXIT_DONE;
    case OPT_VERSION:
        printf("%s (mirador) " MIRADOR_VERSION "\n", cfg->program);
        return EXIT_DONE;
    case OPT_CONFIG:
        opt->config_file = optarg;
        return -1;
    case OPT_SET:
        if (opt->n_sets == OPTIONS_MAX_SETS)
            return usage_error(cfg, "more than 64 times --set");
        opt->sets[opt->n_sets++] = optarg;
        return -1;
    case OPT_CHECK:
        opt->check_config = true;
        return -1;
    case OPT_DUMP:
        opt->dump_config = true;
        return -1;
    case OPT_READY:
        return parse_ready_fd(cfg, optarg, opt);
    default:
        opt->json = true;
        return -1;
    }
}

static int apply_own(const struct options_cfg *cfg, int val)
{
    struct status err = {0};
    const struct option_spec *spec = &cfg->specs[val - OPT_OWN];
    if (cfg->apply(cfg->context, spec->name, spec->value ? optarg : NULL, &err) == 0)
        return -1;
    return usage_error(cfg, err.text);
}

static int missing_value(const struct options_cfg *cfg, const char *given)
{
    char text[100];
    snprintf(text, sizeof text, "option '%.60s' needs a value", given);
    return usage_error(cfg, text);
}

int options_parse(const struct options_cfg *cfg, int argc, char **argv, struct options *opt)
{
    struct parser p;
    int val, rc = -1;
    build_table(&p, cfg);
    *opt = (struct options){.ready_fd = -1};
    opterr = 0;
    optind = 0; /* a fresh start, also when a subcommand parses after the main program */
    while (rc < 0 && (val = getopt_long(argc, argv, p.letters, p.table, NULL)) != -1) {
        const char *given = argv[optind - 1];
        if (val < OPT_HELP && val != ':' && val != '?')
            val = letter_to_val(cfg, val);
        if (val == ':')
            rc = missing_value(cfg, given);
        else if (val == '?')
            rc = unknown_option(&p, given);
        else
            rc = val >= OPT_OWN ? apply_own(cfg, val) : apply_common(cfg, val, opt);
    }
    if (rc >= 0)
        return rc;
    opt->operands = argv + optind;
    opt->n_operands = argc - optind;
    if (opt->n_operands > 0 && !cfg->operands) {
        char text[100];
        snprintf(text, sizeof text, "unexpected argument '%.60s'", opt->operands[0]);
        return usage_error(cfg, text);
    }
    return -1;
}

int options_load(const struct options_cfg *cfg, const struct options *opt, void *values)
{
    struct status err = {0};
    struct config_sets sets = {opt->sets, opt->n_sets};
    const char *file = opt->config_file ? opt->config_file : cfg->default_config;
    int rc = config_load(cfg->config, file, &sets, values, &err);
    if (rc == 0 && opt->dump_config)
        return config_dump(cfg->config, values, stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
    if (rc == 0 && cfg->check)
        rc = cfg->check(values, file ? file : "defaults", &err);
    if (rc) {
        fprintf(stderr, "%s: %s\n", cfg->program, err.text);
        return EXIT_USAGE;
    }
    return opt->check_config ? EXIT_DONE : -1;
}

int options_exit_code(const struct status *err)
{
    switch (err->code) {
    case ERR_ARG:
    case ERR_AUTH:
    case ERR_FORMAT:
    case ERR_GEOMETRY:
        return EXIT_USAGE;
    default:
        return EXIT_FAILED;
    }
}

void options_ready(struct options *opt)
{
    notify_ready();
    if (opt->ready_fd < 0)
        return;
    if (write(opt->ready_fd, "R", 1) != 1)
        log_warn("cannot tell descriptor %d that we are ready: %s", opt->ready_fd, strerror(errno));
    close(opt->ready_fd);
    opt->ready_fd = -1;
}

int option_double(const char *name, const char *text, double min, double max, double *out,
                  struct status *err)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || *end || !isfinite(*out) || *out < min || *out > max)
        return status_set(err, ERR_ARG, "--%s needs a number from %g to %g, not '%.40s'", name, min,
                          max, text);
    return 0;
}

int option_u64(const char *name, const char *text, uint64_t *out, struct status *err)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end || errno)
        return status_set(err, ERR_ARG, "--%s needs a whole number, not '%.40s'", name, text);
    return 0;
}
