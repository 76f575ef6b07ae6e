/* SPDX-License-Identifier: BSD-2-Clause */
/* Hangs and deadlocks in the words of tests/made/stalled.h: each situation beside a healthy one that only looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/made/stalled.h"

/* futex(2): FUTEX_WAIT_BITSET is 9, private 128; pthread_join() waits with the thread's number. */
#define LOCKED " 0x1000 0x80 2 0 word=2"
#define MINUTE "wait; wait; wait; wait; wait; wait; wait; "
#define DRIVER "t 10 S futex" POSTED "; t 10.13 S pselect6 5 0x1 0x2 0x3 0; d 10 3 tty 3 rw path=/dev/ptmx;"
#define POSTED " 0x2000 0x189 0 0 word=0"

/* What is expected: "KIND CERTAINTY PID" of each verdict, separated by ';'. `says` must be in the first one's evidence, or in
 * what to do next. */
static const struct situation {
	const char *name, *story, *expect, *says;
} situations[] = {
	/* pipes */
	{"a reader that is its own only writer", "p 10 1; t 10 S read 3; d 10 3 fifo 7 rw path=/w/q; running",
	 "deadlock proven 10", "p10 (pid 10) has waited 1m 35s for a read of FIFO /w/q, whose only writer is itself"},
	{"its child, which runs, has the write end too",
	 "p 10 1; p 11 10; t 10 S read 3; d 10 3 pipe 7 r; d 11 4 pipe 7 w; running", "hang suspected 10", NULL},
	{"its child, which hangs on a lock, has it",
	 "p 10 1; p 11 10; t 10 S read 3; d 10 3 pipe 7 r; t 11 S flock 5 2;"
	 "d 11 4 pipe 7 w; d 11 5 file 9 r; d 10 6 file 9 r lock=flock; running",
	 "deadlock proven 10",
	 "held as writer by p11 (pid 11); p11 (pid 11) waits for a lock of file:[9], held by p10"},
	{"two that read from each other",
	 "p 10 1; p 11 10; t 10 S read 3; t 11 S read 3; d 10 3 pipe 7 r; d 10 4 pipe 8 w;"
	 "d 11 3 pipe 8 r; d 11 4 pipe 7 w; running",
	 "deadlock proven 10", "p11 (pid 11) waits for a read of pipe:[8], held as writer by p10 (pid 10)"},
	{"one of them polls with a limit",
	 "p 10 1; p 11 10; t 10 S read 3; t 11 S poll 0x5000 1 1000; d 10 3 pipe 7 r;"
	 "d 10 4 pipe 8 w; d 11 3 pipe 8 r; d 11 4 pipe 7 w; running",
	 "hang suspected 10", NULL},
	{"one of them polls without",
	 "p 10 1; p 11 10; t 10 S read 3; t 11 S poll 0x5000 1 -1; d 10 3 pipe 7 r;"
	 "d 10 4 pipe 8 w; d 11 3 pipe 8 r; d 11 4 pipe 7 w; running",
	 "deadlock likely 10", NULL},
	{"a server outside holds the write end too",
	 "p 10 1; t 10 S read 3; d 10 3 fifo 7 rw; d 10 5 fifo 7 w out=99; running", "hang suspected 10",
	 "not watched"},
	{"the kernel counts a writer that was not seen", "p 10 1; t 10 S read 3; d 10 3 fifo 7 rw writers=2; running",
	 "hang suspected 10", NULL},
	{"the picture is not complete", "p 10 1; t 10 S read 3; d 10 3 fifo 7 rw; ! 10 limit; running",
	 "deadlock likely 10", NULL},
	{"it went on while it was looked at", "p 10 1; t 10 S read 3; d 10 3 fifo 7 rw; ! 10 moved; running", "", NULL},
	{"an alarm is set", "p 10 1; t 10 S read 3 timer=1; d 10 3 fifo 7 rw; running", "", NULL},
	{"a writer of a full pipe whose reader waits for it",
	 "p 10 1; p 11 10; t 10 S wait4 11; t 11 S write 1; d 10 3 pipe 7 r;"
	 "d 11 1 pipe 7 w; running",
	 "deadlock proven 10", "for its child p11 (pid 11); p11 (pid 11) waits for a write to pipe:[7], which is full"},
	{"its reader runs",
	 "p 10 1; p 11 10; p 12 10; t 10 S wait4 11; t 11 S write 1; d 12 3 pipe 7 r; d 11 1 pipe 7 w; running",
	 "hang suspected 11", NULL},
	/* processes */
	{"wait for a child that reads from its parent",
	 "p 10 1; p 11 10; t 10 S wait4 -1; t 11 S read 0; d 10 4 pipe 7 w;"
	 "d 11 0 pipe 7 r; running",
	 "deadlock proven 10", NULL},
	{"another child runs",
	 "p 10 1; p 11 10; p 12 10; t 10 S wait4 -1; t 11 S read 0; d 10 4 pipe 7 w; d 11 0 pipe 7 r; running",
	 "hang suspected 11", NULL},
	{"another child runs, but the wait is for the first",
	 "p 10 1; p 11 10; p 12 10; t 10 S wait4 11; t 11 S read 0;"
	 "d 10 4 pipe 7 w; d 11 0 pipe 7 r; running",
	 "deadlock proven 10", NULL},
	{"it has adopted a child that may run",
	 "p 10 1; p 11 10; t 10 S wait4 -1 children=2; t 11 S read 0; d 10 4 pipe 7 w;"
	 "d 11 0 pipe 7 r; running",
	 "hang suspected 11", NULL},
	{"waits for a deadlock of others",
	 "p 9 1; p 10 9; p 11 10; t 9 S wait4 -1; t 10 S wait4 11; t 11 S read 0; d 10 4 pipe 7 w;"
	 "d 11 0 pipe 7 r; running",
	 "deadlock proven 10", NULL},
	{"a sleeper", "p 10 1; p 11 10; t 10 S wait4 -1; t 11 S clock_nanosleep 0 0 1; running", "", NULL},
	{"a shell in sigsuspend waits for a child that reads from it",
	 "p 10 1; p 11 10; t 10 S rt_sigsuspend 0x1; t 11 S read 0;"
	 "d 10 4 pipe 7 w; d 11 0 pipe 7 r; running",
	 "deadlock likely 10", NULL},
	{"a daemon that waits for signals", "p 10 1; t 10 S rt_sigsuspend 0x1; running", "", NULL},
	{"a vfork parent whose child reads from it",
	 "p 10 1; p 11 10; t 10 D vfork; t 11 S read 0; d 10 4 pipe 7 w; d 11 0 pipe 7 r;"
	 "running",
	 "deadlock proven 10", NULL},
	{"reads from itself, and its child has ended: it comes to no wait",
	 "p 10 1; p 11 10; x 11 0; t 10 S read 3; d 10 3 fifo 7 rw; running", "deadlock proven 10", NULL},
	{"sleeps, and its child has ended", "p 10 1; p 11 10; x 11 0; t 10 S clock_nanosleep 0 0 1; running",
	 "zombie suspected 10", NULL},
	/* futexes */
	{"two threads, each has what the other wants",
	 "p 10 1; t 10 S futex 0x3000 0x109 12 0 word=12;"
	 "t 10.12 S futex" LOCKED " owner=13; t 10.13 S futex" LOCKED " owner=12; running",
	 "deadlock proven 10", "thread 13 holds"},
	{"the owner runs outside of the picture", "p 10 1; t 10 S futex" LOCKED " owner=77; running",
	 "hang suspected 10", NULL},
	{"the owner sleeps with a limit",
	 "p 10 1; t 10 S futex" LOCKED " owner=12; t 10.12 S clock_nanosleep 0 0 1; running", "", NULL},
	{"it locks what it holds", "p 10 1; t 10 S futex" LOCKED " owner=10; running", "deadlock proven 10",
	 "it holds itself"},
	{"a lock of its own that has no known owner", "p 10 1; t 10 S futex" LOCKED "; running", "hang proven 10",
	 "no other thread"},
	{"its owner has ended", "p 10 1; t 10 S futex" LOCKED " owner=gone; running", "hang proven 10", "has ended"},
	{"a lost wake-up", "p 10 1; t 10 S futex 0x3000 0x109 12 0 word=12; t 10.12 S futex" POSTED "; running",
	 "hang likely 10", "for the end of its thread 12; its thread 12 waits on a condition variable or semaphore"},
	{"a pool whose main thread waits for signals",
	 "p 10 1; t 10 S rt_sigtimedwait 0 0 0; t 10.12 S futex" POSTED "; running", "hang suspected 10", NULL},
	{"a lone thread on a semaphore, for a signal handler", "p 10 1; t 10 S futex" POSTED "; running",
	 "hang suspected 10", NULL},
	{"two threads, who owns the mutexes is not readable",
	 "p 10 1; t 10 S futex 0x1000 0x80 2 0 owner=unsupported;"
	 "t 10.12 S futex" LOCKED " owner=unsupported; running",
	 "hang likely 10", NULL},
	{"a futex with a limit", "p 10 1; t 10 S futex 0x1000 0x80 2 0x7000 word=2; running", "", NULL},
	{"a futex in shared memory", "p 10 1; t 10 S futex 0x1000 0 2 0 word=2; running", "hang suspected 10",
	 "shared memory"},
	{"two processes with robust locks",
	 "p 10 1; p 11 1; t 10 S futex 0x1000 0 2 0 word=11 owner=11;"
	 "t 11 S futex 0x2000 0 2 0 word=10 owner=10; running",
	 "deadlock proven 10", "thread 11 of p11 (pid 11) holds"},
	/* a pool: its parent waits for results by a pipe, one worker for tasks, another one for the lock of theirs */
	{"a pool that has lost a task with one of its workers",
	 "p 10 1; p 11 10; p 12 10; t 10 S futex" POSTED "; t 10.13 S read 5; t 10.14 S poll 0x7000 4 -1;"
	 "t 11 S futex 0x4000 0x109 0 0 word=0; t 12 S read 3; d 10 4 pipe 7 w; d 11 3 pipe 7 r; d 12 3 pipe 7 r;"
	 "d 10 5 pipe 8 r; d 11 6 pipe 8 w; d 12 6 pipe 8 w; d 10 7 pipe 9 r; d 11 7 pipe 9 w; running",
	 "hang suspected 10", "p11 (pid 11) waits"},
	{"the same, and the run is ended",
	 "p 10 1; p 11 10; p 12 10; t 10 S futex" POSTED "; t 10.13 S read 5; t 10.14 S poll 0x7000 4 -1;"
	 "t 11 S futex 0x4000 0x109 0 0 word=0; t 12 S read 3; d 10 4 pipe 7 w; d 11 3 pipe 7 r; d 12 3 pipe 7 r;"
	 "d 10 5 pipe 8 r; d 11 6 pipe 8 w; d 12 6 pipe 8 w; d 10 7 pipe 9 r; d 11 7 pipe 9 w; x 10 -15; x 11 0; x 12 0",
	 "hang likely 10", NULL},
	{"the same, below a shell",
	 "p 9 1; t 9 S wait4 -1; p 10 9; p 11 10; p 12 10; t 10 S futex" POSTED
	 "; t 10.13 S read 5; t 10.14 S poll 0x7000 4 -1;"
	 "t 11 S futex 0x4000 0x109 0 0 word=0; t 12 S read 3; d 10 4 pipe 7 w; d 11 3 pipe 7 r; d 12 3 pipe 7 r;"
	 "d 10 5 pipe 8 r; d 11 6 pipe 8 w; d 12 6 pipe 8 w; d 10 7 pipe 9 r; d 11 7 pipe 9 w; running",
	 "hang suspected 10", NULL},
	{"two that wait for a lock in shared memory, beside a server",
	 "p 10 1; p 11 1; p 12 1; t 10 S futex 0x4000 0x109 0 0 word=0; t 11 S futex 0x4000 0x109 0 0 word=0;"
	 "t 12 S accept4 9; d 12 9 socket 11 rw address=tcp_127.0.0.1:80_listen; running",
	 "hang suspected 10;hang suspected 11;hang suspected 12", NULL},
	{"the same, and one works",
	 "p 10 1; p 11 10; p 12 10; t 10 S futex" POSTED "; t 10.13 S read 5; t 10.14 S poll 0x7000 4 -1;"
	 "t 11 S futex 0x4000 0x109 0 0 word=0; t 12 S read 3; d 10 4 pipe 7 w; d 11 3 pipe 7 r; d 12 3 pipe 7 r;"
	 "d 10 5 pipe 8 r; d 11 6 pipe 8 w; d 12 6 pipe 8 w; d 10 7 pipe 9 r; d 11 7 pipe 9 w; p 15 10; running",
	 "hang suspected 11", NULL},
	{"the same, and another one of the run may share its memory",
	 "p 10 1; p 11 10; p 12 10; t 10 S futex" POSTED "; t 10.13 S read 5; t 10.14 S poll 0x7000 4 -1;"
	 "t 11 S futex 0x4000 0x109 0 0 word=0; t 12 S read 3; d 10 4 pipe 7 w; d 11 3 pipe 7 r; d 12 3 pipe 7 r;"
	 "d 10 5 pipe 8 r; d 11 6 pipe 8 w; d 12 6 pipe 8 w; d 10 7 pipe 9 r; d 11 7 pipe 9 w; p 15 1; running",
	 "hang suspected 11", NULL},
	{"an idle pool of workers whose parent waits for signals",
	 "p 10 1; p 11 10; p 12 10; t 10 S rt_sigsuspend 0x1; t 10.13 S read 5; t 11 S futex 0x4000 0x109 0 0 word=0;"
	 "t 12 S read 3; d 10 4 pipe 7 w; d 11 3 pipe 7 r; d 12 3 pipe 7 r; d 10 5 pipe 8 r; d 11 6 pipe 8 w;"
	 "d 12 6 pipe 8 w; x 10 -15; x 11 0; x 12 0",
	 "", NULL},
	{"an idle pool of workers whose parent waits for clients",
	 "p 10 1; p 11 10; p 12 10; t 10 S futex" POSTED "; t 10.13 S read 5; t 10.14 S poll 0x7000 4 -1;"
	 "t 11 S futex 0x4000 0x109 0 0 word=0; t 12 S read 3; d 10 4 pipe 7 w; d 11 3 pipe 7 r; d 12 3 pipe 7 r;"
	 "d 10 5 pipe 8 r; d 11 6 pipe 8 w; d 12 6 pipe 8 w; d 10 7 pipe 9 r; d 11 7 pipe 9 w; t 10.15 S accept4 9; d 10 9 socket 11 rw address=tcp_127.0.0.1:80_listen; x 10 -15 1; x 11 0; x 12 0",
	 "", NULL},
	/* locks */
	{"two files locked in turn",
	 "p 10 1; p 11 1; t 10 S flock 4 2; t 11 S flock 4 2; d 10 3 file 7 r lock=flock path=/w/a;"
	 "d 10 4 file 8 r path=/w/b; d 11 3 file 8 r lock=flock path=/w/b; d 11 4 file 7 r path=/w/a; running",
	 "deadlock proven 10",
	 "for a lock of file /w/b, held by p11 (pid 11); p11 (pid 11) waits for a lock of file /w/a"},
	{"one of them has a limit",
	 "p 10 1; p 11 1; t 10 S flock 4 2; t 11 S poll 0 0 500; d 10 3 file 7 r lock=flock; d 10 4 file 8 r;"
	 "d 11 3 file 8 r lock=flock; running",
	 "hang suspected 10", NULL},
	{"a lock held by a sleeper",
	 "p 10 1; p 11 1; t 10 S flock 4 2; t 11 S clock_nanosleep 0 0 1; d 10 4 file 8 r path=/w/db.lock;"
	 "d 11 3 file 8 r lock=flock; x 11 0; running",
	 "hang suspected 10", NULL},
	{"a lock with a time limit",
	 "p 10 1; p 11 1; t 10 S flock 4 2 timer=1; t 11 S clock_nanosleep 0 0 1; d 10 4 file 8 r;"
	 "d 11 3 file 8 r lock=flock; running",
	 "hang suspected 10", NULL},
	{"a ring that a time limit opens",
	 "p 10 1; p 11 10; t 10 S flock 4 2 timer=1; t 11 S read 0; d 10 4 file 8 r; d 11 3 file 8 r lock=flock;"
	 "d 11 0 pipe 9 r; d 10 5 pipe 9 w; running",
	 "", NULL},
	{"a lock with a time limit, and the run is ended",
	 "p 10 1; p 11 1; t 10 S flock 4 2 timer=1; t 11 S clock_nanosleep 0 0 1; d 10 4 file 8 r path=/w/db.lock;"
	 "d 11 3 file 8 r lock=flock; x 10 -15; x 11 -15",
	 "hang likely 10", "for a lock of file /w/db.lock with a time limit, held by p11 (pid 11)"},
	{"a lock with a time limit that a hung process holds, and the run is ended",
	 "p 9 1; p 10 9; p 11 9; t 9 S wait4 -1; t 10 S futex" POSTED "; t 11 S flock 4 2 timer=1;"
	 "d 10 3 file 8 r lock=flock; d 11 4 file 8 r path=/w/db.lock; x 9 -15; x 10 -15; x 11 -15",
	 "hang likely 10", "; p11 (pid 11) waits for the lock of file /w/db.lock that pid 10 holds, with a time limit"},
	{"a lock that one of a closed set holds",
	 "p 10 1; p 11 1; p 12 1; t 10 S read 3; t 11 S read 3; d 10 3 pipe 7 r; d 10 4 pipe 8 w;"
	 "d 11 3 pipe 8 r; d 11 4 pipe 7 w; d 11 5 file 9 r lock=flock; t 12 S flock 4 2 timer=1; d 12 4 file 9 r; running",
	 "deadlock proven 10", "; p12 (pid 12) waits for the lock of file:[9] that pid 11 holds, with a time limit"},
	{"a client of a server that hangs",
	 "p 10 1; p 11 1; t 10 S futex" LOCKED "; d 10 3 socket 7 rw address=tcp_1.2.3.4:80_->_1.2.3.4:81;"
	 "t 11 S recvfrom 3; d 11 3 socket 8 rw address=tcp_1.2.3.4:81_->_1.2.3.4:80; running",
	 "hang proven 10", "; p11 (pid 11) waits for an answer of pid 10 by socket:[8] (tcp 1.2.3.4:81 -> 1.2.3.4:80)"},
	{"a lock with a time limit that it gets in the end",
	 "p 10 1; p 11 1; t 10 S flock 4 2 timer=1; t 11 S clock_nanosleep 0 0 1; d 10 4 file 8 r;"
	 "d 11 3 file 8 r lock=flock; look; x 11 0; m 10; x 10 0",
	 "", NULL},
	{"a lock whose time limit was up",
	 "p 10 1; p 11 1; t 10 S flock 4 2 timer=1; t 11 S clock_nanosleep 0 0 1; d 10 4 file 8 r;"
	 "d 11 3 file 8 r lock=flock; look; m 10; x 10 1; x 11 -15",
	 "hang likely 10", "with a time limit, held by p11 (pid 11)"},
	{"a lock whose time limit was up, and its script fails by that",
	 "p 9 1; p 10 9; p 11 9; t 10 S flock 4 2 timer=1; t 11 S clock_nanosleep 0 0 1; d 10 4 file 8 r;"
	 "d 11 3 file 8 r lock=flock; look; m 10; x 10 1; x 9 1",
	 "hang likely 10", "with a time limit, held by p11 (pid 11)"},
	{"a lock whose time limit was up, and its script goes on",
	 "p 9 1; p 10 9; p 11 9; t 10 S flock 4 2 timer=1; t 11 S clock_nanosleep 0 0 1; d 10 4 file 8 r;"
	 "d 11 3 file 8 r lock=flock; look; m 10; x 10 1; x 9 0",
	 "", NULL},
	{"a lock whose time limit was up, and its script fails by something else",
	 "p 9 1; p 10 9; p 11 9; t 10 S flock 4 2 timer=1; t 11 S clock_nanosleep 0 0 1; d 10 4 file 8 r;"
	 "d 11 3 file 8 r lock=flock; look; m 10; x 10 1; p 12 9; x 12 3; x 9 3",
	 "", NULL},
	{"a read with an alarm, and the run is ended",
	 "p 10 1; t 10 S read 3 timer=1; d 10 3 pipe 7 r; d 10 9 pipe 7 w out=99; x 10 -15", "", NULL},
	{"a lock of a descriptor that its child keeps open",
	 "p 10 1; p 11 1; p 12 11; t 10 S flock 4 2; t 11 S wait4 -1;"
	 "d 10 4 file 8 r; d 11 3 file 8 r lock=flock of=5; d 12 3 file 8 r lock=flock of=5; running",
	 "hang suspected 10", NULL},
	{"a shared lock, one of whose holders waits for the asker",
	 "p 10 1; p 11 1; p 12 1; t 10 S flock 4 2; t 11 S read 0;"
	 "d 10 4 file 8 r; d 11 3 file 8 r lock=flock; d 12 3 file 8 r lock=flock; d 11 0 pipe 9 r; d 10 5 pipe 9 w; running",
	 "deadlock proven 10", NULL},
	{"a lock of a remote host", "p 10 1; t 10 S fcntl 4 7; d 10 4 file 8 r; running", "hang suspected 10", NULL},
	{"open file descriptions, locked in turn",
	 "p 10 1; p 11 1; t 10 S fcntl 4 38; t 11 S fcntl 4 38; d 10 3 file 7 rw lock=ofd;"
	 "d 10 4 file 8 rw; d 11 3 file 8 rw lock=ofd; d 11 4 file 7 rw; running",
	 "deadlock proven 10", NULL},
	{"a lock of the kernel whose owner waits for it",
	 "p 10 1; p 11 1; t 10 D write 3 blocker=11; t 11 D write 3 blocker=10; running", "deadlock proven 10",
	 "lock of the kernel"},
	/* sockets */
	{"two ends that wait for data",
	 "p 10 1; p 11 1; t 10 S recvfrom 3; t 11 S read 3; d 10 3 socket 7 rw peer=8;"
	 "d 11 3 socket 8 rw peer=7; running",
	 "deadlock proven 10", "socket:[7]"},
	{"the other end is outside",
	 "p 10 1; t 10 S recvfrom 3; d 10 3 socket 7 rw peer=8; d 10 9 socket 8 rw peer=7 out=99; running",
	 "hang suspected 10", NULL},
	{"an event loop that only itself could wake",
	 "p 10 1; t 10 S epoll_wait 3 0x7000 1 0xffffffff; d 10 3 epoll 3 rw; d 10 4 socket 7 rw peer=8;"
	 "d 10 5 socket 8 rw peer=7; running",
	 "hang suspected 10", NULL},
	{"the same, ended from outside",
	 "p 9 1; p 10 9; t 10 S epoll_wait 3 0x7000 1 0xffffffff; d 10 3 epoll 3 rw; d 10 4 socket 7 rw peer=8;"
	 "d 10 5 socket 8 rw peer=7; x 10 -15; x 9 -15",
	 "hang likely 10", NULL},
	{"an event loop whose pipe a stuck process has too",
	 "p 10 1; p 11 1; t 10 S epoll_wait 3 0x7000 1 0xffffffff; d 10 3 epoll 3 rw; d 10 4 pipe 7 r;"
	 "d 11 4 pipe 7 w; t 11 S read 5; d 11 5 pipe 8 r; d 10 5 pipe 8 w; running",
	 "deadlock likely 10", NULL},
	{"two ends by local TCP",
	 "p 10 1; p 11 1; t 10 S recvfrom 3; t 11 S read 3; d 10 3 socket 7 rw address=tcp_1.2.3.4:80_->_1.2.3.4:81;"
	 "d 11 3 socket 8 rw address=tcp_1.2.3.4:81_->_1.2.3.4:80; running",
	 "deadlock proven 10", NULL},
	{"a server elsewhere",
	 "p 10 1; t 10 S recvfrom 3; d 10 3 socket 7 rw address=tcp_1.2.3.4:81_->_5.6.7.8:80; running",
	 "hang suspected 10", NULL},
	{"an idle server", "p 10 1; t 10 S accept4 3; d 10 3 socket 7 rw address=tcp_127.0.0.1:80; running",
	 "hang suspected 10", "accept"},
	{"a server left behind holds the pipe of what started it",
	 "p 10 1; p 11 10; p 12 11; x 11 0; t 10 S read 3; d 10 3 pipe 7 r; t 12 S epoll_wait 4 0x7000 1 0xffffffff;"
	 "d 12 1 pipe 7 w; d 12 4 epoll 3 rw; d 12 3 socket 8 rw address=tcp_127.0.0.1:80_listen; running",
	 "hang suspected 10;zombie suspected 10", "for a read of pipe:[7], held as writer by p12 (pid 12)"},
	{"the same with a pool of threads, and the run is ended",
	 "p 10 1; p 11 10; p 12 11; x 11 0; t 10 S read 3; d 10 3 pipe 7 r; t 12 S epoll_wait 4 0x7000 1 0xffffffff;"
	 "t 12.13 S futex" POSTED
	 "; d 12 1 pipe 7 w; d 12 4 epoll 3 rw; d 12 3 socket 8 rw address=tcp_127.0.0.1:80_listen;"
	 "x 10 -15; x 12 -15",
	 "hang likely 10", NULL},
	{"a server left behind in accept holds it",
	 "p 10 1; p 11 10; p 12 11; x 11 0; t 10 S read 3; d 10 3 pipe 7 r; t 12 S accept4 3; d 12 1 pipe 7 w;"
	 "d 12 3 socket 8 rw address=tcp_127.0.0.1:80_listen; running",
	 "hang suspected 10;zombie suspected 10", NULL},
	{"a reader by poll, of a server left behind",
	 "p 10 1; p 11 10; p 12 11; x 11 0; t 10 S poll 0x7000 2 -1; d 10 3 pipe 7 r; t 12 S poll 0x7000 1 -1;"
	 "d 12 1 pipe 7 w; d 12 3 socket 8 rw address=tcp_127.0.0.1:80_listen; running",
	 "hang suspected 10;zombie suspected 10", NULL},
	{"a server that was on its way when its reader waited already",
	 "p 10 1; p 11 10; p 12 11; x 11 0; t 10 S read 3; d 10 3 pipe 7 r; look; wait; t 12 S accept4 3; d 12 1 pipe 7 w;"
	 "d 12 3 socket 8 rw address=tcp_127.0.0.1:80_listen; running",
	 "hang suspected 10;zombie suspected 10",
	 "p10 (pid 10) has waited 1m 35s for a read of pipe:[7], held as writer"},
	{"a server whose script waits for it, and is ended",
	 "p 9 1; p 10 9; p 12 10; t 10 S wait4 -1; t 12 S accept4 3; d 12 3 socket 8 rw address=tcp_127.0.0.1:80_listen; look;"
	 "x 10 -15; t 12 S accept4 3; d 12 3 socket 8 rw address=tcp_127.0.0.1:80_listen; look; x 12 -15; x 9 -15",
	 "hang likely 12;zombie suspected 9", "; it listens for clients, and an idle server does no more than that"},
	{"a server that has had a client, and its user ends it",
	 "p 9 1; p 10 9; t 9 S wait4 -1; t 10 S epoll_wait 3 0x7000 1 0xffffffff; d 10 3 epoll 3 rw;"
	 "d 10 4 socket 8 rw address=tcp_127.0.0.1:80_listen; x 10 -2; x 9 -2",
	 "hang suspected 10", "; it listens for clients"},
	{"a server that does not accept a client of its run, and is ended",
	 "p 10 1; p 11 1; t 10 S accept4 3; d 10 3 socket 8 rw address=tcp_127.0.0.1:80_listen;"
	 "d 10 4 socket 7 rw address=tcp_1.2.3.4:80_->_1.2.3.4:81; t 11 S recvfrom 3;"
	 "d 11 3 socket 9 rw address=tcp_1.2.3.4:81_->_1.2.3.4:80; x 10 -15; x 11 -15",
	 "hang likely 10", "waits for an answer of pid 10"},
	{"a server left behind that holds up nothing",
	 "p 10 1; p 11 10; p 12 11; x 11 0; t 12 S accept4 3; d 12 3 socket 8 rw address=tcp_127.0.0.1:80_listen;"
	 "x 10 -15; x 12 -15",
	 "zombie suspected 10", NULL},
	{"a server that what started it waits for",
	 "p 10 1; p 12 10; t 10 S read 3; d 10 3 pipe 7 r; t 12 S accept4 3; d 12 1 pipe 7 w;"
	 "d 12 3 socket 8 rw address=tcp_127.0.0.1:80_listen; running",
	 "hang suspected 12", NULL},
	{"a client without a name that its server has not accepted",
	 "p 10 1; t 10 S recvfrom 3; d 10 3 socket 7 rw address=unix_->_/run/s; running", "hang suspected 10",
	 "socket:[7] (unix -> /run/s)"},
	/* terminals */
	{"a question", "p 10 1; t 10 S read 0; d 10 0 tty 3 rw; running", "hang suspected 10", "a read of terminal"},
	{"runs before it is seen to exit",
	 "p 10 1; t 10 S read 3; d 10 3 pipe 7 r; d 10 9 pipe 7 w out=99; look; m 10; x 10 -15", "hang likely 10",
	 NULL},
	{"an interactive program", "p 10 1; t 10 S pselect6 -; d 10 0 tty 3 rw; running", "", NULL},
	/* both ends of a pseudo-terminal in the run: what drives the other waits with one thread for the other one */
	{"waits for a prompt that is spelled otherwise",
	 "p 10 1; p 11 10;" DRIVER "t 11 S read 0; d 11 0 tty 4 rw path=/dev/pts/0; running", "deadlock likely 10",
	 "p11 (pid 11) waits for a read of terminal /dev/pts/0, whose other end is that of p10 (pid 10)"},
	{"the same, and what to do",
	 "p 10 1; p 11 10;" DRIVER "t 11 S read 0; d 11 0 tty 4 rw path=/dev/pts/0; x 10 -15; x 11 -1",
	 "deadlock likely 10", "what does it ask at its terminal, and what does the other end expect there?"},
	{"the same further down",
	 "p 10 1; p 11 10; p 12 11;" DRIVER "t 11 S wait4 -1; d 11 0 tty 4 rw path=/dev/pts/0; t 12 S read 0;"
	 "d 12 0 tty 4 rw path=/dev/pts/0; running",
	 "deadlock likely 10", NULL},
	{"what it drives computes", "p 10 1; p 11 10;" DRIVER "running", "", NULL},
	{"a child of that computes, while it lasts",
	 "p 10 1; p 11 10; p 12 11;" DRIVER "t 11 S wait4 -1; d 11 0 tty 4 rw path=/dev/pts/0; running",
	 "hang suspected 10", NULL},
	{"the same, and the run is ended",
	 "p 10 1; p 11 10; p 12 11;" DRIVER "t 11 S wait4 -1; d 11 0 tty 4 rw path=/dev/pts/0; look; u 12 1; " MINUTE
	 "u 12 2; x 10 -15; x 11 -1; x 12 -1",
	 "", NULL},
	{"what it drives sleeps",
	 "p 10 1; p 11 10;" DRIVER "t 11 S clock_nanosleep 0 0 1; d 11 0 tty 4 rw path=/dev/pts/0; running",
	 "hang suspected 10", NULL},
	{"it waits for its user's terminal as well",
	 "p 10 1; p 11 10;" DRIVER
	 "d 10 0 tty 9 rw path=/dev/pts/5; t 11 S read 0; d 11 0 tty 4 rw path=/dev/pts/0; running",
	 "", NULL},
	{"it waits for clients as well",
	 "p 10 1; p 11 10;" DRIVER "d 10 6 socket 9 rw address=tcp_127.0.0.1:80_listen; t 11 S read 0;"
	 "d 11 0 tty 4 rw path=/dev/pts/0; running",
	 "", NULL},
	{"its child reads from the terminal of both",
	 "p 10 1; p 11 10;" DRIVER
	 "d 10 0 tty 9 rw path=/dev/pts/5; t 11 S read 0; d 11 0 tty 9 rw path=/dev/pts/5; running",
	 "hang suspected 11", NULL},
	{"what drives it goes on",
	 "p 10 1; p 11 10; t 11 S read 0; d 11 0 tty 4 rw path=/dev/pts/0; d 10 3 tty 3 rw path=/dev/ptmx; running",
	 "hang suspected 11", NULL},
	/* stopped */
	{"waits for a child that is stopped", "p 10 1; p 11 10; t 10 S wait4 11; t 11 T -; running", "hang likely 11",
	 "p11 (pid 11) has been stopped for 1m 35s by a signal"},
	{"stopped, its parent runs", "p 10 1; p 11 10; t 11 T -; running", "hang suspected 11", NULL},
	{"stopped at its terminal", "p 10 1; p 11 10; t 10 S wait4 11; t 11 T -; d 11 0 tty 3 rw; running", "", NULL},
	{"held by a debugger", "p 10 1; p 11 10; t 10 S wait4 11; t 11 t - ptracer=50; running", "", NULL},
	/* what becomes of it */
	{"a lock held by a sleeper, and the run is ended",
	 "p 10 1; p 11 1; t 10 S flock 4 2; t 11 S clock_nanosleep 0 0 1;"
	 "d 10 4 file 8 r path=/w/db.lock; d 11 3 file 8 r lock=flock; x 10 -15; x 11 -15",
	 "hang likely 10", "for a lock of file /w/db.lock, held by p11 (pid 11)"},
	{"a lock whose holder goes on, and the run is ended",
	 "p 9 1; p 10 9; p 11 9; t 9 S wait4 -1; t 10 S flock 4 2;"
	 "d 10 4 file 8 r path=/w/db.lock; d 11 3 file 8 r lock=flock; x 10 -15; x 11 -15; x 9 -15",
	 "hang suspected 10", "held by p11 (pid 11); p11 (pid 11) goes on, and may release it"},
	{"a FIFO that nothing opens, and the run is ended",
	 "p 9 1; p 10 9; t 9 S wait4 -1; t 10 S openat -100 0 0 opening=/w/q; x 10 -15; x 9 -15", "hang likely 10",
	 "to open the FIFO /w/q whose other end no process opens, in openat"},
	{"the same by an older version, which did not say which",
	 "p 9 1; p 10 9; t 9 S wait4 -1; t 10 S openat -100 0 0; x 10 -15; x 9 -15", "hang likely 10",
	 "to open a FIFO whose other end no process opens, in openat"},
	{"a FIFO that nothing opens, and its time is up",
	 "p 8 1; p 9 8; p 10 9; t 10 S openat -100 0 0 opening=/w/q; x 10 -15 9; x 9 124; x 8 124", "hang likely 10",
	 "to open the FIFO /w/q"},
	{"the same further down",
	 "p 8 1; p 9 8; p 10 9; p 11 10; t 11 S openat -100 0 0 opening=/w/q; t 10 S wait4 -1;"
	 "x 11 -15 9; x 10 -15 9; x 9 124; x 8 124",
	 "hang likely 11", NULL},
	{"what is given some time, for a run that ends well",
	 "p 8 1; p 9 8; p 10 9; t 10 S openat -100 0 0 opening=/w/q; x 10 -15 9; x 9 124; x 8 0", "", NULL},
	/* a shell that reads what its child computes, x=$(compute) */
	{"a reader of a child that works until the run is ended",
	 "p 10 1; p 11 10; t 10 S read 3; d 10 3 pipe 7 r; d 11 4 pipe 7 w; look; u 11 1; u 11 2; " MINUTE
	 "u 11 5; x 10 -15; x 11 -15",
	 "", NULL},
	{"a reader of a child that has stopped working long before",
	 "p 10 1; p 11 10; t 10 S read 3; d 10 3 pipe 7 r; d 11 4 pipe 7 w; look; u 11 1; u 11 2; " MINUTE
	 "x 10 -15; x 11 -15",
	 "hang likely 10", NULL},
	/* words */
	{"polls its child's end, beside threads of its own that wait for work",
	 "p 10 1; p 11 10; t 10 S epoll_wait 3 0x5000 4 -1; t 10.12 S epoll_wait 4 0x5000 4 -1; t 10.13 S futex" POSTED
	 "; t 10.14 S futex" POSTED "; t 10.15 S futex" POSTED "; t 11 S read 0; d 10 5 socket 7 rw peer=8;"
	 "d 11 0 socket 8 rw peer=7; running",
	 "deadlock likely 10",
	 "without a time limit, and p11 (pid 11) has the other end of what it polls; p11 (pid 11) waits for a read of "
	 "socket:[8], held as peer by p10 (pid 10); its thread 13 waits on a condition variable or semaphore "
	 "(futex 0x2000) that only its 5 threads can signal; and 3 more"},
	{"polls what its children have, which go on",
	 "p 10 1; p 11 10; p 12 11; t 10 S epoll_wait 3 0x5000 4 -1; d 10 5 socket 7 rw peer=8; d 10 6 pipe 9 r;"
	 "d 11 0 socket 8 rw peer=7; d 12 1 pipe 9 w; running",
	 "hang suspected 10", "and p12 (pid 12), p11 (pid 11) have other ends of what it polls"},
	{"polls only itself",
	 "p 10 1; t 10 S epoll_wait 3 0x5000 1 -1; d 10 4 socket 7 rw peer=8; d 10 5 socket 8 rw peer=7; running",
	 "hang suspected 10", "and only itself has the other ends of its pipes and sockets"},
	{"the same, its process lives: where to look",
	 "p 10 1; t 10 S epoll_wait 3 0x5000 1 -1; d 10 4 socket 7 rw peer=8; d 10 5 socket 8 rw peer=7; running",
	 "hang suspected 10",
	 "only itself can wake it: which of its tasks should have? gdb -p 10 -batch -ex 'thread apply all bt'"},
	{"the same, its process has ended: where to look the next time",
	 "p 10 1; t 10 S epoll_wait 3 0x5000 1 -1; d 10 4 socket 7 rw peer=8; d 10 5 socket 8 rw peer=7; x 10 -15",
	 "hang likely 10",
	 "only itself can wake it: which of its tasks should have? It has ended; when it waits again: "
	 "gdb -p PID -batch -ex 'thread apply all bt'"},
	{"a FIFO that nothing opens: nothing to look at in a process that is gone",
	 "p 9 1; p 10 9; t 10 S openat -100 0 0 opening=/w/q; x 10 -15; x 9 -15", "hang likely 10",
	 "which program should open the other end of the FIFO?"},
	/* other jobs of the same make -j */
	{"a FIFO that nothing opens, another job has ended long before the run is ended",
	 "p 9 1; p 10 9; p 11 9; t 9 S wait4 -1; t 10 S openat -100 0 0; look; u 11 1; u 11 2; x 11 0; " MINUTE
	 "x 10 -15; x 9 -15",
	 "hang likely 10", NULL},
	{"the same, only the first process is seen to end, and the others to go on as they do",
	 "p 9 1; p 10 9; p 11 9; t 9 S wait4 -1; t 10 S openat -100 0 0; look; u 11 1; u 11 2; x 11 0; " MINUTE
	 "x 9 -15; m 9; m 10",
	 "hang likely 10", NULL},
	{"the same, what waits for it has itself written something until then, and outlives the first",
	 "p 8 1; p 9 8; p 10 9; t 10 S openat -100 0 0; look; u 9 1; u 9 2; " MINUTE
	 "u 9 3; x 8 -15; x 9 -15; x 10 -15",
	 "hang likely 10", NULL},
	{"make passes the signal on, and ends by it",
	 "p 9 1; p 8 9; x 8 0; p 10 9; t 9 S wait4 -1; t 10 S openat -100 0 0; x 10 -15 9; x 9 -15", "hang likely 10",
	 NULL},
	{"a script ends it long before the run is ended",
	 "p 9 1; p 8 9; x 8 0; p 10 9; t 10 S openat -100 0 0; x 10 -15 9; wait; x 9 -15", "", NULL},
	{"another job has got on until a moment before",
	 "p 9 1; p 10 9; p 11 9; t 9 S wait4 -1; t 10 S openat -100 0 0; look; u 11 1; " MINUTE
	 "u 11 2; wait; x 11 0; x 10 -15; x 9 -15",
	 "", NULL},
	{"a job that started others has got on until a moment before, and they outlive it",
	 "p 9 1; p 10 9; p 11 9; p 12 11; t 9 S wait4 -1; t 10 S openat -100 0 0; look; u 11 1; " MINUTE
	 "u 11 2; x 11 0; wait; x 10 -15; x 12 -15; x 9 -15",
	 "", NULL},
	{"a shell waits for what follows a file, and is ended",
	 "p 9 1; p 10 9; t 9 S wait4 -1; t 10 S read 4; d 10 4 inotify 8 r;"
	 "x 9 -15; x 10 -15",
	 "hang likely 9", "for its child p10 (pid 10); p10 (pid 10) waits for a read of inotify (changes of files)"},
	{"an idle server, ended by its own script",
	 "p 9 1; p 10 9; t 10 S accept4 3; d 10 3 socket 7 rw; x 10 -15 9; x 9 0", "", NULL},
	{"an idle pool of threads, ended by its own script",
	 "p 9 1; p 8 9; p 10 9; t 10 S futex 0x1000 0x189 0 0 word=0; t 10.12 S futex 0x2000 0x189 0 0 word=0;"
	 "x 10 -15 9; x 9 0",
	 "", NULL},
	{"the same, ended from outside",
	 "p 9 1; p 10 9; t 10 S futex 0x1000 0x189 0 0 word=0; t 10.12 S futex 0x2000 0x189 0 0 word=0;"
	 "x 10 -15; x 9 0",
	 "hang likely 10", NULL},
	{"a loop that might be woken by its own thread, on its way to its end by its own script",
	 "p 9 1; p 8 9; p 10 9; t 10 S futex 0x1000 0x189 0 0 word=0; t 10.12 S futex 0x2000 0x189 0 0 word=0; look; m 10;"
	 "x 10 -15 9; x 9 0",
	 "", NULL},
	{"two threads that hang, ended at a limit by what was there for that",
	 "p 9 1; p 10 9; t 10 S futex 0x1000 0x189 0 0 word=0; t 10.12 S futex 0x2000 0x189 0 0 word=0; x 10 -15 9;"
	 "x 9 1",
	 "hang likely 10", NULL},
	{"stopped, and ended by the process that waits for it",
	 "p 8 1; p 9 8; p 10 9; p 12 9; t 9 S wait4 10; t 10 T -; x 10 -9 9; x 9 0", "hang likely 10", NULL},
	{"waits for itself, ended by its own script",
	 "p 9 1; p 10 9; t 10 S read 3; d 10 3 fifo 7 rw; x 10 -15 9; x 9 0", "deadlock proven 10", NULL},
	{"a reader that goes on", "p 10 1; t 10 S read 3; d 10 3 socket 7 rw; look; m 10; x 10 0", "", NULL},
	{"a closed set that goes on by itself was none",
	 "p 10 1; t 10 S read 3; d 10 3 fifo 7 rw; look; p 12 1; x 12 0; m 10; x 10 0", "", NULL},
	{"a closed set that goes on to its end, as a signal ends it",
	 "p 10 1; t 10 S read 3; d 10 3 fifo 7 rw; look; p 12 1; x 12 0;"
	 "m 10; p 13 1; x 13 0; x 10 -9 1",
	 "deadlock proven 10", NULL},
	{"a FIFO that nothing opens, and it is on its way to its end",
	 "p 10 1; t 10 S openat -100 0 0; look; p 12 1; x 12 0; m 10;"
	 "p 13 1; x 13 0; x 10 -15",
	 "hang likely 10", NULL},
	{"a closed set that goes on, and is killed much later",
	 "p 10 1; t 10 S read 3; d 10 3 fifo 7 rw; look; p 12 1; x 12 0; m 10;"
	 "look; p 13 1; x 13 0; wait; x 10 -9 1",
	 "", NULL},
	{"a closed set that ends by itself was none", "p 10 1; t 10 S read 3; d 10 3 fifo 7 rw; x 10 0", "", NULL},
	{"one of a deadlock is killed, the other goes on",
	 "p 10 1; p 11 1; t 10 S read 3; t 11 S read 3; d 10 3 pipe 7 r;"
	 "d 10 4 pipe 8 w; d 11 3 pipe 8 r; d 11 4 pipe 7 w; x 11 -9 10; m 10; x 10 0",
	 "deadlock proven 10", NULL},
	{"a later picture replaces what an earlier one said",
	 "p 10 1; p 11 1; t 10 S read 3; d 10 3 pipe 7 r; d 11 4 pipe 7 w; look;"
	 "t 11 S read 3; d 11 3 pipe 8 r; d 11 4 pipe 7 w; d 10 3 pipe 7 r; d 10 4 pipe 8 w; running",
	 "deadlock proven 10", NULL},
	{"a holder that has closed its end since",
	 "p 10 1; p 11 1; p 12 1; t 10 S read 3; d 10 3 pipe 7 r; d 11 4 pipe 7 w;"
	 "d 12 4 pipe 7 w; look; t 11 S wait4 -1; d 11 4 pipe 7 w; d 10 3 pipe 7 r; running",
	 "hang suspected 10", NULL},
};

static void describe(const struct verdicts *verdicts, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < verdicts__count(verdicts); i++) {
		const struct verdict *verdict = verdicts__get(verdicts, i);

		used += snprintf(out + used, size - used, "%s%s %s %u", used ? ";" : "",
				 verdict_kind__name(verdict->kind), verdict_certainty__name(verdict->certainty),
				 verdict->pid);
	}
}

static void check(const struct situation *of)
{
	static struct stalled stalled;
	char seen[400];
	const char *evidence, *next;

	stalled__init(&stalled);
	stalled__tell(&stalled, of->story);
	describe(stalled.verdicts, seen, sizeof(seen));
	evidence = verdicts__count(stalled.verdicts) ? verdicts__get(stalled.verdicts, 0)->evidence : "";
	if (strcmp(seen, of->expect))
		fail_msg("%s: \"%s\", not \"%s\": %s", of->name, seen, of->expect, evidence);
	next = verdicts__count(stalled.verdicts) ? verdicts__get(stalled.verdicts, 0)->next : "";
	if (of->says && !strstr(evidence, of->says) && strcmp(next, of->says))
		fail_msg("%s: says: %s. %s", of->name, evidence, next);
	for (size_t i = 0; i < verdicts__count(stalled.verdicts); i++) {
		const struct verdict *verdict = verdicts__get(stalled.verdicts, i);

		assert_true(verdict->refute && verdict->next && verdict->members && verdict->since_ns);
		/* What is not proven, and not merely suspected, says what it lacks, or had to be ended with its run. */
		if (verdict->certainty == VERDICT_LIKELY && EVENT_IS_NULL(verdict->ended_ns) && stalled.running)
			assert_non_null(verdict->missing);
		assert_false(verdict->certainty == VERDICT_PROVEN && verdict->missing);
	}
	stalled__free(&stalled);
}

static void test_situations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(situations) / sizeof(*situations); i++)
		check(&situations[i]);
}

/* Each says at its end that the other one waits for it: the frame must not make a ring of them. */
static void test_parents_of_each_other(void **state)
{
	static struct stalled stalled;

	(void)state;
	stalled__init(&stalled);
	stalled__item(&stalled, "p 10 1");
	stalled__item(&stalled, "p 11 10");
	stalled.parents[10] = 11;
	stalled__tell(&stalled, "x 10 0; t 11 S read 3; d 11 3 fifo 7 rw; x 11 -9");
	assert_int_equal(verdicts__count(stalled.verdicts), 1);
	stalled__free(&stalled); /* under the leak sanitizer: all of it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_situations),
		cmocka_unit_test(test_parents_of_each_other),
	};

	return cmocka_run_group_tests_name("hang", tests, NULL, NULL);
}
