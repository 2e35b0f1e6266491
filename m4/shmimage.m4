# SPDX-License-Identifier: LGPL-2.1-or-later

# SHMI_FEATURE(NAME, SYMBOL, PROGRAM, WHAT)
# Define SHMI_HAVE_SYMBOL to 1 when PROGRAM compiles, and to 0 when it does not
# or after --disable-NAME; fail when --enable-NAME was asked for and it does not.
AC_DEFUN([SHMI_FEATURE], [
    AS_VAR_PUSHDEF([use], [use_]m4_translit([$1], [-], [_]))
    AS_VAR_PUSHDEF([asked], [enable_]m4_translit([$1], [-], [_]))
    AS_VAR_SET([use], [no])
    AC_MSG_CHECKING([for $1])
    AS_IF([test "x$asked" != xno],
        [AC_COMPILE_IFELSE([AC_LANG_SOURCE([$3])], [AS_VAR_SET([use], [yes])])])
    AC_MSG_RESULT([$use])
    AS_IF([test "x$use" = xyes],
        [AC_DEFINE([SHMI_HAVE_$2], [1], [1 to $4, 0 not to])],
        [test "x$asked" = xyes],
        [AC_MSG_ERROR([--enable-$1 was given, but this system has none])],
        [AC_DEFINE([SHMI_HAVE_$2], [0])])
    AS_VAR_POPDEF([asked])
    AS_VAR_POPDEF([use])
])

# SHMI_FLAGS_IF_SUPPORTED(VARIABLE, FLAGS)
# Append to VARIABLE, and substitute it, those FLAGS that the C compiler takes.
AC_DEFUN([SHMI_FLAGS_IF_SUPPORTED], [
    for shmi_flag in m4_normalize([$2]); do
        shmi_saved_CFLAGS=$CFLAGS
        CFLAGS="$CFLAGS -Werror $shmi_flag"
        AC_MSG_CHECKING([whether $CC takes $shmi_flag])
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
            [$1="$$1 $shmi_flag"; AC_MSG_RESULT([yes])],
            [AC_MSG_RESULT([no])])
        CFLAGS=$shmi_saved_CFLAGS
    done
    AC_SUBST([$1])
])

# SHMI_VERSION_SCRIPT
# Set the conditional HAVE_VERSION_SCRIPT when the linker takes one.
AC_DEFUN([SHMI_VERSION_SCRIPT], [
    AC_MSG_CHECKING([whether the linker takes a version script])
    shmi_saved_LDFLAGS=$LDFLAGS
    echo 'V_1 { global: f; local: *; };' > conftest.map
    LDFLAGS="$LDFLAGS -shared -fPIC -Wl,--version-script,conftest.map"
    AC_LINK_IFELSE([AC_LANG_SOURCE([[int f(void); int f(void) { return 0; }]])],
        [shmi_version_script=yes], [shmi_version_script=no])
    LDFLAGS=$shmi_saved_LDFLAGS
    rm -f conftest.map
    AC_MSG_RESULT([$shmi_version_script])
    AM_CONDITIONAL([HAVE_VERSION_SCRIPT], [test "x$shmi_version_script" = xyes])
])

# SHMI_LIBFUZZER
# Substitute FUZZ_LDFLAGS, what links a fuzz target; fail without libFuzzer.
AC_DEFUN([SHMI_LIBFUZZER], [
    AC_MSG_CHECKING([for libFuzzer])
    shmi_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -fsanitize=fuzzer"
    AC_LINK_IFELSE([AC_LANG_SOURCE([[#include <stddef.h>
        int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
        int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
        { return data && size && 0; }]])],
        [AC_MSG_RESULT([yes])],
        [AC_MSG_RESULT([no])
         AC_MSG_ERROR([--enable-fuzzing needs clang's libFuzzer.
    Debian, Ubuntu: apt install clang, and where that lacks it libclang-rt-dev
    Then configure with CC=clang CXX=clang++.])])
    CFLAGS=$shmi_saved_CFLAGS
    AC_SUBST([FUZZ_LDFLAGS], [-fsanitize=fuzzer])
])

# SHMI_BASH_COMPLETION
# Substitute bash_completion_dir, below datadir as bash-completion has it, or
# what --with-bash-completion-dir says.
AC_DEFUN([SHMI_BASH_COMPLETION], [
    AC_ARG_WITH([bash-completion-dir],
        [AS_HELP_STRING([--with-bash-completion-dir=DIR],
            [install the completion for bash there, or "no"])])
    AC_MSG_CHECKING([where bash looks for completions])
    AS_CASE([$with_bash_completion_dir], [''|yes],
        [bash_completion_dir=`$PKG_CONFIG \
            --define-variable=datadir='${datadir}' \
            --variable=completionsdir bash-completion 2> /dev/null`
         bash_completion_dir=${bash_completion_dir:-'${datadir}/bash-completion/completions'}],
        [bash_completion_dir=$with_bash_completion_dir])
    AC_MSG_RESULT([$bash_completion_dir])
    AC_SUBST([bash_completion_dir])
    AM_CONDITIONAL([WITH_BASH_COMPLETION],
        [test "x$bash_completion_dir" != xno])
])

# SHMI_PYTHON
# Set pythondir and the conditional WITH_PYTHON, unless --disable-python. The
# package loads the shared library, so without one it is left out too.
AC_DEFUN([SHMI_PYTHON], [
    python_place=no
    AS_IF([test "x$PYTHON3" = xno || ! "$PYTHON3" -c \
           'import sys; sys.exit(sys.version_info < (3, 8))'],
        [shmi_no_python="needs python3, 3.8 or later"],
        [test "x$enable_shared" = xno],
        [shmi_no_python="needs the shared library; leave out --disable-shared"],
        [shmi_no_python=])
    AS_IF([test "x$enable_python" = xno], [],
        [test -z "$shmi_no_python"], [python_place=yes],
        [test "x$enable_python" = xyes],
        [AC_MSG_ERROR([the Python package $shmi_no_python])])
    AS_IF([test "x$python_place" = xyes], [
        : ${PYTHON=$PYTHON3}
        SHMI_PYTHONDIR
        AM_PATH_PYTHON([3.8])
        python_place=`eval eval echo "$pythondir" | sed "s,NONE,$ac_default_prefix,"`
    ])
    AM_CONDITIONAL([WITH_PYTHON], [test "x$python_place" != xno])
])

# SHMI_PYTHONDIR
# Where this Python looks for packages in our prefix. automake does not know
# that on Debian this is dist-packages, and takes site-packages, where it looks
# for nothing; in a prefix of the user's own that is as good as any.
AC_DEFUN([SHMI_PYTHONDIR], [
    AC_MSG_CHECKING([where $PYTHON looks for packages])
    shmi_prefix=$prefix
    test "x$shmi_prefix" != xNONE || shmi_prefix=$ac_default_prefix
    shmi_place=`"$PYTHON" -c 'import os, site, sys
inside = @<:@place for place in site.getsitepackages()
          if place.startswith(sys.argv@<:@1@:>@ + "/lib")@:>@
print(*@<:@os.path.relpath(place, sys.argv@<:@1@:>@) for place in inside@:>@@<:@:1@:>@)
' "$shmi_prefix"`
    AS_IF([test -n "$shmi_place"],
        [am_cv_python_pythondir="\${PYTHON_PREFIX}/$shmi_place"
         AC_MSG_RESULT([$shmi_prefix/$shmi_place])],
        [AC_MSG_RESULT([not in $shmi_prefix])])
])

# SHMI_EXAMPLES
# Which of the examples can be tried here: EXAMPLES.
AC_DEFUN([SHMI_EXAMPLES], [
    EXAMPLES=client
    PKG_CHECK_EXISTS([egl opengl], [EXAMPLES="$EXAMPLES opengl"])
    AS_IF([test "x$PYTHON3" != xno &&
           "$PYTHON3" -c 'import matplotlib, numpy' 2>/dev/null],
        [EXAMPLES="$EXAMPLES matplotlib"])
    AC_SUBST([EXAMPLES])
])
