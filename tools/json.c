/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdint.h>
#include <stdio.h>

#include "json.h"

/* Bytes of the UTF-8 character at text, or 0 if there is none. */
static int character_length(const unsigned char *text)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint32_t code;
    int length;

    if (*text < 0x80)
        return 1;
    length = *text >= 0xf0 ? 4 : *text >= 0xe0 ? 3 : 2;
    code = *text & (0x7fu >> length);
    if (*text < 0xc0 || *text > 0xf4)
        return 0;
    for (int i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    if (code < smallest[length] || code > 0x10ffff ||
        (code >= 0xd800 && code < 0xe000))
        return 0;
    return length;
}

void json_print_string(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    putchar('"');
    while (*p) {
        int length = character_length(p);

        if (!length)
            fputs("\\ufffd", stdout);
        else if (*p < 0x20 || *p == 0x7f)
            printf("\\u%04x", *p);
        else if (*p == '"' || *p == '\\')
            printf("\\%c", *p);
        else
            fwrite(p, 1, (size_t)length, stdout);
        p += length ? length : 1;
    }
    putchar('"');
}
