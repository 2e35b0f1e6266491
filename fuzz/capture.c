/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture.h"
#include "fuzz.h"

/* The tool's main(): it is built under this name for here. */
int shmimage_main(int argc, char **argv);

void capture_tool(Captured *captured, int argc, char **argv)
{
    FILE *const old_out = stdout;
    FILE *const old_err = stderr;
    FILE *out = open_memstream(&captured->out, &captured->out_size);
    FILE *err = open_memstream(&captured->err, &captured->err_size);

    require(out && err, "out of memory");
    stdout = out;
    stderr = err;
    optind = 0;
    errno  = 0;
    captured->code = shmimage_main(argc, argv);
    stdout = old_out;
    stderr = old_err;
    fclose(out);
    fclose(err);
}

void captured_free(Captured *captured)
{
    free(captured->out);
    free(captured->err);
}
