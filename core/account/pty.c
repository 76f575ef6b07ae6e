/* SPDX-License-Identifier: BSD-2-Clause */
/* A pseudo-terminal between the caller's terminal and a command of another user. */
#include "core/account/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/account/session.h"
#include "core/account/terminal.h"
#include "core/log.h"

#define FLOW_BYTES 16384
/* At the end: more than the kernel holds of a pseudo-terminal, and how long a terminal may take for it. */
#define LAST_BYTES (256 * 1024)
#define LAST_MS 5000
#define LEADER_MS 1000

/* From one descriptor to another. */
struct flow {
	size_t at, n;
	char data[FLOW_BYTES];
};

struct pty {
	struct terminal terminal;
	const struct passwd *user;
	int master, slave;
	int epoll;
	int signals;
	int socket; /* to the session's leader */
	pid_t leader;
	bool wanted;  /* the command is to have the terminal while this process's group has it */
	bool stopped; /* the command is */
	bool hung_up; /* the terminal is gone */
	bool master_gone;
	bool ended;
	int status;
	struct flow in, out;
};

static const int job_signals[] = {SIGTSTP, SIGTTIN, SIGTTOU};

/* ---- the two flows ---- */

static bool is_dry(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Reads if there is room. Returns whether the descriptor has failed. */
static bool fill(struct flow *flow, int fd)
{
	ssize_t n;

	if (flow->n)
		return false;
	n = read(fd, flow->data, sizeof(flow->data));
	if (n > 0) {
		flow->at = 0;
		flow->n = n;
	}
	return n <= 0 && !is_dry(n);
}

/* Writes what there is. Returns whether the descriptor has failed. */
static bool drain(struct flow *flow, int fd)
{
	ssize_t n;

	if (!flow->n)
		return false;
	n = write(fd, flow->data + flow->at, flow->n);
	if (n > 0) {
		flow->at += n;
		flow->n -= n;
	}
	return n < 0 && !is_dry(n);
}

static void watch(const struct pty *pty, int fd, int op, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	epoll_ctl(pty->epoll, op, fd, &event);
}

static void hang_up(struct pty *pty)
{
	if (!pty->hung_up)
		watch(pty, pty->terminal.fd, EPOLL_CTL_DEL, 0);
	pty->hung_up = true;
	pty->in.n = pty->out.n = 0;
}

static void pass_output(struct pty *pty)
{
	if (!pty->master_gone && fill(&pty->out, pty->master)) {
		pty->master_gone = true; /* no process has its other side */
		watch(pty, pty->master, EPOLL_CTL_DEL, 0);
	}
	if (pty->hung_up)
		pty->out.n = 0;
	else if (drain(&pty->out, pty->terminal.fd))
		hang_up(pty);
}

static void pass_input(struct pty *pty)
{
	if (pty->terminal.taken && !pty->hung_up && fill(&pty->in, pty->terminal.fd)) {
		if (terminal__is_ours(&pty->terminal))
			hang_up(pty);
		else
			terminal__give_back(&pty->terminal); /* EIO: this group is in the background now */
	}
	if (drain(&pty->in, pty->master))
		pty->in.n = 0;
}

/* Waits only for what can be passed on. */
static void watch_flows(const struct pty *pty)
{
	bool input = pty->terminal.taken && !pty->in.n;

	if (!pty->hung_up)
		watch(pty, pty->terminal.fd, EPOLL_CTL_MOD, (input ? EPOLLIN : 0) | (pty->out.n ? EPOLLOUT : 0));
	if (!pty->master_gone)
		watch(pty, pty->master, EPOLL_CTL_MOD, (pty->out.n ? 0 : EPOLLIN) | (pty->in.n ? EPOLLOUT : 0));
}

/* ---- the terminal's state ---- */

static void copy_size(const struct pty *pty)
{
	struct winsize size;

	if (!ioctl(pty->terminal.fd, TIOCGWINSZ, &size))
		ioctl(pty->master, TIOCSWINSZ, &size);
}

/* Takes the terminal for the command if both want it; continues the command. */
static void go_on(struct pty *pty)
{
	bool taken = pty->wanted && terminal__take(&pty->terminal);

	copy_size(pty);
	pty->stopped = false;
	session__send(pty->socket, SESSION_CONTINUE, taken);
}

static bool continued(void)
{
	sigset_t pending;

	return !sigpending(&pending) && sigismember(&pending, SIGCONT);
}

/* Stops this process's group, as the terminal would, until it is continued. Returns false if the kernel discards the
 * stop, as there is no shell that could continue the group. */
static bool stop_group(int number)
{
	sigset_t set, before;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(job_signals) / sizeof(job_signals[0]); i++)
		sigaddset(&set, job_signals[i]);
	kill(0, number);
	pthread_sigmask(SIG_UNBLOCK, &set, &before);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return continued();
}

static void on_stopped(struct pty *pty, int number)
{
	pty->stopped = true;
	if (number == SIGTTIN || number == SIGTTOU) {
		/* It was in the background of the pseudo-terminal, and needs the terminal. */
		pty->wanted = true;
		if (terminal__is_ours(&pty->terminal)) {
			go_on(pty);
			return;
		}
	}
	pass_output(pty);
	terminal__give_back(&pty->terminal);
	if (!stop_group(number == SIGSTOP ? SIGTSTP : number) && number == SIGTSTP)
		go_on(pty);
}

static void on_signal(struct pty *pty)
{
	struct signalfd_siginfo info;

	if (read(pty->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH)
		copy_size(pty);
	else if (!pty->ended && info.ssi_signo == SIGCONT)
		go_on(pty);
	else if (!pty->ended)
		pty__signal(pty, info.ssi_signo, true);
	else if (info.ssi_signo == SIGTSTP)
		stop_group(SIGTSTP);
}

static void on_ended(struct pty *pty, int status)
{
	pty->ended = true;
	pty->status = status;
	pass_output(pty);
	terminal__give_back(&pty->terminal);
}

static void on_message(struct pty *pty)
{
	struct session_message message;

	if (session__receive(pty->socket, &message)) {
		watch(pty, pty->socket, EPOLL_CTL_DEL, 0); /* pty__ended() finds out */
		return;
	}
	if (message.what == SESSION_STOPPED)
		on_stopped(pty, message.value);
	else if (message.what == SESSION_EXITED)
		on_ended(pty, message.value);
}

void pty__work(struct pty *pty)
{
	struct epoll_event events[4];
	int n = epoll_wait(pty->epoll, events, 4, 0);

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == pty->signals)
			on_signal(pty);
		else if (events[i].data.fd == pty->socket)
			on_message(pty);
		else if (events[i].data.fd == pty->terminal.fd && events[i].events & (EPOLLHUP | EPOLLERR))
			hang_up(pty);
	}
	pass_output(pty);
	pass_input(pty);
	watch_flows(pty);
}

/* ---- the command ---- */

/* A command of a shell's pipeline begins in the background of its pseudo-terminal: another one may read the terminal. */
static bool in_pipeline(void)
{
	struct stat st;

	for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++)
		if (!fstat(fd, &st) && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
			return true;
	return false;
}

int pty__lead(struct pty *pty, void (*command)(void *arg), void *arg)
{
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	pty->leader = fork();
	if (!pty->leader) {
		const struct session_opts opts = {
			.slave = pty->slave, .socket = ends[1], .user = pty->user, .command = command, .arg = arg};

		close(ends[0]);
		session__lead(&opts);
	}
	err = pty->leader < 0 ? -errno : 0;
	close(ends[1]);
	pty->socket = ends[0];
	return err;
}

pid_t pty__leader(const struct pty *pty)
{
	return pty->leader;
}

pid_t pty__start(struct pty *pty)
{
	struct session_message message = {0};
	int err;

	pty->wanted = !in_pipeline();
	err = session__send(pty->socket, SESSION_START, pty->wanted && terminal__is_ours(&pty->terminal));
	if (!err)
		err = session__receive(pty->socket, &message);
	if (err || message.value < 0)
		return err ? err : message.value;
	watch(pty, pty->socket, EPOLL_CTL_ADD, EPOLLIN);
	if (pty->wanted)
		terminal__take(&pty->terminal);
	watch_flows(pty);
	return message.value;
}

/* The user may stop the leader, or kill it. */
static void check_leader(struct pty *pty)
{
	struct session_message message;
	int status;

	if (pty->leader <= 0 || waitpid(pty->leader, &status, WNOHANG | WUNTRACED) != pty->leader)
		return;
	if (WIFSTOPPED(status)) {
		kill(pty->leader, SIGCONT);
		return;
	}
	pty->leader = 0;
	while (!pty->ended && !session__receive(pty->socket, &message))
		if (message.what == SESSION_EXITED)
			on_ended(pty, message.value);
	if (!pty->ended)
		on_ended(pty, status);
}

bool pty__ended(struct pty *pty, int *status)
{
	check_leader(pty);
	*status = pty->status;
	return pty->ended;
}

void pty__signal(struct pty *pty, int number, bool group)
{
	session__send(pty->socket, group ? SESSION_GROUP : SESSION_SIGNAL, number);
}

/* ---- from start to end ---- */

static int open_pair(struct pty *pty)
{
	int lock = 0;

	pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (pty->master < 0 || ioctl(pty->master, TIOCSPTLCK, &lock))
		return -errno;
	pty->slave = ioctl(pty->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty->slave < 0 || tcsetattr(pty->slave, TCSANOW, &pty->terminal.before))
		return -errno;
	/* The command may open it by name. */
	if (fchown(pty->slave, pty->user->pw_uid, -1) || fchmod(pty->slave, 0600))
		return -errno;
	copy_size(pty);
	return 0;
}

static int open_signals(struct pty *pty)
{
	sigset_t set;
	int err;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(job_signals) / sizeof(job_signals[0]); i++)
		sigaddset(&set, job_signals[i]);
	sigaddset(&set, SIGCONT);
	sigaddset(&set, SIGWINCH);
	err = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (err)
		return -err;
	/* These two are only blocked: a read in the background then fails, a write does not. */
	sigdelset(&set, SIGTTIN);
	sigdelset(&set, SIGTTOU);
	pty->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return pty->signals < 0 ? -errno : 0;
}

int pty__open(struct pty **result, const struct passwd *user)
{
	struct pty *pty = calloc(1, sizeof(*pty));
	int err;

	*result = NULL;
	if (!pty)
		return -ENOMEM;
	pty->user = user;
	pty->master = pty->slave = pty->epoll = pty->signals = pty->socket = -1;
	err = terminal__open(&pty->terminal);
	if (!err && pty->terminal.fd >= 0)
		err = open_pair(pty);
	if (!err && pty->terminal.fd >= 0)
		err = open_signals(pty);
	if (!err && pty->terminal.fd >= 0) {
		pty->epoll = epoll_create1(EPOLL_CLOEXEC);
		err = pty->epoll < 0 ? -errno : 0;
	}
	if (err || pty->terminal.fd < 0) {
		pty__close(pty);
		return err;
	}
	watch(pty, pty->signals, EPOLL_CTL_ADD, EPOLLIN);
	watch(pty, pty->master, EPOLL_CTL_ADD, EPOLLIN);
	watch(pty, pty->terminal.fd, EPOLL_CTL_ADD, 0);
	*result = pty;
	return 0;
}

int pty__fd(const struct pty *pty)
{
	return pty->epoll;
}

int pty__slave(const struct pty *pty)
{
	return pty->slave;
}

static int left_ms(uint64_t until)
{
	uint64_t now = clock__boot();

	return now < until ? (int)((until - now) / 1000000) : 0;
}

/* What was written before the end: a process that goes on writing does not hold us. */
static void write_last(struct pty *pty)
{
	uint64_t until = clock__boot() + LAST_MS * 1000000ull;

	for (size_t bytes = 0; !pty->hung_up && bytes < LAST_BYTES;) {
		struct pollfd room = {.fd = pty->terminal.fd, .events = POLLOUT};

		if (!pty->out.n) {
			if (fill(&pty->out, pty->master) || !pty->out.n)
				return;
			bytes += pty->out.n;
		}
		if (drain(&pty->out, pty->terminal.fd))
			return;
		if (pty->out.n && poll(&room, 1, left_ms(until)) <= 0) {
			log__warn("the terminal does not take the last output of the command");
			return;
		}
	}
}

/* Its session ends with it. */
static void end_leader(struct pty *pty)
{
	struct session_message message;
	struct pollfd end = {.fd = pty->socket, .events = POLLIN};
	uint64_t until = clock__boot() + LEADER_MS * 1000000ull;

	if (pty->leader <= 0)
		return;
	shutdown(pty->socket, SHUT_WR);
	while (poll(&end, 1, left_ms(until)) > 0)
		if (session__receive(pty->socket, &message))
			break;
	kill(pty->leader, SIGKILL); /* it has exited, or the user has stopped it */
	waitpid(pty->leader, NULL, 0);
}

static void close_all(const struct pty *pty)
{
	const int fds[] = {pty->master, pty->slave, pty->epoll, pty->signals, pty->socket};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void pty__close(struct pty *pty)
{
	if (!pty)
		return;
	if (pty->epoll >= 0)
		write_last(pty);
	terminal__close(&pty->terminal);
	end_leader(pty);
	close_all(pty);
	free(pty);
}
