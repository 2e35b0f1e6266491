/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fault_tables.h"
#include "shared_memory_image_client_priv.h"

const char *fault_path;

static const Scenario *scenarios;
static int nb_scenarios;

/* The run that is under way. */
static const Scenario *scenario;
static int failure;
static int nth;
static bool noticed;    /* the fault has come, in this call or before */

/* Of the codes that the vendor's interface lacks. */
static int published(int status)
{
    switch (status) {
    case SHMIMAGE_ERROR_NOT_FOUND:
        return IMAGESTREAM_BAD_FILE_SIZE;
    case SHMIMAGE_ERROR_NOT_REGULAR:
    case SHMIMAGE_ERROR_PERMISSION:
    case SHMIMAGE_ERROR_EXISTS:
    case SHMIMAGE_ERROR_NO_SPACE:
        return IMAGESTREAM_UNABLE_TO_OPEN_FILE;
    default:
        return status;
    }
}

/* What a failure in this call has to be, or SHMIMAGE_OK. */
static int status_for(Call call)
{
    switch (call) {
    case FILE_CREATE:
        return failures[failure].creating;
    case FILE_INFO:
    case FILE_RESET:
    case READER_OPEN:
    case WRITER_OPEN:
        return failures[failure].opening;
    case STREAM_CREATE:
        return published(failures[failure].opening);
    case READER_ACQUIRE:
    case STREAM_LOCK:
        return failures[failure].opening == SHMIMAGE_ERROR_MEMORY &&
               !scenario->absorbs ? SHMIMAGE_ERROR_MEMORY : SHMIMAGE_OK;
    default:
        return SHMIMAGE_OK;
    }
}

bool check_status(Call call, int status, int normal)
{
    const bool now = fault_has_come() && !noticed;
    const int error = now ? status_for(call) : SHMIMAGE_OK;

    call_is_back();
    ck_assert_msg(status == (error ? error : normal),
                  "%s: %s gave %d in place of %d, with %d calls before the "
                  "failure %d of %d: %s", scenario->name,
                  documented_calls[call].name, status, error ? error : normal,
                  nth - 1, failures[failure].error, failures[failure].which,
                  shmimage_error_message());
    ck_assert(status >= SHMIMAGE_ERROR_NOT_A_STREAM &&
              status <= SHMIMAGE_DISCONNECTED);
    ck_assert_msg(documented_calls[call].statuses &
                  STATUS_BIT(status),
                  "%s: %s is not said to give %d", scenario->name,
                  documented_calls[call].name, status);
    /* There it is the caller's mistake, and the file has no part in it. */
    ck_assert_msg(status >= 0 || status == SHMIMAGE_ERROR_NOT_LOCKED ||
                  strstr(shmimage_error_message(), fault_path),
                  "%s: the message of %s is: %s", scenario->name,
                  documented_calls[call].name, shmimage_error_message());
    return status >= 0;
}

void call_is_back(void)
{
    fault_pause();
    noticed |= fault_has_come();
}

static bool run(void)
{
    Account before;
    bool completed;

    fault_pause();
    before  = account_now();
    noticed = false;
    completed = scenario->run();
    assert_account(&before);
    return completed;
}

/* Returns whether the call came. */
static bool run_with_one_call_failing(void)
{
    bool came, completed;

    scenario->prepare();
    fault_plan(failures[failure].which, nth, failures[failure].error);
    completed = run();
    came = fault_came();
    ck_assert(completed || came);
    /* With what that has left. */
    if (!completed) {
        fault_plan(failures[failure].which, 0, 0);
        ck_assert(run());
    }
    return came;
}

/* Those that this build can't call. */
static unsigned absent(void)
{
    return (SHMI_HAVE_OFD_LOCKS ? 0 : FAULT_BIT(FAULT_LOCK)) |
           (SHMI_HAVE_FUTEX ? 0 : FAULT_BIT(FAULT_FUTEX));
}

static void fail_each_call(void)
{
    const unsigned bit = FAULT_BIT(failures[failure].which);

    if (scenario->spares & bit)
        return;
    for (nth = 1; run_with_one_call_failing(); nth++)
        ck_assert_int_lt(nth, 1000);
    ck_assert_msg(nth > 1 || !(scenario->needs & ~absent() & bit),
                  "%s: nothing called what fails by %d", scenario->name,
                  failures[failure].which);
}

/* If nobody has to notice that. One that interrupts all calls does not
 * exist. */
static void fail_all_calls(void)
{
    const Failure *f = &failures[failure];

    if (f->opening || f->creating || f->error == EINTR ||
        (scenario->spares | scenario->passes) & FAULT_BIT(f->which))
        return;
    nth = 1;
    scenario->prepare();
    fault_plan_all(f->which, f->error);
    ck_assert(run());
    fault_came();
}

START_TEST(test_each_call_fails)
{
    failure = _i;
    for (int i = 0; i < nb_scenarios; i++) {
        scenario = &scenarios[i];
        fail_each_call();
    }
}
END_TEST

START_TEST(test_all_calls_fail)
{
    failure = _i;
    for (int i = 0; i < nb_scenarios; i++) {
        scenario = &scenarios[i];
        fail_all_calls();
    }
}
END_TEST

void make_fault_file(void)
{
    int fd = open(fault_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, TEST_FILE_SIZE), 0);
    close(fd);
}

void poke_blocks(uint32_t number)
{
    const uint32_t rows = HEIGHT / 2;
    const size_t size = SIZE / 2;
    uint8_t pixels[SIZE];

    fill_pixels(pixels, SIZE, number);
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        const ShmiHeader header = { number, WIDTH, HEIGHT,
                                    (uint32_t)i * rows, rows };

        poke_pixels(fault_path, i, pixels + (size_t)i * size, size);
        poke(fault_path, i, &header, SHMIMAGE_STATE_CLIENT);
    }
}

static void setup(void)
{
    fault_path = test_name();
}

TCase *fault_tcase(const Scenario *table, int count)
{
    TCase *tcase = tcase_create("faults");

    scenarios    = table;
    nb_scenarios = count;
    tcase_add_checked_fixture(tcase, setup, test_files_remove);
    if (count) {
        tcase_add_loop_test(tcase, test_each_call_fails, 0, nb_failures);
        tcase_add_loop_test(tcase, test_all_calls_fail, 0, nb_failures);
    }
    return tcase;
}
