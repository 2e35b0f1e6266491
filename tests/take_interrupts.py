# SPDX-License-Identifier: LGPL-2.1-or-later
"""Imported by tests that send SIGINT: what they start shall take it.

What a shell without job control has put into the background ignores it, and so
does all that is started from there.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
