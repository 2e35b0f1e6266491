/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "ends.h"
#include "steps.h"
#include "wait.h"

uint32_t width_of(uint32_t number)
{
    return 3 + number / IMAGES_PER_SERVER % 20;
}

uint32_t height_of(uint32_t number)
{
    return 30 - number / IMAGES_PER_SERVER % 20;
}

size_t size_of(uint32_t number)
{
    return (size_t)SHMI_BYTES_PER_PIXEL * width_of(number) *
           height_of(number);
}

uint8_t *new_image(uint32_t number)
{
    uint8_t *pixels = malloc(size_of(number));

    if (!pixels)
        _exit(1);
    fill_pixels(pixels, size_of(number), number);
    return pixels;
}

/* Of this process, if it is an end. */
static int orders;
static int answers;
static int64_t fake_clock;

static void leave_unless(bool good)
{
    if (!good)
        _exit(1);
}

static void get_order(Order *order)
{
    leave_unless(read(orders, order, sizeof(*order)) == sizeof(*order));
}

static void give_answer(const Answer *answer)
{
    leave_unless(write(answers, answer, sizeof(*answer)) == sizeof(*answer));
}

static void stop_here(void)
{
    give_answer(&(Answer){ .kind = STOPPED });
    raise(SIGSTOP);
}

static int64_t fake_now(void)
{
    return fake_clock;
}

static void fake_sleep(int64_t time)
{
    Order order;

    give_answer(&(Answer){ .kind = SLEEPS, .time = time });
    get_order(&order);
    leave_unless(order.task == DO_SLEEP_ON);
    fake_clock += time;
}

static bool fake_sleep_on(const ShmiWatch *watch, int64_t time)
{
    for (int i = 0; i < watch->words; i++)
        if (__atomic_load_n(watch->word[i], __ATOMIC_ACQUIRE) !=
            watch->seen[i])
            return true;
    fake_sleep(time);
    return true;
}

static void fake_wake(uint32_t *word)
{
    (void)word;
}

static const ShmiWaitOps fake_ops = {
    .now      = fake_now,
    .sleep_on = fake_sleep_on,
    .sleep    = fake_sleep,
    .wake     = fake_wake,
};

static void work_on_orders(const char *path, Work *work)
{
    alarm(TEST_TIMEOUT);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    shmi_wait_ops = &fake_ops;
    for (;;) {
        Answer answer = { .kind = DONE };
        Order order;

        get_order(&order);
        steps_begin(order.stop_at, stop_here);
        work(path, &order, &answer);
        steps_begin(0, NULL);
        give_answer(&answer);
    }
}

void end_start(End *end, const char *path, ShmiRole role, Maker maker)
{
    static Work *const work[][2] = {
        [OURS]   = { [SHMI_SERVER] = our_server, [SHMI_CLIENT] = our_client },
        [VENDOR] = { [SHMI_SERVER] = vendor_server,
                     [SHMI_CLIENT] = vendor_client },
    };
    int down[2], up[2];

    ck_assert_int_eq(pipe(down), 0);
    ck_assert_int_eq(pipe(up), 0);
    end->pid = fork();
    ck_assert_int_ge(end->pid, 0);
    if (end->pid == 0) {
        close(down[1]);
        close(up[0]);
        orders  = down[0];
        answers = up[1];
        work_on_orders(path, work[maker][role]);
    }
    close(down[0]);
    close(up[1]);
    end->orders  = down[1];
    end->answers = up[0];
}

void end_order(End *end, const Order *order)
{
    ck_assert_int_eq(write(end->orders, order, sizeof(*order)),
                     sizeof(*order));
}

static void wait_for_stop(const End *end)
{
    int status;

    ck_assert_int_eq(waitpid(end->pid, &status, WUNTRACED), end->pid);
    ck_assert_msg(WIFSTOPPED(status), "the process ended");
}

Answer end_answer(End *end)
{
    Answer answer;

    ck_assert_msg(read(end->answers, &answer, sizeof(answer)) ==
                  sizeof(answer), "the process died");
    if (answer.kind == STOPPED)
        wait_for_stop(end);
    return answer;
}

void end_kill(End *end)
{
    if (!end->pid)
        return;
    kill(end->pid, SIGKILL);
    ck_assert_int_eq(waitpid(end->pid, NULL, 0), end->pid);
    close(end->orders);
    close(end->answers);
    *end = (End){ 0 };
}

void end_stop(End *end)
{
    ck_assert_int_eq(kill(end->pid, SIGSTOP), 0);
    wait_for_stop(end);
}

void end_continue(End *end)
{
    ck_assert_int_eq(kill(end->pid, SIGCONT), 0);
}
