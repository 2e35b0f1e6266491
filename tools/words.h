/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A command line that is put together word by word.
 */
#ifndef SHMIMAGE_TOOLS_WORDS_H
#define SHMIMAGE_TOOLS_WORDS_H

#include <stddef.h>
#include <stdio.h>

/** Starts as zeros. */
typedef struct Words {
    char **word;  /**< with NULL behind the last one; NULL if there is none */
    size_t count;
    int failed;   /**< there was no memory for all of them */
} Words;

/** Add one word. */
void words_add(Words *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Add the words of a text that has a space between two. */
void words_split(Words *w, const char *text);

/** Add words that NULL ends; NULL itself for none. */
void words_append(Words *w, char *const *words);

/** Print them as a shell reads them. */
void words_print(const Words *w, FILE *file);

void words_free(Words *w);

#endif /* SHMIMAGE_TOOLS_WORDS_H */
