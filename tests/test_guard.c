/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guard makes of memory whose file was shortened.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "pieces.h"
#include "support.h"

enum { PAGES = 4, MAX_GUARDS = 256, THREADS = 8 };

static size_t page;

START_TEST(test_guard_survives_a_shortened_file)
{
    Piece piece = guard_piece(PAGES * page);

    ck_assert(!shmi_guard_was_hit(piece.guard));
    set_piece_size(&piece, 0);
    ck_assert(!shmi_guard_was_hit(piece.guard));
    ck_assert(all_are(&piece, 0, piece.size, 0));
    ck_assert(shmi_guard_was_hit(piece.guard));
    drop_piece(&piece);
}
END_TEST

START_TEST(test_guard_survives_a_write)
{
    Piece piece = guard_piece(PAGES * page);

    set_piece_size(&piece, 0);
    memset(piece.base, 9, piece.size);
    ck_assert(shmi_guard_was_hit(piece.guard));
    ck_assert(all_are(&piece, 0, piece.size, 9));
    drop_piece(&piece);
}
END_TEST

START_TEST(test_guard_keeps_what_the_file_still_has)
{
    Piece piece = guard_piece(PAGES * page);

    set_piece_size(&piece, page);
    ck_assert(all_are(&piece, 0, page, 7));
    ck_assert(!shmi_guard_was_hit(piece.guard));
    ck_assert(all_are(&piece, page, piece.size, 0));
    ck_assert(shmi_guard_was_hit(piece.guard));
    ck_assert(all_are(&piece, 0, page, 7));
    drop_piece(&piece);
}
END_TEST

/* The first and the last byte of each page. */
START_TEST(test_guard_begins_with_the_page_that_is_missing)
{
    size_t place = (size_t)_i / 2 * page + (_i % 2 ? page - 1 : 0);
    size_t first = (size_t)_i / 2 * page;
    Piece piece = guard_piece(PAGES * page);

    set_piece_size(&piece, 0);
    ck_assert_uint_eq(byte_at(&piece, place), 0);
    set_piece_size(&piece, piece.size);
    memset(piece.base, 9, piece.size);
    set_piece_size(&piece, 0);
    set_piece_size(&piece, piece.size);
    /* In front of it is the file, and from there on it is not. */
    ck_assert(all_are(&piece, 0, first, 0));
    ck_assert(all_are(&piece, first, piece.size, 9));
    drop_piece(&piece);
}
END_TEST

START_TEST(test_guard_covers_the_rest_of_the_last_page)
{
    Piece piece = guard_piece((PAGES - 1) * page + (size_t)_i);

    set_piece_size(&piece, (PAGES - 1) * page);
    ck_assert_uint_eq(byte_at(&piece, (PAGES - 1) * page), 0);
    ck_assert_uint_eq(byte_at(&piece, PAGES * page - 1), 0);
    ck_assert(shmi_guard_was_hit(piece.guard));
    drop_piece(&piece);
}
END_TEST

START_TEST(test_guard_leaves_its_neighbours_alone)
{
    Piece piece = map_piece(PAGES * page);

    piece.guard = shmi_guard_add(piece.base + page, (PAGES - 2) * page - 1);
    ck_assert_ptr_nonnull(piece.guard);
    set_piece_size(&piece, 0);
    ck_assert_uint_eq(byte_at(&piece, 2 * page - 1), 0);
    set_piece_size(&piece, piece.size);
    memset(piece.base, 9, piece.size);
    set_piece_size(&piece, 0);
    set_piece_size(&piece, piece.size);
    ck_assert(all_are(&piece, 0, page, 0));
    ck_assert(all_are(&piece, page, (PAGES - 1) * page, 9));
    ck_assert(all_are(&piece, (PAGES - 1) * page, piece.size, 0));
    drop_piece(&piece);
}
END_TEST

START_TEST(test_guard_that_is_not_concerned_is_not_hit)
{
    Piece whole = guard_piece(PAGES * page);
    Piece piece = guard_piece(PAGES * page);

    set_piece_size(&piece, 0);
    byte_at(&piece, 0);
    ck_assert(shmi_guard_was_hit(piece.guard));
    ck_assert(!shmi_guard_was_hit(whole.guard));
    ck_assert(all_are(&whole, 0, whole.size, 7));
    drop_piece(&piece);
    drop_piece(&whole);
}
END_TEST

START_TEST(test_guard_keeps_errno)
{
    Piece piece = guard_piece(PAGES * page);

    set_piece_size(&piece, 0);
    errno = ERANGE;
    byte_at(&piece, 0);
    ck_assert_int_eq(errno, ERANGE);
    drop_piece(&piece);
}
END_TEST

START_TEST(test_guard_that_is_used_again_is_not_hit)
{
    for (int i = 0; i < 3 * MAX_GUARDS; i++) {
        Piece piece = guard_piece(PAGES * page);

        ck_assert(!shmi_guard_was_hit(piece.guard));
        set_piece_size(&piece, 0);
        ck_assert_uint_eq(byte_at(&piece, 0), 0);
        ck_assert(shmi_guard_was_hit(piece.guard));
        drop_piece(&piece);
    }
}
END_TEST

START_TEST(test_guard_add_when_all_are_in_use)
{
    static Piece pieces[MAX_GUARDS];
    Piece one_more = map_piece(page);

    for (int i = 0; i < MAX_GUARDS; i++)
        pieces[i] = guard_piece(page);
    errno = 0;
    ck_assert_ptr_null(shmi_guard_add(one_more.base, page));
    ck_assert_int_eq(errno, EMFILE);
    shmi_guard_remove(pieces[_i].guard);
    one_more.guard = shmi_guard_add(one_more.base, page);
    ck_assert_ptr_nonnull(one_more.guard);
    ck_assert_ptr_null(shmi_guard_add(pieces[_i].base, page));
    pieces[_i].guard = NULL;
    set_piece_size(&one_more, 0);
    ck_assert_uint_eq(byte_at(&one_more, 0), 0);
    ck_assert(shmi_guard_was_hit(one_more.guard));
    for (int i = 0; i < MAX_GUARDS; i++)
        drop_piece(&pieces[i]);
    drop_piece(&one_more);
}
END_TEST

START_TEST(test_reader_open_when_all_guards_are_in_use)
{
    static Piece pieces[MAX_GUARDS];
    const char *path = test_file(TEST_FILE_SIZE);
    ShmImageReader *reader;

    for (int i = 0; i < MAX_GUARDS; i++)
        pieces[i] = guard_piece(page);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader),
                     SHMIMAGE_ERROR_MAP);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "too many"));
    ck_assert_int_ge(shmimage_reader_open(path, SHMIMAGE_NO_GUARD, &reader),
                     SHMIMAGE_OK);
    shmimage_reader_close(reader);
    for (int i = 0; i < MAX_GUARDS; i++)
        drop_piece(&pieces[i]);
    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    shmimage_reader_close(reader);
    test_files_remove();
}
END_TEST

START_TEST(test_reader_close_frees_its_guard)
{
    const char *path = test_file(TEST_FILE_SIZE);
    ShmImageReader *reader;

    for (int i = 0; i <= MAX_GUARDS; i++) {
        ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
        shmimage_reader_close(reader);
    }
    test_files_remove();
}
END_TEST

START_TEST(test_guard_remove_and_was_hit_of_null)
{
    shmi_guard_remove(NULL);
    ck_assert(!shmi_guard_was_hit(NULL));
}
END_TEST

static pthread_barrier_t together;

/* Returns its argument if all is well. */
static void *touch(void *arg)
{
    const Piece *piece = arg;

    pthread_barrier_wait(&together);
    return all_are(piece, 0, piece->size, 0) &&
           shmi_guard_was_hit(piece->guard) ? arg : NULL;
}

/* Each its own piece, or all the same one. To ThreadSanitizer the mmap() of one
 * thread's handler is a write to what the others read. */
#ifdef __SANITIZE_THREAD__
#define MANY_THREADS_WAYS 1
#else
#define MANY_THREADS_WAYS 2
#endif

START_TEST(test_guard_in_many_threads_at_once)
{
    int nb = _i ? 1 : THREADS;
    Piece pieces[THREADS];
    pthread_t threads[THREADS];
    void *result;

    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < nb; i++) {
        pieces[i] = guard_piece(PAGES * page);
        set_piece_size(&pieces[i], 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, touch, &pieces[i % nb]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &result);
        ck_assert_ptr_eq(result, &pieces[i % nb]);
    }
    for (int i = 0; i < nb; i++)
        drop_piece(&pieces[i]);
    pthread_barrier_destroy(&together);
}
END_TEST

static void *add_and_remove(void *arg)
{
    void *result = arg;

    for (int i = 0; i < 200 && result; i++) {
        Piece piece = guard_piece((1 + (size_t)i % PAGES) * page);

        set_piece_size(&piece, 0);
        if (byte_at(&piece, 0) || !shmi_guard_was_hit(piece.guard))
            result = NULL;
        drop_piece(&piece);
    }
    return result;
}

START_TEST(test_guard_add_and_remove_in_many_threads)
{
    pthread_t threads[THREADS];
    void *result;

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, add_and_remove, threads);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &result);
        ck_assert_ptr_eq(result, threads);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guard");
    TCase *tcase = tcase_create("guard");

    page = page_size();
    tcase_add_test(tcase, test_guard_survives_a_shortened_file);
    tcase_add_test(tcase, test_guard_survives_a_write);
    tcase_add_test(tcase, test_guard_keeps_what_the_file_still_has);
    tcase_add_loop_test(tcase, test_guard_begins_with_the_page_that_is_missing,
                        0, 2 * PAGES);
    tcase_add_loop_test(tcase, test_guard_covers_the_rest_of_the_last_page,
                        1, 4);
    tcase_add_test(tcase, test_guard_leaves_its_neighbours_alone);
    tcase_add_test(tcase, test_guard_that_is_not_concerned_is_not_hit);
    tcase_add_test(tcase, test_guard_keeps_errno);
    tcase_add_test(tcase, test_guard_that_is_used_again_is_not_hit);
    tcase_add_loop_test(tcase, test_guard_add_when_all_are_in_use, 0, 2);
    tcase_add_test(tcase, test_reader_open_when_all_guards_are_in_use);
    tcase_add_test(tcase, test_reader_close_frees_its_guard);
    tcase_add_test(tcase, test_guard_remove_and_was_hit_of_null);
    tcase_add_loop_test(tcase, test_guard_in_many_threads_at_once, 0,
                        MANY_THREADS_WAYS);
    tcase_add_test(tcase, test_guard_add_and_remove_in_many_threads);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
