/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/calib_file.h"

#include <math.h>
#include <stdio.h>

#include "base/options.h"

struct dataset *calib_file_read(const char *program, char **operands, int n_operands, int *code)
{
    struct status err = {0};
    *code = EXIT_USAGE;
    if (n_operands != 1) {
        fprintf(stderr, "%s: expected one dataset FILE, got %d; see '%s --help'\n", program,
                n_operands, program);
        return NULL;
    }
    struct dataset *ds = dataset_read(operands[0], &err);
    if (!ds) {
        fprintf(stderr, "%s: %s: %s\n", program, operands[0], err.text);
        *code = err.code == ERR_NO_MEMORY ? EXIT_FAILED : EXIT_USAGE;
    }
    return ds;
}

json_t *calib_json_number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

json_t *calib_json_vec3(struct vec3 v)
{
    return json_pack("[o, o, o]", calib_json_number(v.x), calib_json_number(v.y),
                     calib_json_number(v.z));
}

json_t *calib_json_cplx(cplx v)
{
    return json_pack("[o, o]", calib_json_number(creal(v)), calib_json_number(cimag(v)));
}

void calib_json_print(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}
