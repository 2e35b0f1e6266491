/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "shmimage.h"

#ifdef __clang__
#define NOT_TRACED __attribute__((no_sanitize("coverage")))
#else
#define NOT_TRACED
#endif

static const struct {
    const char *call;
    int status;
} documented[] = {
#include "fuzz/documented.h"
};

void input_bytes(Input *input, void *bytes, size_t size)
{
    size_t n = size < input->size ? size : input->size;

    memset(bytes, 0, size);
    if (n)
        memcpy(bytes, input->data, n);
    input->data += n;
    input->size -= n;
}

uint8_t input_u8(Input *input)
{
    uint8_t value;

    input_bytes(input, &value, sizeof(value));
    return value;
}

uint32_t input_u32(Input *input)
{
    uint32_t value;

    input_bytes(input, &value, sizeof(value));
    return value;
}

void fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    char text[512];

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    /* Not through stdio: a target may have another stream as stderr. */
    dprintf(STDERR_FILENO, "%s:%d: %s\n", file, line, text);
    abort();
}

/* Not strcmp(): libFuzzer would take what that compares for something that an
 * input may contain. */
NOT_TRACED static bool is_same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

NOT_TRACED void require_documented(const char *call, int status)
{
    for (size_t i = 0; i < sizeof(documented) / sizeof(documented[0]); i++)
        if (documented[i].status == status &&
            is_same(documented[i].call, call))
            return;
    fail(__FILE__, __LINE__, "%s() returned %d, which shmimage.h does not "
         "promise: %s", call, status, shmimage_error_string(status));
}

int lowest_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    require(fd >= 0, "/dev/null can't be opened");
    close(fd);
    return fd;
}
