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

# DuckDB comes without a .pc file. Sinks that need it say so in a file `needs`, by this name: duckdb.
AC_DEFUN([CO_DUCKDB], [
  AC_ARG_WITH([duckdb],
    [AS_HELP_STRING([--with-duckdb@<:@=PREFIX|no@:>@],
      [Parquet, DuckDB files and collector-query; duckdb.h and libduckdb are in PREFIX, in its include and
       lib, or where the compiler looks (default: if they are there)])],
    [], [with_duckdb=check])
  have_duckdb=no CFLAGS_duckdb= LIBS_duckdb=-lduckdb
  AS_CASE([$with_duckdb], [no], [CO_NOTE([duckdb], [no (--without-duckdb)])], [
    AS_CASE([$with_duckdb], [yes|check], [], [
      # as it is installed, or as the archive of a release is unpacked
      AS_IF([test -f "$with_duckdb/include/duckdb.h"],
        [CFLAGS_duckdb=-I$with_duckdb/include co_libdir=$with_duckdb/lib],
        [test -f "$with_duckdb/duckdb.h"], [CFLAGS_duckdb=-I$with_duckdb co_libdir=$with_duckdb],
        [AC_MSG_ERROR([--with-duckdb: there is no duckdb.h in $with_duckdb or its include])])
      LIBS_duckdb="-L$co_libdir -lduckdb"
      # where the loader looks anyway, a path in the programs would only be in the way
      AS_CASE([$with_duckdb], [/usr|/usr/local], [], [LIBS_duckdb="$LIBS_duckdb -Wl,-rpath,$co_libdir"])])
    AC_MSG_CHECKING([for DuckDB 1.4 or later])
    co_cflags=$CFLAGS co_libs=$LIBS
    CFLAGS="$CFLAGS $CFLAGS_duckdb" LIBS="$LIBS_duckdb $LIBS"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <duckdb.h>]],
      [[duckdb_data_chunk chunk = duckdb_fetch_chunk((duckdb_result){ 0 });
        return duckdb_library_version() && chunk && duckdb_prepared_statement_column_type(0, 0);]])], [have_duckdb=yes])
    AS_IF([test "x$cross_compiling$have_duckdb" = xnoyes],
      [AC_RUN_IFELSE([AC_LANG_PROGRAM([[#include <duckdb.h>
#include <stdio.h>]], [[FILE *out = fopen("conftest.out", "w");
        return !out || fputs(duckdb_library_version(), out) < 0 || fclose(out);]])],
        [duckdb_version=$(cat conftest.out)], [have_duckdb=no])])
    CFLAGS=$co_cflags LIBS=$co_libs
    AC_MSG_RESULT([$have_duckdb])
    AS_IF([test "x$have_duckdb" = xyes], [CO_NOTE([duckdb], [${duckdb_version:-yes}])],
      [test "x$with_duckdb" = xcheck],
        [CO_NOTE([duckdb], [no: without parquet, duckdb, collector-query (tests/setup duckdb, or --with-duckdb=PREFIX)])],
      [AC_MSG_ERROR([no duckdb.h and libduckdb that work in ${co_libdir:-the usual places}; see config.log])])])
  AS_IF([test "x$have_duckdb" = xyes], [AS_VAR_APPEND([OPTIONAL], [" duckdb"])])
  AM_CONDITIONAL([HAVE_DUCKDB], [test "x$have_duckdb" = xyes])
  AC_SUBST([OPTIONAL])
  AC_SUBST([CFLAGS_duckdb])
  AC_SUBST([LIBS_duckdb])
])

# The screen of collector-top. Sinks that need it say so in a file `needs`, by the name ncursesw.
AC_DEFUN([CO_NCURSESW], [
  CO_LIB([NCURSESW], [ncursesw], [libncurses-dev], [], [optional])
  AS_IF([test "x$have_NCURSESW" = xyes], [AS_VAR_APPEND([OPTIONAL], [" ncursesw"])])
  AM_CONDITIONAL([HAVE_NCURSESW], [test "x$have_NCURSESW" = xyes])
  CFLAGS_ncursesw=$NCURSESW_CFLAGS LIBS_ncursesw=$NCURSESW_LIBS
  AC_SUBST([CFLAGS_ncursesw])
  AC_SUBST([LIBS_ncursesw])
])

# Sinks that send to a server by HTTP. 7.77: certificates from memory.
AC_DEFUN([CO_CURL], [
  CO_LIB([CURL], [libcurl >= 7.77], [libcurl4-openssl-dev], [], [optional])
  AS_IF([test "x$have_CURL" = xyes], [AS_VAR_APPEND([OPTIONAL], [" curl"])])
  CFLAGS_curl=$CURL_CFLAGS LIBS_curl=$CURL_LIBS
  AC_SUBST([CFLAGS_curl])
  AC_SUBST([LIBS_curl])
])

# TLS and digests, of sinks that say so in a file `uses`, by the name openssl.
AC_DEFUN([CO_OPENSSL], [
  CO_LIB([OPENSSL], [openssl >= 1.1.1], [libssl-dev], [], [optional])
  AS_IF([test "x$have_OPENSSL" = xyes], [AS_VAR_APPEND([OPTIONAL], [" openssl"])])
  CFLAGS_openssl=$OPENSSL_CFLAGS LIBS_openssl=$OPENSSL_LIBS
  AC_SUBST([CFLAGS_openssl])
  AC_SUBST([LIBS_openssl])
])

# The sink for Kafka. 1.8: certificates from memory. What it depends on keeps memory until the process ends, and stays loaded.
AC_DEFUN([CO_RDKAFKA], [
  CO_LIB([RDKAFKA], [rdkafka >= 1.8], [librdkafka-dev], [], [optional])
  AS_IF([test "x$have_RDKAFKA" = xyes], [AS_VAR_APPEND([OPTIONAL], [" rdkafka"])])
  CFLAGS_rdkafka=$RDKAFKA_CFLAGS LIBS_rdkafka="$RDKAFKA_LIBS -Wl,-z,nodelete"
  AC_SUBST([CFLAGS_rdkafka])
  AC_SUBST([LIBS_rdkafka])
])

# uPlot draws the curves of the report, which is built without them where it is not.
AC_DEFUN([CO_UPLOT], [
  AC_ARG_WITH([uplot],
    [AS_HELP_STRING([--with-uplot@<:@=DIR|no@:>@],
      [the report's curves; uPlot.iife.min.js, uPlot.min.css and LICENSE are in DIR
       (default: /usr/local/share/uplot if they are there)])],
    [], [with_uplot=check])
  UPLOT=
  AS_CASE([$with_uplot], [no], [CO_NOTE([uplot], [no (--without-uplot)])], [
    co_uplot=$with_uplot
    AS_CASE([$with_uplot], [yes|check], [co_uplot=/usr/local/share/uplot])
    for co_file in uPlot.iife.min.js uPlot.min.css LICENSE; do
      AS_IF([test -f "$co_uplot/$co_file"], [AS_VAR_APPEND([UPLOT], [" $co_uplot/$co_file"])], [UPLOT=; break])
    done
    AS_IF([test -n "$UPLOT"], [CO_NOTE([uplot], [$co_uplot])],
      [test "x$with_uplot" = xcheck],
        [CO_NOTE([uplot], [no: reports without curves (tests/setup uplot, or --with-uplot=DIR)])],
      [AC_MSG_ERROR([--with-uplot: there is no $co_file in $co_uplot])])])
  AC_SUBST([UPLOT])
])

# CO_FLAG(VARIABLE, flag, name in the table): adds the flag if a program builds with it, without a warning. A level of
# _FORTIFY_SOURCE that the user or the compiler has set already is redefined with a warning, so it stays as it is.
AC_DEFUN([CO_FLAG], [
  AC_MSG_CHECKING([whether the compiler takes $2])
  co_cflags=$CFLAGS
  CFLAGS="$2 $CFLAGS -fPIC -Werror"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>
#include <string.h>
#if defined _FORTIFY_SOURCE && !__USE_FORTIFY_LEVEL
#error "without optimisation it has no effect"
#endif]], [[char text[64]; return fgets(text, sizeof(text), stdin) && strlen(text) > 9;]])],
    [co_takes=yes
     AS_VAR_APPEND([$1], [" $2"])
     m4_ifval([$3], [AS_VAR_APPEND([co_hardening], [" $3"])])],
    [co_takes=no])
  CFLAGS=$co_cflags
  AC_MSG_RESULT([$co_takes])
])

# What makes bugs harder to exploit, as far as the compiler and linker can. HARDEN_CFLAGS and HARDEN_LDFLAGS are for all
# that is built, PIE_LDFLAGS for programs. Sanitizers check more than _FORTIFY_SOURCE does, and do not go with it.
AC_DEFUN([CO_HARDENING], [
  AC_ARG_ENABLE([hardening],
    [AS_HELP_STRING([--disable-hardening],
      [build without stack protector, _FORTIFY_SOURCE, full RELRO, PIE and control flow protection])],
    [], [enable_hardening=yes])
  HARDEN_CFLAGS= HARDEN_LDFLAGS= PIE_LDFLAGS= co_hardening=
  AS_IF([test "x$enable_hardening" != xno], [
    CO_FLAG([HARDEN_CFLAGS], [-fstack-protector-strong], [stack-protector])
    CO_FLAG([HARDEN_CFLAGS], [-fstack-clash-protection], [stack-clash])
    AS_IF([test "x$enable_sanitize" = xno], [
      CO_FLAG([HARDEN_CFLAGS], [-D_FORTIFY_SOURCE=3], [fortify=3])
      AS_IF([test "$co_takes" = no], [CO_FLAG([HARDEN_CFLAGS], [-D_FORTIFY_SOURCE=2], [fortify=2])])])
    AS_CASE([$host_cpu],
      [x86_64], [CO_FLAG([HARDEN_CFLAGS], [-fcf-protection], [cf-protection])],
      [CO_FLAG([HARDEN_CFLAGS], [-mbranch-protection=standard], [branch-protection])])
    CO_FLAG([HARDEN_LDFLAGS], [-Wl,-z,relro], [relro])
    CO_FLAG([HARDEN_LDFLAGS], [-Wl,-z,now], [now])
    CO_FLAG([HARDEN_LDFLAGS], [-Wl,-z,noexecstack])
    CO_FLAG([PIE_LDFLAGS], [-pie], [pie])
  ])
  AC_SUBST([HARDEN_CFLAGS])
  AC_SUBST([HARDEN_LDFLAGS])
  AC_SUBST([PIE_LDFLAGS])
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
  # as the Makefile finds them
  co_sinks=
  for co_sink in $(cd "$srcdir" && grep -l '^SINK\>' sinks/*/*.c | sed 's|^sinks/||; s|/.*||' | sort -u); do
    co_has=yes
    for co_need in $(cat "$srcdir/sinks/$co_sink/needs" 2>/dev/null); do
      AS_CASE([" $OPTIONAL "], [*" $co_need "*], [], [co_has=no])
    done
    AS_IF([test $co_has = yes], [AS_VAR_APPEND([co_sinks], [" $co_sink"])])
  done
  AS_ECHO(["  $(printf '%-12s%s' 'sinks' "$co_sinks")"])
  AS_ECHO(["  $(printf '%-12s %s' 'unit tests' "$have_CMOCKA")"])
  AS_ECHO(["  $(printf '%-12s %s' 'sanitizers' "$enable_sanitize")"])
  AS_ECHO(["  $(printf '%-12s%s' 'hardening' "${co_hardening:- no}")"])
  AS_ECHO([""])
])
