/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Random numbers that a seed decides, the same on every machine.
 */
#ifndef SHMIMAGE_TESTS_SOAK_RANDOM_H
#define SHMIMAGE_TESTS_SOAK_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/** A generator (splitmix64); its whole state. Start it with any value. */
typedef struct SoakRandom {
    uint64_t state;
} SoakRandom;

static inline uint64_t soak_random(SoakRandom *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/** From 0 to n - 1. */
static inline uint32_t soak_random_below(SoakRandom *random, uint32_t n)
{
    return (uint32_t)((soak_random(random) >> 32) * n >> 32);
}

/** True once in n times. */
static inline bool soak_random_once_in(SoakRandom *random, uint32_t n)
{
    return soak_random_below(random, n) == 0;
}

/** A generator for one part of a run, independent of the other parts. */
static inline SoakRandom soak_random_for(uint64_t seed, uint64_t part)
{
    SoakRandom random = { seed };

    random.state = soak_random(&random) ^ part * UINT64_C(0xd1342543de82ef95);
    soak_random(&random);
    return random;
}

#endif /* SHMIMAGE_TESTS_SOAK_RANDOM_H */
