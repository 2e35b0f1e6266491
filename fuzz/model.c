/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "fuzz.h"
#include "model.h"

enum { SERVER = 0, CLIENT = 2, CLIENT_LOCKED = 3, INIT = 4 };

#define MAX_IMAGE (UINT64_C(1) << 30)

static void drop_blocks(Model *m)
{
    m->incomplete += m->nb_blocks > 0;
    m->nb_blocks = 0;
}

static void answer_server(Model *m)
{
    for (int i = 0; i < 2; i++) {
        if (m->held[i] || m->state[i] != INIT)
            continue;
        m->state[i] = SERVER;
        drop_blocks(m);
    }
}

void model_open(Model *m)
{
    answer_server(m);
    for (int i = 0; i < 2; i++)
        if (m->state[i] == CLIENT_LOCKED)
            m->state[i] = SERVER;
}

static bool is_ready(const Model *m, int i)
{
    return !m->held[i] && m->state[i] == CLIENT;
}

static int choose(const Model *m)
{
    const Fields *a = &m->fields[0];
    const Fields *b = &m->fields[1];

    if (!is_ready(m, 0) || !is_ready(m, 1))
        return is_ready(m, 0) ? 0 : is_ready(m, 1) ? 1 : -1;
    if (a->number == b->number)
        return b->offset > a->offset;
    return (int32_t)(b->number - a->number) < 0 &&
           b->number - a->number != UINT32_C(0x80000000);
}

static bool is_sound(const Fields *f)
{
    const uint64_t row = (uint64_t)f->width * 3;

    return f->width && f->height && f->num_scanlines &&
           (uint64_t)f->offset + f->num_scanlines <= f->height &&
           row <= MAX_IMAGE && row * f->num_scanlines <= stage_payload() &&
           row * f->height <= MAX_IMAGE;
}

/* Whether every row is there: each time, the block that goes on where the rows
 * so far end, and leads furthest. */
static bool is_complete(const Model *m)
{
    uint64_t rows = 0;
    uint64_t reached;

    do {
        reached = rows;
        for (int i = 0; i < m->nb_blocks; i++) {
            const Block *b = &m->block[i];
            uint64_t end = (uint64_t)b->offset + b->rows;

            if (b->offset <= reached && end > rows)
                rows = end;
        }
    } while (rows > reached);
    return rows == m->blocks_of.height;
}

static Answer take_block(Model *m, const Fields *f, int buffer,
                         bool no_memory)
{
    if (m->nb_blocks && (m->blocks_of.number != f->number ||
                         m->blocks_of.width != f->width ||
                         m->blocks_of.height != f->height))
        drop_blocks(m);
    if (!m->nb_blocks && no_memory &&
        (uint64_t)f->width * f->height * 3 > MODEL_MEMORY)
        return ANSWER_NO_MEMORY;
    m->blocks_of = *f;
    require(m->nb_blocks < MODEL_BLOCKS, "too many blocks for the model");
    m->block[m->nb_blocks++] = (Block){ f->offset, f->num_scanlines, buffer,
                                        m->stamp[buffer] };
    if (f->offset)
        return ANSWER_NONE;
    if (is_complete(m))
        return ANSWER_BLOCKS;
    drop_blocks(m);
    return ANSWER_NONE;
}

static void expect_blocks(Model *m, Expected *expected)
{
    expected->nb_blocks = m->nb_blocks;
    for (int i = 0; i < m->nb_blocks; i++)
        expected->block[i] = m->block[i];
    m->nb_blocks = 0;
}

static void take(Model *m, int buffer, bool no_memory, Expected *expected)
{
    Fields f = m->fields[buffer];

    if (!f.num_scanlines && !f.offset)
        f.num_scanlines = f.height;
    expected->fields = f;
    m->state[buffer] = SERVER;
    if (!is_sound(&f)) {
        m->refused++;
        m->refused_width  = f.width;
        m->refused_height = f.height;
    } else if (f.num_scanlines < f.height) {
        expected->answer = take_block(m, &f, buffer, no_memory);
        if (expected->answer == ANSWER_BLOCKS)
            expect_blocks(m, expected);
    } else {
        drop_blocks(m);
        m->state[buffer] = CLIENT_LOCKED;
        m->held[buffer]  = true;
        expected->answer    = ANSWER_BUFFER;
        expected->nb_blocks = 1;
        expected->block[0]  = (Block){ 0, f.height, buffer,
                                       m->stamp[buffer] };
    }
}

void model_acquire(Model *m, bool no_memory, Expected *expected)
{
    expected->answer = ANSWER_NONE;
    answer_server(m);
    if (m->held[0] && m->held[1])
        expected->answer = ANSWER_LOCKED;
    for (int i = 0; i < 2 && expected->answer == ANSWER_NONE; i++) {
        const int buffer = choose(m);

        if (buffer >= 0)
            take(m, buffer, no_memory, expected);
    }
    m->delivered += expected->answer == ANSWER_BUFFER ||
                    expected->answer == ANSWER_BLOCKS;
}

void model_leave(Model *m, int buffer)
{
    if (buffer >= 0 && m->state[buffer] == CLIENT_LOCKED)
        m->state[buffer] = SERVER;
}

void model_release(Model *m, int buffer)
{
    if (buffer < 0)
        return;
    model_leave(m, buffer);
    m->held[buffer] = false;
    answer_server(m);
}

uint8_t model_pixel(const Expected *expected, uint64_t n)
{
    const uint64_t row = (uint64_t)expected->fields.width * 3;
    const uint64_t y = n / row;

    /* Of two blocks with the same row, the later one counts. */
    for (int i = expected->nb_blocks - 1; i >= 0; i--) {
        const Block *b = &expected->block[i];

        if (y >= b->offset && y < (uint64_t)b->offset + b->rows)
            return stage_pixel(b->buffer, (size_t)(n - b->offset * row),
                               b->stamp);
    }
    fail(__FILE__, __LINE__, "the model has no row %llu",
         (unsigned long long)y);
}
