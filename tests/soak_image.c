/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "soak_image.h"

/* Widths and heights are at least so large that the label fits in. */
#define MIN_WIDTH  8
#define MIN_HEIGHT 4

_Static_assert(sizeof(SoakLabel) <= 3 * MIN_WIDTH * MIN_HEIGHT,
               "every image has room for its label");

void soak_image_choose_size(SoakRandom *random, uint32_t *width,
                            uint32_t *height)
{
    uint32_t shrink = soak_random_once_in(random, 8)
                          ? 1 : 8 << soak_random_below(random, 3);

    *width  = MIN_WIDTH +
              soak_random_below(random, 640 / shrink - MIN_WIDTH + 1);
    *height = MIN_HEIGHT +
              soak_random_below(random, 480 / shrink - MIN_HEIGHT + 1);
}

/* Every word counts with its place, so that two that are exchanged show. */
static uint64_t add_word(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 29;
}

static uint64_t add_bytes(uint64_t sum, const uint8_t *bytes, size_t size)
{
    uint64_t word;

    for (; size >= sizeof(word); size -= sizeof(word), bytes += sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        sum = add_word(sum, word);
    }
    for (; size; size--, bytes++)
        sum = add_word(sum, *bytes);
    return sum;
}

static uint64_t checksum_of(const SoakLabel *label, const uint8_t *rest,
                            size_t size)
{
    uint64_t sum = add_bytes(0, (const uint8_t *)label,
                             offsetof(SoakLabel, checksum));

    return add_bytes(sum, rest, size);
}

/* Which bytes, does not matter, but no two images may have the same. */
static void scribble(uint8_t *bytes, size_t size, uint64_t seed)
{
    uint64_t word = seed * UINT64_C(0xd1342543de82ef95) + 1;

    for (; size >= sizeof(word); size -= sizeof(word), bytes += sizeof(word)) {
        word = word * UINT64_C(0x5851f42d4c957f2d) + 1;
        memcpy(bytes, &word, sizeof(word));
    }
    memcpy(bytes, &word, size);
}

void soak_image_draw(uint8_t *pixels, SoakLabel *label)
{
    size_t rest = (size_t)3 * label->width * label->height - sizeof(*label);

    label->padding = 0;
    scribble(pixels + sizeof(*label), rest, label->server << 32 ^ label->place);
    label->checksum = checksum_of(label, pixels + sizeof(*label), rest);
    memcpy(pixels, label, sizeof(*label));
}

SoakLabel soak_image_label(const uint8_t *pixels)
{
    SoakLabel label;

    memcpy(&label, pixels, sizeof(label));
    return label;
}

bool soak_image_is_whole(const uint8_t *pixels, size_t size)
{
    SoakLabel label = soak_image_label(pixels);

    return label.checksum == checksum_of(&label, pixels + sizeof(label),
                                         size - sizeof(label));
}
