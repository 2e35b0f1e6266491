/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Guarded pieces of memory that are mapped from files. Works without the test
 * library, too; what goes wrong here ends the process.
 */
#ifndef SHMIMAGE_TESTS_PIECES_H
#define SHMIMAGE_TESTS_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard.h"

/** A file that is mapped, each of its bytes being 7. */
typedef struct Piece {
    int fd;
    size_t size;
    uint8_t *base;
    ShmiGuard *guard;
} Piece;

/** Bytes of a page. */
size_t page_size(void);

/** End the process unless the condition holds. */
void require(bool condition, const char *what);

Piece map_piece(size_t size);
/** Map a piece and guard it. */
Piece guard_piece(size_t size);
/** Shorten its file, or give it its size again. */
void set_piece_size(const Piece *piece, size_t size);
void drop_piece(Piece *piece);

/** A read that is not left out. */
uint8_t byte_at(const Piece *piece, size_t place);

bool all_are(const Piece *piece, size_t from, size_t to, uint8_t value);

#endif /* SHMIMAGE_TESTS_PIECES_H */
