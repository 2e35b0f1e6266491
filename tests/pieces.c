/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pieces.h"

size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void require(bool condition, const char *what)
{
    if (!condition) {
        perror(what);
        abort();
    }
}

Piece map_piece(size_t size)
{
    char name[] = "/tmp/shmimage-guard-XXXXXX";
    Piece piece = { .size = size };

    piece.fd = mkstemp(name);
    require(piece.fd >= 0, name);
    unlink(name);
    require(ftruncate(piece.fd, (off_t)size) == 0, "ftruncate");
    piece.base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
                      piece.fd, 0);
    require(piece.base != MAP_FAILED, "mmap");
    memset(piece.base, 7, size);
    return piece;
}

Piece guard_piece(size_t size)
{
    Piece piece = map_piece(size);

    piece.guard = shmi_guard_add(piece.base, size);
    require(piece.guard, "shmi_guard_add");
    return piece;
}

void set_piece_size(const Piece *piece, size_t size)
{
    require(ftruncate(piece->fd, (off_t)size) == 0, "ftruncate");
}

void drop_piece(Piece *piece)
{
    shmi_guard_remove(piece->guard);
    munmap(piece->base, piece->size);
    close(piece->fd);
}

uint8_t byte_at(const Piece *piece, size_t place)
{
    return *(volatile uint8_t *)(piece->base + place);
}

bool all_are(const Piece *piece, size_t from, size_t to, uint8_t value)
{
    for (size_t i = from; i < to; i++)
        if (byte_at(piece, i) != value)
            return false;
    return true;
}
