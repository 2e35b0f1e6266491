/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "restarts.h"

const Situation situations[] = {
    { "00", 0, "SC" },
    { "01", 0, "SCptbo" },
    { "02", 0, "SCppto" },
    { "03", 1, "SCpptto" },
    { "04", 1, "SCppttoKSl" },
    { "10", 0, "SCb" },
    { "12", 0, "SCpptob" },
    { "13", 1, "SCppttob" },
    { "14", 1, "SCppttoKSlb" },
    { "20", 0, "SCp" },
    { "21", 0, "SCpb" },
    { "22", 0, "SCpp" },
    { "23", 1, "SCppttop" },
    { "24", 1, "SCppttoKSlp" },
    { "30", 1, "SCpt" },
    { "31", 1, "SCptb" },
    { "32", 1, "SCppt" },
    { "33", 2, "SCpptt" },
    { "34", 2, "SCppttoKSlpt" },
    { "40", 1, "SCptKSl" },
    { "41", 1, "SCptKSlb" },
    { "42", 1, "SCptKSlp" },
    { "43", 2, "SCptKSlpt" },
    { "44", 0, "SCKS" },
    { "44", 1, "SCptKS" },
    { "44", 2, "SCppttKS" },
};
const int nb_situations = sizeof(situations) / sizeof(*situations);

void go_to(const Situation *situation)
{
    for (const char *c = situation->way; *c; c++) {
        ShmiRole role = strchr("Ctlok", *c) ? SHMI_CLIENT : SHMI_SERVER;
        int result = SHMIMAGE_OK;

        if (*c == 'S' || *c == 'C')
            start(role);
        else if (*c == 'K' || *c == 'k')
            kill_end(role);
        else if (*c == 'o')
            release(0);
        else
            result = carry_out(role, *c == 'b' ? DO_BEGIN
                                     : *c == 'c' ? DO_COMMIT
                                     : *c == 'p' ? DO_PUT : DO_TAKE);
        ck_assert_int_eq(result, *c == 'l' ? SHMIMAGE_NO_FRAME : SHMIMAGE_OK);
    }
    for (int i = 0; i < SHMI_BUFFERS; i++)
        ck_assert_int_eq('0' + peek_state(t.path, i), situation->states[i]);
    ck_assert_int_eq(t.held, situation->held);
}
