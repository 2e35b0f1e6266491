/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handler of SIGBUS. It is installed once in a process and stays, so what
 * it makes of the handler before it is tried in processes that are started for
 * that: this program calls itself with the name of a scenario.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"
#include "support.h"

enum { PAGES = 4, MAX_GUARDS = 256, THREADS = 8 };

/* A file that is mapped, each of its bytes being 7. */
typedef struct Piece {
    int fd;
    size_t size;
    uint8_t *base;
    ShmiGuard *guard;
} Piece;

static size_t page;

static void require(bool condition, const char *what)
{
    if (!condition) {
        perror(what);
        abort();
    }
}

/* Without the test library, as the scenarios use it too. */
static Piece map_piece(size_t size)
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

static Piece guard_piece(size_t size)
{
    Piece piece = map_piece(size);

    piece.guard = shmi_guard_add(piece.base, size);
    require(piece.guard, "shmi_guard_add");
    return piece;
}

static void shorten(const Piece *piece, size_t size)
{
    require(ftruncate(piece->fd, (off_t)size) == 0, "ftruncate");
}

static void drop(Piece *piece)
{
    shmi_guard_remove(piece->guard);
    munmap(piece->base, piece->size);
    close(piece->fd);
}

/* A read that is not left out. */
static uint8_t byte_at(const Piece *piece, size_t place)
{
    return *(volatile uint8_t *)(piece->base + place);
}

static bool all_are(const Piece *piece, size_t from, size_t to, uint8_t value)
{
    for (size_t i = from; i < to; i++)
        if (byte_at(piece, i) != value)
            return false;
    return true;
}

/* Scenarios: main() returns what they return; 0 is what should be. */

static sigjmp_buf escape;
static volatile sig_atomic_t handled;
static void *volatile handled_address;

static void detailed_handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    handled += number == SIGBUS;
    handled_address = info->si_addr;
    if (info->si_code > 0)
        siglongjmp(escape, 1);
}

static void plain_handler(int number)
{
    handled += number == SIGBUS;
    siglongjmp(escape, 1);
}

static void counting_handler(int number)
{
    handled += number == SIGBUS;
}

static void install(void (*handler)(int), int flags)
{
    struct sigaction action = { .sa_flags = flags };

    sigemptyset(&action.sa_mask);
    action.sa_handler = handler;
    require(sigaction(SIGBUS, &action, NULL) == 0, "sigaction");
}

static void install_detailed(void)
{
    struct sigaction action = { .sa_flags = SA_SIGINFO };

    sigemptyset(&action.sa_mask);
    action.sa_sigaction = detailed_handler;
    require(sigaction(SIGBUS, &action, NULL) == 0, "sigaction");
}

static bool guard_works(void)
{
    Piece piece = guard_piece(PAGES * page);
    bool works;

    shorten(&piece, 0);
    works = byte_at(&piece, page) == 0 && shmi_guard_was_hit(piece.guard);
    drop(&piece);
    return works;
}

/* The guard is on another mapping; comes back only by a handler's jump. */
static int fault_elsewhere(void)
{
    Piece guarded = guard_piece(PAGES * page);
    Piece foreign = map_piece(PAGES * page);

    shorten(&foreign, 0);
    if (sigsetjmp(escape, 1) == 0) {
        byte_at(&foreign, page + 5);
        return 2;
    }
    if (shmi_guard_was_hit(guarded.guard) || handled != 1 || !guard_works())
        return 3;
    return handled_address && handled_address != foreign.base + page + 5;
}

static int fault_with_detailed_handler(void)
{
    install_detailed();
    return fault_elsewhere();
}

static int fault_with_plain_handler(void)
{
    install(plain_handler, 0);
    return fault_elsewhere();
}

static int fault_with_default(void)
{
    install(SIG_DFL, 0);
    return fault_elsewhere();
}

/* The flag means nothing there, and some programs leave it. */
static int fault_with_default_and_siginfo(void)
{
    install(SIG_DFL, SA_SIGINFO);
    return fault_elsewhere();
}

static int fault_with_ignore(void)
{
    install(SIG_IGN, 0);
    return fault_elsewhere();
}

static int fault_after_remove(void)
{
    Piece piece;

    install(SIG_DFL, 0);
    piece = guard_piece(PAGES * page);
    shmi_guard_remove(piece.guard);
    shorten(&piece, 0);
    return byte_at(&piece, 0) + 2;
}

/* The first byte behind a mapping is not the guard's. */
static int fault_behind_the_end(void)
{
    Piece piece;

    install(SIG_DFL, 0);
    piece = map_piece(PAGES * page);
    require(shmi_guard_add(piece.base, (PAGES - 1) * page), "add");
    shorten(&piece, 0);
    return byte_at(&piece, (PAGES - 1) * page) + 2;
}

static int send_with_handler(void)
{
    install(counting_handler, 0);
    if (!guard_works())
        return 2;
    raise(SIGBUS);
    kill(getpid(), SIGBUS);
    return handled == 2 && guard_works() ? 0 : 3;
}

static int send_with_detailed_handler(void)
{
    install_detailed();
    if (!guard_works())
        return 2;
    raise(SIGBUS);
    return handled == 1 && guard_works() ? 0 : 3;
}

static int send_with_default(void)
{
    install(SIG_DFL, 0);
    if (!guard_works())
        return 2;
    raise(SIGBUS);
    return 3;
}

static int send_with_ignore(void)
{
    install(SIG_IGN, 0);
    if (!guard_works())
        return 2;
    raise(SIGBUS);
    raise(SIGBUS);
    return guard_works() ? 0 : 3;
}

static const struct {
    const char *name;
    int (*run)(void);
    bool dies;  /* by SIGBUS */
} scenarios[] = {
    { "fault-with-detailed-handler", fault_with_detailed_handler, false },
    { "fault-with-plain-handler", fault_with_plain_handler, false },
    { "fault-with-default", fault_with_default, true },
    { "fault-with-default-and-siginfo", fault_with_default_and_siginfo, true },
    { "fault-with-ignore", fault_with_ignore, true },
    { "fault-after-remove", fault_after_remove, true },
    { "fault-behind-the-end", fault_behind_the_end, true },
    { "send-with-handler", send_with_handler, false },
    { "send-with-detailed-handler", send_with_detailed_handler, false },
    { "send-with-default", send_with_default, true },
    { "send-with-ignore", send_with_ignore, false },
};

enum { SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]) };

static int run_scenario(const char *name)
{
    const struct rlimit no_core = { 0, 0 };

    setrlimit(RLIMIT_CORE, &no_core);
    alarm(60);
    for (int i = 0; i < SCENARIOS; i++)
        if (!strcmp(scenarios[i].name, name))
            return scenarios[i].run();
    return 127;
}

START_TEST(test_guard_leaves_the_rest_to_the_handler_before_it)
{
    char program[4096] = "";
    int status;
    pid_t pid;

    ck_assert_int_gt(readlink("/proc/self/exe", program,
                              sizeof(program) - 1), 0);
    pid = fork();
    if (pid == 0) {
        execl(program, program, scenarios[_i].name, (char *)NULL);
        _exit(126);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (scenarios[_i].dies)
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS,
                      "%s: status 0x%x", scenarios[_i].name, status);
    else
        ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status),
                      "%s: status 0x%x", scenarios[_i].name, status);
}
END_TEST

START_TEST(test_guard_survives_a_shortened_file)
{
    Piece piece = guard_piece(PAGES * page);

    ck_assert(!shmi_guard_was_hit(piece.guard));
    shorten(&piece, 0);
    ck_assert(!shmi_guard_was_hit(piece.guard));
    ck_assert(all_are(&piece, 0, piece.size, 0));
    ck_assert(shmi_guard_was_hit(piece.guard));
    drop(&piece);
}
END_TEST

START_TEST(test_guard_survives_a_write)
{
    Piece piece = guard_piece(PAGES * page);

    shorten(&piece, 0);
    memset(piece.base, 9, piece.size);
    ck_assert(shmi_guard_was_hit(piece.guard));
    ck_assert(all_are(&piece, 0, piece.size, 9));
    drop(&piece);
}
END_TEST

START_TEST(test_guard_keeps_what_the_file_still_has)
{
    Piece piece = guard_piece(PAGES * page);

    shorten(&piece, page);
    ck_assert(all_are(&piece, 0, page, 7));
    ck_assert(!shmi_guard_was_hit(piece.guard));
    ck_assert(all_are(&piece, page, piece.size, 0));
    ck_assert(shmi_guard_was_hit(piece.guard));
    ck_assert(all_are(&piece, 0, page, 7));
    drop(&piece);
}
END_TEST

/* The first and the last byte of each page. */
START_TEST(test_guard_begins_with_the_page_that_is_missing)
{
    size_t place = (size_t)_i / 2 * page + (_i % 2 ? page - 1 : 0);
    size_t first = (size_t)_i / 2 * page;
    Piece piece = guard_piece(PAGES * page);

    shorten(&piece, 0);
    ck_assert_uint_eq(byte_at(&piece, place), 0);
    shorten(&piece, piece.size);
    memset(piece.base, 9, piece.size);
    shorten(&piece, 0);
    shorten(&piece, piece.size);
    /* In front of it is the file, and from there on it is not. */
    ck_assert(all_are(&piece, 0, first, 0));
    ck_assert(all_are(&piece, first, piece.size, 9));
    drop(&piece);
}
END_TEST

START_TEST(test_guard_covers_the_rest_of_the_last_page)
{
    Piece piece = guard_piece((PAGES - 1) * page + (size_t)_i);

    shorten(&piece, (PAGES - 1) * page);
    ck_assert_uint_eq(byte_at(&piece, (PAGES - 1) * page), 0);
    ck_assert_uint_eq(byte_at(&piece, PAGES * page - 1), 0);
    ck_assert(shmi_guard_was_hit(piece.guard));
    drop(&piece);
}
END_TEST

START_TEST(test_guard_leaves_its_neighbours_alone)
{
    Piece piece = map_piece(PAGES * page);

    piece.guard = shmi_guard_add(piece.base + page, (PAGES - 2) * page - 1);
    ck_assert_ptr_nonnull(piece.guard);
    shorten(&piece, 0);
    ck_assert_uint_eq(byte_at(&piece, 2 * page - 1), 0);
    shorten(&piece, piece.size);
    memset(piece.base, 9, piece.size);
    shorten(&piece, 0);
    shorten(&piece, piece.size);
    ck_assert(all_are(&piece, 0, page, 0));
    ck_assert(all_are(&piece, page, (PAGES - 1) * page, 9));
    ck_assert(all_are(&piece, (PAGES - 1) * page, piece.size, 0));
    drop(&piece);
}
END_TEST

START_TEST(test_guard_that_is_not_concerned_is_not_hit)
{
    Piece whole = guard_piece(PAGES * page);
    Piece piece = guard_piece(PAGES * page);

    shorten(&piece, 0);
    byte_at(&piece, 0);
    ck_assert(shmi_guard_was_hit(piece.guard));
    ck_assert(!shmi_guard_was_hit(whole.guard));
    ck_assert(all_are(&whole, 0, whole.size, 7));
    drop(&piece);
    drop(&whole);
}
END_TEST

START_TEST(test_guard_keeps_errno)
{
    Piece piece = guard_piece(PAGES * page);

    shorten(&piece, 0);
    errno = ERANGE;
    byte_at(&piece, 0);
    ck_assert_int_eq(errno, ERANGE);
    drop(&piece);
}
END_TEST

START_TEST(test_guard_that_is_used_again_is_not_hit)
{
    for (int i = 0; i < 3 * MAX_GUARDS; i++) {
        Piece piece = guard_piece(PAGES * page);

        ck_assert(!shmi_guard_was_hit(piece.guard));
        shorten(&piece, 0);
        ck_assert_uint_eq(byte_at(&piece, 0), 0);
        ck_assert(shmi_guard_was_hit(piece.guard));
        drop(&piece);
    }
}
END_TEST

START_TEST(test_guard_add_when_all_are_in_use)
{
    static Piece pieces[MAX_GUARDS];
    Piece one_more = map_piece(page);

    for (int i = 0; i < MAX_GUARDS; i++)
        pieces[i] = guard_piece(page);
    ck_assert_ptr_null(shmi_guard_add(one_more.base, page));
    shmi_guard_remove(pieces[_i].guard);
    one_more.guard = shmi_guard_add(one_more.base, page);
    ck_assert_ptr_nonnull(one_more.guard);
    ck_assert_ptr_null(shmi_guard_add(pieces[_i].base, page));
    pieces[_i].guard = NULL;
    shorten(&one_more, 0);
    ck_assert_uint_eq(byte_at(&one_more, 0), 0);
    ck_assert(shmi_guard_was_hit(one_more.guard));
    for (int i = 0; i < MAX_GUARDS; i++)
        drop(&pieces[i]);
    drop(&one_more);
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
    ck_assert_int_ge(shmimage_reader_open(path, SHMIMAGE_NO_GUARD, &reader),
                     SHMIMAGE_OK);
    shmimage_reader_close(reader);
    for (int i = 0; i < MAX_GUARDS; i++)
        drop(&pieces[i]);
    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    shmimage_reader_close(reader);
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
        shorten(&pieces[i], 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, touch, &pieces[i % nb]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &result);
        ck_assert_ptr_eq(result, &pieces[i % nb]);
    }
    for (int i = 0; i < nb; i++)
        drop(&pieces[i]);
    pthread_barrier_destroy(&together);
}
END_TEST

static void *add_and_remove(void *arg)
{
    void *result = arg;

    for (int i = 0; i < 200 && result; i++) {
        Piece piece = guard_piece((1 + (size_t)i % PAGES) * page);

        shorten(&piece, 0);
        if (byte_at(&piece, 0) || !shmi_guard_was_hit(piece.guard))
            result = NULL;
        drop(&piece);
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

int main(int argc, char **argv)
{
    Suite *suite;
    TCase *tcase;

    page = (size_t)sysconf(_SC_PAGESIZE);
    if (argc == 2)
        return run_scenario(argv[1]);
    suite = suite_create("guard");
    tcase = tcase_create("guard");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase,
                        test_guard_leaves_the_rest_to_the_handler_before_it,
                        0, SCENARIOS);
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
    tcase_add_test(tcase, test_guard_remove_and_was_hit_of_null);
    tcase_add_loop_test(tcase, test_guard_in_many_threads_at_once, 0,
                        MANY_THREADS_WAYS);
    tcase_add_test(tcase, test_guard_add_and_remove_in_many_threads);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
