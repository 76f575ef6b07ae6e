# SPDX-License-Identifier: BSD-2-Clause
# Looks for libraries and programs, remembers what is missing, and shows one table of all.

AC_DEFUN([CO_INIT], [
  co_missing=
  co_table=
  PATH=$PATH:/usr/sbin:/sbin  # bpftool lives there
])

# CO_NOTE(what, state): a row of the table
AC_DEFUN([CO_NOTE], [
  AS_VAR_APPEND([co_table], ["  $(printf '%-12s %s' "$1" "$2")
"])
])

# CO_LIB(VARIABLE, pkg-config module, Debian package, [another module], [optional])
AC_DEFUN([CO_LIB], [
  PKG_CHECK_MODULES([$1], [$2], [have_$1=yes],
    [m4_ifval([$4], [PKG_CHECK_MODULES([$1_OTHER], [$4],
      [have_$1=yes $1_CFLAGS=$$1_OTHER_CFLAGS $1_LIBS=$$1_OTHER_LIBS], [have_$1=no])], [have_$1=no])])
  AS_IF([test "x$have_$1" = xyes],
    [CO_NOTE([m4_bpatsubst([$2], [ .*])], [$($PKG_CONFIG --modversion "m4_bpatsubst([$2], [ .*])" 2>/dev/null m4_ifval([$4], [|| $PKG_CONFIG --modversion "$4"]))])],
    [m4_if([$5], [optional], [CO_NOTE([$2], [no (Debian: $3)])],
      [AS_VAR_APPEND([co_missing], [" $3"])])])
  AC_SUBST([$1_CFLAGS])
  AC_SUBST([$1_LIBS])
])

# CO_PROG(VARIABLE, names, Debian package, [optional])
AC_DEFUN([CO_PROG], [
  AC_PATH_PROGS([$1], [$2])
  AS_IF([test -n "$$1"],
    [have_$1=yes
     CO_NOTE([m4_bpatsubst([$2], [ .*])], [$$1])],
    [have_$1=no
     m4_if([$4], [optional], [CO_NOTE([$2], [no (Debian: $3)])],
      [AS_VAR_APPEND([co_missing], [" $3"])])])
])

# CO_PYTHON(Debian packages): a python3 that has what the tests import; the distribution's own comes first
AC_DEFUN([CO_PYTHON], [
  have_PYTHON=no
  for co_python in "$PYTHON" /usr/bin/python3 python3; do
    AS_IF([test -n "$co_python" && "$co_python" -c 'import pytest, msgpack' 2>/dev/null],
      [PYTHON=$co_python have_PYTHON=yes; break])
  done
  AC_SUBST([PYTHON])
  AS_IF([test $have_PYTHON = yes], [CO_NOTE([python3], [$PYTHON])],
    [CO_NOTE([python3], [no pytest and msgpack (Debian: $1)])])
])

AC_DEFUN([CO_REPORT_MISSING], [
  AS_IF([test -n "$co_missing"],
    [AC_MSG_ERROR([missing; on Debian and Ubuntu: apt-get install$co_missing])])
])

AC_DEFUN([CO_TABLE], [
  AS_ECHO([""])
  AS_ECHO(["collector $PACKAGE_VERSION for $host"])
  AS_ECHO_N(["$co_table"])
  AS_ECHO(["  $(printf '%-12s %s' 'probes' "$(cd "$srcdir/probes" && echo *)")"])
  AS_ECHO(["  $(printf '%-12s %s' 'sinks' "$(cd "$srcdir/sinks" && ls | grep -vx model | tr '\n' ' ')")"])
  AS_ECHO(["  $(printf '%-12s %s' 'unit tests' "$have_CMOCKA")"])
  AS_ECHO(["  $(printf '%-12s %s' 'sanitizers' "$enable_sanitize")"])
  AS_ECHO([""])
])
