/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The command line tool on a system in which any call may fail. Each run of it
 * is a child of this program, which contains the tool's functions.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"
#include "support.h"
#include "tool_main.h"

/* This one is the program's. */
#undef main

enum { MAX_ARGUMENTS = 12, WIDTH = 64, HEIGHT = 36 };

static const struct {
    Fault which;
    int error;
    bool harmless;
} failures[] = {
    { FAULT_MALLOC, ENOMEM, false },
    { FAULT_CALLOC, ENOMEM, false },
    { FAULT_MUTEX, EAGAIN, false },
    { FAULT_OPEN, EMFILE, false },
    { FAULT_OPEN, ENOENT, false },
    { FAULT_OPEN, EACCES, false },
    { FAULT_OPEN, ENOSPC, false },
    { FAULT_LINK, EACCES, false },
    { FAULT_LSTAT, EIO, false },
    { FAULT_CHMOD, EPERM, false },
    { FAULT_RESERVE, ENOSPC, false },
    { FAULT_RENAME, EACCES, false },
    { FAULT_FSTAT, EIO, false },
    { FAULT_READ, EIO, false },
    { FAULT_MMAP, ENOMEM, false },
    { FAULT_SIGACTION, EINVAL, false },
    { FAULT_CLOSE, ENOSPC, true },
    { FAULT_RESERVE, EINTR, true },
    { FAULT_MUNMAP, ENOMEM, true },
    { FAULT_LOCK, ENOLCK, true },
    { FAULT_FUTEX, ENOSYS, true },
};

/* FILE and INPUT stand for names. With makes, the command makes the file. */
static const struct {
    const char *arguments[MAX_ARGUMENTS];
    bool makes;
} commands[] = {
    { { "create", "--bytes", "20000000", "FILE" }, true },
    { { "create", "--force", "--bytes", "20000000", "FILE" }, false },
    { { "info", "FILE" }, false },
    { { "info", "--json", "FILE" }, false },
    { { "reset", "FILE" }, false },
    { { "send", "--size", "64x36", "--rate", "1000", "--frames", "3", "FILE" },
      false },
    { { "send", "--create", "--size", "64x36", "--rate", "1000", "--frames",
        "3", "FILE" }, true },
    { { "send", "--input", "INPUT", "--size", "64x36", "--rate", "1000",
        "FILE" }, false },
};

enum {
    FAILURES = sizeof(failures) / sizeof(failures[0]),
    COMMANDS = sizeof(commands) / sizeof(commands[0]),
    OWN_FILES = 2, /* beside the one that the tool makes */
};

/* What a child tells. */
typedef struct Outcome {
    int code;
    bool came;
    bool kept;  /* something that it should have given back */
} Outcome;

static Outcome *outcome;
static const char *path;
static char input[160], printed[160];

static void setup(void)
{
    path = test_name();
    snprintf(input, sizeof(input), "%s/input", folder_of(path));
    snprintf(printed, sizeof(printed), "%s/printed", folder_of(path));
    outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(outcome, MAP_FAILED);
}

static void teardown(void)
{
    munmap(outcome, sizeof(*outcome));
    test_files_remove();
}

static void write_input(void)
{
    static const uint8_t image[WIDTH * HEIGHT * SHMI_BYTES_PER_PIXEL];
    FILE *file = fopen(input, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(image, sizeof(image), 1, file), 1);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_file(void)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, TEST_FILE_SIZE), 0);
    close(fd);
}

static int fill_in(int command, char **arguments)
{
    int count = 0;

    arguments[count++] = strdup("shmimage");
    for (int i = 0; i < MAX_ARGUMENTS && commands[command].arguments[i]; i++) {
        const char *argument = commands[command].arguments[i];

        if (!strcmp(argument, "FILE"))
            argument = path;
        else if (!strcmp(argument, "INPUT"))
            argument = input;
        arguments[count++] = strdup(argument);
    }
    arguments[count] = NULL;
    return count;
}

static void be_the_tool(int command, int failure, int nth)
{
    char *arguments[MAX_ARGUMENTS + 2];
    const int count = fill_in(command, arguments);
    const int fd = open(printed, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
                        0600);
    Account before;

    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(EXIT_FAILURE);
    before = account_now();
    fault_plan(failures[failure].which, nth, failures[failure].error);
    outcome->code = tool_main(count, arguments);
    outcome->came = fault_came();
    outcome->kept = !account_is(&before);
    for (int i = 0; i < count; i++)
        free(arguments[i]);
    _exit(EXIT_SUCCESS);
}

static const char *read_printed(void)
{
    static char text[4096];
    FILE *file = fopen(printed, "r");

    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void run_tool(int command, int failure, int nth)
{
    int status;
    pid_t pid;

    *outcome = (Outcome){ -1, false, true };
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        be_the_tool(command, failure, nth);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "%s died: status %#x, %s",
                  commands[command].arguments[0], (unsigned)status,
                  read_printed());
}

static void prepare(int command)
{
    write_input();
    if (commands[command].makes)
        unlink(path);
    else
        make_file();
}

/* Returns whether the call came. */
static bool run_with_one_call_failing(int command, int failure, int nth)
{
    bool came;

    prepare(command);
    run_tool(command, failure, nth);
    came = outcome->came;
    ck_assert_msg(!outcome->kept, "%d of %d, failure %d", nth, command,
                  failure);
    if (outcome->code == 0)
        return came;
    ck_assert(came && !failures[failure].harmless);
    ck_assert_int_eq(outcome->code, 1);
    ck_assert_msg(!strncmp(read_printed(), "shmimage ", 9) &&
                  (strstr(read_printed(), folder_of(path)) ||
                   strstr(read_printed(), "out of memory")),
                  "%s", read_printed());
    /* With what that has left. */
    ck_assert_int_eq(count_entries(folder_of(path)),
                     OWN_FILES + (access(path, F_OK) == 0));
    run_tool(command, failure, 0);
    ck_assert_msg(outcome->code == 0, "%s", read_printed());
    return true;
}

START_TEST(test_each_call_fails)
{
    const int command = _i % COMMANDS, failure = _i / COMMANDS;

    for (int nth = 1; run_with_one_call_failing(command, failure, nth); nth++)
        ck_assert_int_lt(nth, 1000);
}
END_TEST

/* The table is of failures that come, each in some command. */
START_TEST(test_failure_comes)
{
    bool came = false;

    for (int command = 0; command < COMMANDS && !came; command++) {
        prepare(command);
        run_tool(command, _i, 1);
        came = outcome->came;
    }
    ck_assert(came ||
              (failures[_i].which == FAULT_LOCK && !SHMI_HAVE_OFD_LOCKS) ||
              (failures[_i].which == FAULT_FUTEX && !SHMI_HAVE_FUTEX));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tool, failing system");
    TCase *tcase = tcase_create("faults");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_failure_comes, 0, FAILURES);
    tcase_add_loop_test(tcase, test_each_call_fails, 0, FAILURES * COMMANDS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
