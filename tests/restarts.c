/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "restarts.h"

Stream t;

static void setup(void)
{
    t = (Stream){ .path = test_name() };
    write_file(t.path, "");
}

static void teardown(void)
{
    end_kill(&t.end[SHMI_SERVER]);
    end_kill(&t.end[SHMI_CLIENT]);
    test_files_remove();
}

TCase *restarts_tcase(const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, setup, teardown);
    return tcase;
}

/* From one case to the next. A prime number, so that whatever makes up a case
 * comes in all its forms. */
static int stride = 1;

static int stride_for(int nb)
{
    const char *preloaded = getenv("LD_PRELOAD");
    const char *which     = getenv("SHMIMAGE_RESTARTS");
    const bool all        = which && !strcmp(which, "all");

    if (preloaded && strstr(preloaded, "vgpreload"))
        return all ? 7 : 101;
    if (all)
        return 1;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    return 31;
#endif
    if (nb > 5000 || !SHMI_HAVE_FUTEX || !SHMI_HAVE_OFD_LOCKS)
        return 31;
    return nb > 1000 ? 7 : 1;
}

void add_test_of_cases(TCase *tcase, const TTest *test, int nb)
{
    stride = stride_for(nb);
    tcase_add_loop_test(tcase, test, 0, nb / stride);
}

int in_case(int index)
{
    return index * stride;
}

void begin_anew(Maker server, Maker client)
{
    const char *path = t.path;

    end_kill(&t.end[SHMI_SERVER]);
    end_kill(&t.end[SHMI_CLIENT]);
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(truncate(path, TEST_FILE_SIZE), 0);
    t = (Stream){ .path  = path,
                  .maker = { [SHMI_SERVER] = server,
                             [SHMI_CLIENT] = client } };
}

/* The account. */

static uint32_t server_of(uint32_t number)
{
    return number / IMAGES_PER_SERVER;
}

/* The image comes after the one that this client got last. Of a server that is
 * dead by now the two may have different sessions. */
static void assert_follows(uint32_t number, uint32_t session)
{
    ck_assert_uint_gt(number, t.met_number);
    if (t.maker[SHMI_CLIENT] == VENDOR)
        return;
    ck_assert_uint_ge(session, t.met_session);
    if (server_of(number) != server_of(t.met_number))
        ck_assert_uint_ne(session, t.met_session);
    else if (server_of(number) == t.servers && t.open[SHMI_SERVER] &&
             !t.starts_anew)
        ck_assert_uint_eq(session, t.met_session);
}

static void account_image(const Answer *image)
{
    uint32_t number = image->number;

    ck_assert_uint_le(server_of(number), t.servers);
    ck_assert_uint_lt(number, sizeof(t.arrived));
    ck_assert_msg(!t.arrived[number], "image %u came twice", number);
    t.arrived[number] = true;
    ck_assert_uint_eq(image->width, width_of(number));
    ck_assert_uint_eq(image->height, height_of(number));
    ck_assert_msg(image->intact, "image %u is torn", number);
    if (t.met)
        assert_follows(number, image->session);
    t.met         = true;
    t.met_number  = number;
    t.met_session = image->session;
    t.held_number[t.held++] = number;
}

static void account(ShmiRole role, const Order *order, const Answer *answer)
{
    bool good = answer->result == SHMIMAGE_OK;

    ck_assert_msg(answer->result >= 0 ||
                  (answer->result == SHMIMAGE_ERROR_LOCKED &&
                   t.held == SHMI_BUFFERS),
                  "task %d gave %d", order->task, answer->result);
    switch (order->task) {
    case DO_OPEN:
        t.open[role] = true;
        break;
    case DO_CLOSE:
        t.open[role] = false;
        t.drawing = t.drawing && role != SHMI_SERVER;
        t.held    = role == SHMI_CLIENT ? 0 : t.held;
        break;
    case DO_BEGIN:
        t.drawing = good;
        t.drawn   = order->number;
        break;
    case DO_COMMIT:
        t.drawing = false;
        break;
    case DO_TAKE:
    case DO_WAIT_FOR_IMAGE:
        if (good)
            account_image(answer);
        break;
    case DO_RELEASE:
        t.held--;
        if (order->number == 0)
            t.held_number[0] = t.held_number[1];
        break;
    case DO_CHECK:
        ck_assert_msg(answer->intact, "a frame that is held has changed");
        break;
    default:
        break;
    }
}

static Answer get_answer(ShmiRole role)
{
    Answer answer = end_answer(&t.end[role]);

    if (answer.kind == DONE)
        account(role, &t.last[role], &answer);
    if (answer.kind == SLEEPS)
        t.slept += answer.time;
    return answer;
}

Answer begin_task(ShmiRole role, const Order *order)
{
    t.last[role] = *order;
    end_order(&t.end[role], order);
    return get_answer(role);
}

Answer go_on(ShmiRole role, const Answer *before)
{
    if (before->kind == STOPPED)
        end_continue(&t.end[role]);
    else
        end_order(&t.end[role], &(Order){ .task = DO_SLEEP_ON });
    return get_answer(role);
}

Order order_for(Task task)
{
    Order order = { .task = task };

    if (task == DO_PUT || task == DO_BEGIN)
        order.number = t.servers * IMAGES_PER_SERVER + t.images++;
    else if (task == DO_COMMIT)
        order.number = t.drawn;
    return order;
}

static int carry_out_order(ShmiRole role, const Order *order)
{
    Answer answer = begin_task(role, order);

    ck_assert_int_eq(answer.kind, DONE);
    return answer.result;
}

int carry_out(ShmiRole role, Task task)
{
    Order order = order_for(task);

    return carry_out_order(role, &order);
}

void release(int which)
{
    const Order order = { .task = DO_RELEASE, .number = (uint32_t)which };

    carry_out_order(SHMI_CLIENT, &order);
}

/* Starting, killing and stopping. */

void launch(ShmiRole role)
{
    end_start(&t.end[role], t.path, role, t.maker[role]);
    if (role == SHMI_SERVER) {
        t.servers++;
        t.images = 0;
    } else {
        t.met = false;
    }
}

void start(ShmiRole role)
{
    launch(role);
    carry_out(role, DO_OPEN);
}

void kill_end(ShmiRole role)
{
    end_kill(&t.end[role]);
    t.open[role] = false;
    if (role == SHMI_SERVER)
        t.drawing = false;
    else
        t.held = 0;
}

static void put_whatever_comes_of_it(void)
{
    if (t.drawing)
        carry_out(SHMI_SERVER, DO_COMMIT);
    for (int i = 0; i < SHMI_BUFFERS + 1; i++)
        carry_out(SHMI_SERVER, DO_PUT);
}

void take_all(void)
{
    while (carry_out(SHMI_CLIENT, DO_TAKE) == SHMIMAGE_OK)
        release(t.held - 1);
    carry_out(SHMI_CLIENT, DO_CHECK);
}

static void go_on_alone(ShmiRole role)
{
    if (role == SHMI_SERVER)
        put_whatever_comes_of_it();
    else
        take_all();
}

static void resume(ShmiRole role, const Answer *unfinished)
{
    if (unfinished && unfinished->kind == STOPPED)
        ck_assert_int_eq(go_on(role, unfinished).kind, DONE);
    else
        end_continue(&t.end[role]);
}

void let_happen(Event event, ShmiRole role, const Answer *unfinished)
{
    ShmiRole other = !role;

    if (event == IS_STOPPED || event == IS_STOPPED_WHILE_THE_OTHER_RESTARTS) {
        if (!unfinished || unfinished->kind != STOPPED)
            end_stop(&t.end[role]);
    } else {
        kill_end(role);
    }
    if (event == IS_STOPPED_WHILE_THE_OTHER_RESTARTS ||
        event == BOTH_ARE_KILLED) {
        /* Where it has seen one client die, and acts when the next is there. */
        t.starts_anew = unfinished && role == SHMI_SERVER;
        kill_end(other);
        start(other);
    } else if (event != IS_KILLED) {
        go_on_alone(other);
    }
    if (t.end[role].pid)
        resume(role, unfinished);
    else
        start(role);
}
