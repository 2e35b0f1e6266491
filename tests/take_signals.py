# SPDX-License-Identifier: LGPL-2.1-or-later
"""Imported by tests that send SIGINT or SIGHUP: what they start shall take it.

What a shell without job control has put into the background ignores the one,
what nohup has started the other, and so does all that is started from there.
"""

import signal

for number, usual in ((signal.SIGINT, signal.default_int_handler),
                      (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)
