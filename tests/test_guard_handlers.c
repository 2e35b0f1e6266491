/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the handler of SIGBUS makes of the one before it. It is installed once
 * in a process and stays, so that is tried in processes that are started for
 * it: this program calls itself with the name of a scenario.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"
#include "pieces.h"
#include "support.h"

enum { PAGES = 4 };

static size_t page;

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
    errno = EDOM;
}

static bool is_blocked(int number)
{
    sigset_t mask;

    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, number);
}

/* ThreadSanitizer blocks all signals in any handler. */
static bool may_come(int number)
{
#ifdef __SANITIZE_THREAD__
    return number > 0;
#else
    return !is_blocked(number);
#endif
}

/* Counts if it runs with the mask that install_masking() asks for. */
static void masking_handler(int number)
{
    handled += number == SIGBUS && is_blocked(SIGUSR1) && may_come(SIGUSR2);
}

/* Counts if a fault within it would call it again. */
static void open_handler(int number)
{
    handled += number == SIGBUS && may_come(SIGBUS);
}

static char signal_stack[64 << 10];

/* Counts if it runs on the stack for signals. */
static void stack_handler(int number)
{
    const char here = 0;

    handled += number == SIGBUS && &here >= signal_stack &&
               &here < signal_stack + sizeof(signal_stack);
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

static void install_masking(void)
{
    struct sigaction action = { .sa_handler = masking_handler };

    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR1);
    require(sigaction(SIGBUS, &action, NULL) == 0, "sigaction");
}

static void install_on_stack(void)
{
    const stack_t stack = { .ss_sp = signal_stack,
                            .ss_size = sizeof(signal_stack) };

    require(sigaltstack(&stack, NULL) == 0, "sigaltstack");
    install(stack_handler, (int)SA_ONSTACK);
}

static bool guard_works(void)
{
    Piece piece = guard_piece(PAGES * page);
    bool works;

    set_piece_size(&piece, 0);
    works = byte_at(&piece, page) == 0 && shmi_guard_was_hit(piece.guard);
    drop_piece(&piece);
    return works;
}

/* The guard is on another mapping; comes back only by a handler's jump. */
static int fault_elsewhere(void)
{
    Piece guarded = guard_piece(PAGES * page);
    Piece foreign = map_piece(PAGES * page);

    set_piece_size(&foreign, 0);
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
    set_piece_size(&piece, 0);
    return byte_at(&piece, 0) + 2;
}

/* The first byte behind a mapping is not the guard's. */
static int fault_behind_the_end(void)
{
    Piece piece;

    install(SIG_DFL, 0);
    piece = map_piece(PAGES * page);
    require(shmi_guard_add(piece.base, (PAGES - 1) * page), "add");
    set_piece_size(&piece, 0);
    return byte_at(&piece, (PAGES - 1) * page) + 2;
}

static int send_with_handler(void)
{
    install(counting_handler, 0);
    if (!guard_works())
        return 2;
    errno = ERANGE;
    raise(SIGBUS);
    if (errno != ERANGE)
        return 4;
    kill(getpid(), SIGBUS);
    return handled == 2 && guard_works() ? 0 : 3;
}

static int send_once(void)
{
    if (!guard_works())
        return 2;
    raise(SIGBUS);
    return handled == 1 && guard_works() ? 0 : 3;
}

static int send_with_masking_handler(void)
{
    install_masking();
    return send_once();
}

static int send_with_open_handler(void)
{
    install(open_handler, (int)SA_NODEFER);
    return send_once();
}

static int send_with_handler_on_stack(void)
{
    install_on_stack();
    return send_once();
}

/* The memory that a page is in fails: what was there is lost, and the program
 * has to know. */
static int memory_fails(void)
{
    siginfo_t info = { .si_signo = SIGBUS, .si_code = BUS_MCEERR_AR };
    Piece piece;

    install_detailed();
    piece = guard_piece(PAGES * page);
    info.si_addr = piece.base + page;
    if (sigsetjmp(escape, 1) == 0) {
        syscall(SYS_rt_sigqueueinfo, getpid(), SIGBUS, &info);
        return 2;
    }
    return handled != 1 || shmi_guard_was_hit(piece.guard);
}

static int fault_without_memory(void)
{
    Piece piece;

    install_detailed();
    piece = guard_piece(PAGES * page);
    set_piece_size(&piece, 0);
    fault_plan(FAULT_MMAP, 1, ENOMEM);
    if (sigsetjmp(escape, 1) == 0) {
        byte_at(&piece, page);
        return 2;
    }
    return handled != 1 || !fault_came();
}

static int send_with_detailed_handler(void)
{
    install_detailed();
    return send_once();
}

static int send_with_default(void)
{
    install(SIG_DFL, 0);
    if (!guard_works())
        return 2;
    raise(SIGBUS);
    return 3;
}

/* It returns, so the fault comes again; what then ends the process is the
 * default and not this handler. */
static int fault_with_handler_for_once(void)
{
    install(counting_handler, (int)SA_RESETHAND);
    return fault_elsewhere();
}

static int send_with_handler_for_once(void)
{
    install(counting_handler, (int)SA_RESETHAND);
    if (!guard_works())
        return 2;
    raise(SIGBUS);
    if (handled != 1 || !guard_works())
        return 3;
    raise(SIGBUS);
    return 4;
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
    { "send-with-masking-handler", send_with_masking_handler, false },
    { "send-with-open-handler", send_with_open_handler, false },
    { "send-with-handler-on-stack", send_with_handler_on_stack, false },
    { "memory-fails", memory_fails, false },
    { "fault-without-memory", fault_without_memory, false },
    { "fault-with-handler-for-once", fault_with_handler_for_once, true },
    { "send-with-handler-for-once", send_with_handler_for_once, true },
    { "send-with-default", send_with_default, true },
    { "send-with-ignore", send_with_ignore, false },
};

enum { SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]) };

static int run_scenario(const char *name)
{
    const struct rlimit no_core = { 0, 0 };

    setrlimit(RLIMIT_CORE, &no_core);
    alarm(PATIENCE);
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

int main(int argc, char **argv)
{
    Suite *suite;
    TCase *tcase;

    page = page_size();
    if (argc == 2)
        return run_scenario(argv[1]);
    suite = suite_create("guard_handlers");
    tcase = tcase_create("guard_handlers");
    tcase_add_loop_test(tcase,
                        test_guard_leaves_the_rest_to_the_handler_before_it,
                        0, SCENARIOS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
