/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

/* Takes the word, even if it fails. */
static void append(Words *w, char *word)
{
    char **longer = word ? realloc(w->word, (w->count + 2) * sizeof(*longer))
                         : NULL;

    if (!longer) {
        free(word);
        w->failed = 1;
        return;
    }
    w->word = longer;
    w->word[w->count++] = word;
    w->word[w->count] = NULL;
}

void words_add(Words *w, const char *format, ...)
{
    va_list args;
    char *word = NULL;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length >= 0)
        word = malloc((size_t)length + 1);
    if (word) {
        va_start(args, format);
        vsnprintf(word, (size_t)length + 1, format, args);
        va_end(args);
    }
    append(w, word);
}

void words_split(Words *w, const char *text)
{
    while (*text) {
        const size_t length = strcspn(text, " ");

        if (length)
            append(w, strndup(text, length));
        text += length + strspn(text + length, " ");
    }
}

void words_append(Words *w, char *const *words)
{
    for (; words && *words; words++)
        words_add(w, "%s", *words);
}

static int is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789@%+=:,./_-";

    return *word && !word[strspn(word, plain)];
}

static void print_word(const char *word, FILE *file)
{
    if (is_plain(word)) {
        fputs(word, file);
        return;
    }
    putc('\'', file);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", file);
        else
            putc(*word, file);
    putc('\'', file);
}

void words_print(const Words *w, FILE *file)
{
    for (size_t i = 0; i < w->count; i++) {
        if (i)
            putc(' ', file);
        print_word(w->word[i], file);
    }
}

void words_free(Words *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->word[i]);
    free(w->word);
    *w = (Words){ 0 };
}
