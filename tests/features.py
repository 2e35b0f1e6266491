# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which features of docs/ffmpeg.md a test shows, and what came of it.

Environment: SHMIMAGE_FEATURES (a file that gets a line for each result of a
test that shows a feature; scripts/make-matrix reads it).
"""

import os
import unittest

RESULTS = os.environ.get("SHMIMAGE_FEATURES")


def shows(*features):
    """Say what a test shows, or each test of a class that says nothing else.
    The names are those of tests/features.ini."""
    def mark(test):
        test.features = features
        return test
    return mark


def features_of(test):
    method = getattr(test, getattr(test, "_testMethodName", ""), None)
    return getattr(method, "features", getattr(test, "features", ()))


def note(test, result, text="", features=None):
    """Add a line for each feature of a test, in one piece: tests of other
    programs may do so at the same time."""
    lines = ["\t".join((feature, result, test.id(), " ".join(text.split())))
             for feature in features or features_of(test)]
    if RESULTS and lines:
        with open(RESULTS, "a", encoding="utf-8") as results:
            results.write("\n".join(lines) + "\n")


def measured(test, feature, seconds):
    """A time to be shown beside a feature, and not judged here."""
    note(test, "seconds", f"{seconds:.3f}", [feature])


class Noting(unittest.TextTestResult):
    def addSuccess(self, test):
        super().addSuccess(test)
        note(test, "pass")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        note(test, "fail")

    def addError(self, test, error):
        super().addError(test, error)
        note(test, "fail")

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            note(test, "fail")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        lacks = "not installed" in reason or "not permitted" in reason
        note(test, "lack" if lacks else "skip", reason)


def main():
    """Run the tests of the program that was started."""
    unittest.main(testRunner=unittest.TextTestRunner(
        verbosity=2, resultclass=Noting))
