/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose file may be used in a directory where everybody may create files. Each
 * case runs in a process of its own, as another user, and so needs root.
 */
#include "config.h"

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

enum { ROOT = 0, CALLER = 4001, OTHER = 4002, TRUSTED = 4003, NOBODY = -1 };

typedef struct Case {
    int file;           /* who owns it */
    int link;           /* who owns the symlink to it; NOBODY: there is none */
    int caller;
    mode_t directory;
    int64_t owner;      /* who is trusted */
    bool refused;
    int maker;          /* who owns the directory */
    bool elsewhere;     /* the link is in one that is not sticky */
} Case;

static const Case cases[] = {
    { CALLER,  NOBODY, CALLER, 01777, -1,      false, ROOT,   false },
    { ROOT,    NOBODY, CALLER, 01777, -1,      false, ROOT,   false },
    { OTHER,   NOBODY, CALLER, 01777, -1,      true,  ROOT,   false },
    { OTHER,   NOBODY, ROOT,   01777, -1,      true,  ROOT,   false },
    { OTHER,   NOBODY, CALLER, 01777, TRUSTED, true,  ROOT,   false },
    { TRUSTED, NOBODY, CALLER, 01777, TRUSTED, false, ROOT,   false },
    { OTHER,   NOBODY, CALLER, 0755,  -1,      false, ROOT,   false },
    { CALLER,  CALLER, CALLER, 01777, -1,      false, ROOT,   false },
    { CALLER,  OTHER,  CALLER, 01777, -1,      true,  ROOT,   false },
    { OTHER,   CALLER, CALLER, 01777, -1,      true,  ROOT,   false },
    { TRUSTED, CALLER, CALLER, 01777, TRUSTED, false, ROOT,   false },
    { CALLER,  NOBODY, CALLER, 01777, -1,      true,  OTHER,  false },
    { CALLER,  NOBODY, CALLER, 01777, -1,      false, CALLER, false },
    { OTHER,   CALLER, CALLER, 01777, -1,      true,  ROOT,   true },
};

/* Returns 0 if the outcome is the expected one. */
static int check_as(const Case *c, const char *path)
{
    int ret;

    if (c->caller != ROOT &&
        (setgroups(0, NULL) < 0 || setgid((gid_t)c->caller) < 0 ||
         setuid((uid_t)c->caller) < 0))
        return 2;
    ret = shmimage_file_check_owner(path, c->owner);
    if (ret != (c->refused ? SHMIMAGE_ERROR_PERMISSION : SHMIMAGE_OK) ||
        (c->refused && (!strstr(shmimage_error_message(), "user 4002") ||
                        !strstr(shmimage_error_message(), path)))) {
        fprintf(stderr, "%d: %s\n", ret, shmimage_error_message());
        return 1;
    }
    return 0;
}

START_TEST(test_owner)
{
    const Case *c = &cases[_i];
    const char *path = test_file(TEST_FILE_SIZE);
    char link[160];
    int status;
    pid_t pid;

    snprintf(link, sizeof(link), "%s.link",
             c->elsewhere ? test_name() : path);
    ck_assert_int_eq(chmod(folder_of(path), c->directory), 0);
    ck_assert_int_eq(chmod(folder_of(link), c->elsewhere ? 0755
                                                         : c->directory), 0);
    ck_assert_int_eq(chown(folder_of(path), (uid_t)c->maker, 0), 0);
    ck_assert_int_eq(chown(path, (uid_t)c->file, 0), 0);
    if (c->link != NOBODY) {
        ck_assert_int_eq(symlink(path, link), 0);
        ck_assert_int_eq(lchown(link, (uid_t)c->link, 0), 0);
        path = link;
    }
    pid = fork();
    if (!pid)
        _exit(check_as(c, path));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(test_what_is_not_there)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/none/live.shm", test_name());
    ck_assert_int_eq(shmimage_file_check_owner(path, -1),
                     SHMIMAGE_ERROR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    ck_assert_int_eq(shmimage_file_check_owner(NULL, -1),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(chdir("/dev/shm"), 0);
    ck_assert_int_eq(shmimage_file_check_owner("no-such-file.shm", -1),
                     SHMIMAGE_ERROR_NOT_FOUND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("owner of a file");
    TCase *tcase = tcase_create("owner");

    if (geteuid()) {
        puts("only root can give files to other users");
        return 77;
    }
    tcase_add_checked_fixture(tcase, NULL, test_files_remove);
    tcase_add_loop_test(tcase, test_owner, 0,
                        sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tcase, test_what_is_not_there);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
