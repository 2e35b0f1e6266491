# SPDX-License-Identifier: LGPL-2.1-or-later
bashcompletiondir = $(bash_completion_dir)
if WITH_BASH_COMPLETION
dist_bashcompletion_DATA = completions/shmimage
endif
EXTRA_DIST += completions/shmimage tests/test_completion.py
TESTS += tests/test_completion.py
