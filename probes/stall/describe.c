/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of system calls and of kinds of descriptors, addresses of sockets. */
#include "core/probe.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "probes/stall/describe.h"
#include "probes/stall/stall.h"

#define TCP_LISTEN 10 /* of struct stall_socket.state, as in the kernel */

static void put_args(struct stall_stuck *e)
{
	size_t at = 0;

	for (int i = 0; i < STALL_ARGS; i++)
		at += snprintf(e->args_text + at, sizeof(e->args_text) - at, "0x%llx", (unsigned long long)e->args[i]) +
		      1;
	e->syscall_args = (struct event_list){.offset = offsetof(struct stall_stuck, args_text), .length = at};
}

void describe__thread(struct stall_stuck *e, const struct core_api *api)
{
	const char *name = EVENT_IS_NULL(e->number) ? NULL : api->syscall_name(e->number);
	__u32 reason = EVENT_IS_NULL(e->number) ? EVENT_NULL_REASON(e->number) : EVENT_REASON_NONE;
	int length;

	if (EVENT_IS_NULL(e->number)) {
		e->syscall = (struct event_string){.reason = reason ? reason : EVENT_NOT_APPLICABLE};
		e->syscall_args = (struct event_list){.reason = e->syscall.reason};
		return;
	}
	if (name)
		length = snprintf(e->syscall_text, sizeof(e->syscall_text), "%s", name);
	else
		length = snprintf(e->syscall_text, sizeof(e->syscall_text), "%llu", (unsigned long long)e->number);
	e->syscall = (struct event_string){.offset = offsetof(struct stall_stuck, syscall_text), .length = length};
	put_args(e);
}

/* ---- kinds of descriptors ---- */

static const char *const type_names[STALL_TYPES] = {
	[STALL_BY_MODE] = "other",     [STALL_BY_NAME] = "other",   [STALL_PIPE] = "pipe",
	[STALL_PIDFD] = "pidfd",       [STALL_FILE] = "file",	    [STALL_DIRECTORY] = "directory",
	[STALL_FIFO] = "fifo",	       [STALL_SOCKET] = "socket",   [STALL_TTY] = "tty",
	[STALL_NULL] = "null",	       [STALL_CHAR] = "char",	    [STALL_BLOCK] = "block",
	[STALL_EVENTFD] = "eventfd",   [STALL_EPOLL] = "epoll",	    [STALL_TIMERFD] = "timerfd",
	[STALL_SIGNALFD] = "signalfd", [STALL_INOTIFY] = "inotify", [STALL_IO_URING] = "io_uring",
	[STALL_OTHER] = "other",
};

const char *describe__type(uint64_t type)
{
	return type < STALL_TYPES ? type_names[type] : "other";
}

/* As the kernel calls the inode; some names have brackets. */
static const struct {
	const char *name;
	enum stall_type type;
} anonymous[] = {
	{"[eventfd]", STALL_EVENTFD},	{"[eventpoll]", STALL_EPOLL}, {"[timerfd]", STALL_TIMERFD},
	{"[signalfd]", STALL_SIGNALFD}, {"inotify", STALL_INOTIFY},   {"[io_uring]", STALL_IO_URING},
	{"[pidfd]", STALL_PIDFD},
};

static enum stall_type type_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(anonymous) / sizeof(anonymous[0]); i++)
		if (!strncmp(name, anonymous[i].name, STALL_ANONYMOUS))
			return anonymous[i].type;
	return STALL_OTHER;
}

static enum stall_type type_by_mode(const struct stall_descriptor *e)
{
	switch (e->file_mode & S_IFMT) {
	case S_IFREG:
		return STALL_FILE;
	case S_IFDIR:
		return STALL_DIRECTORY;
	case S_IFIFO:
		return STALL_FIFO;
	case S_IFSOCK:
		return STALL_SOCKET;
	case S_IFBLK:
		return STALL_BLOCK;
	case S_IFCHR:
		return e->rdev == DEVICE_NULL ? STALL_NULL : device__is_terminal(e->rdev) ? STALL_TTY : STALL_CHAR;
	default:
		return STALL_OTHER;
	}
}

/* ---- addresses ---- */

struct text_buffer {
	char *text;
	size_t length, size;
};

static void __attribute__((format(printf, 2, 3))) append(struct text_buffer *b, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(b->text + b->length, b->size - b->length, format, args);
	va_end(args);
	if (n > 0)
		b->length = b->length + n < b->size ? b->length + n : b->size - 1;
}

/* An abstract name begins with a NUL, shown as ss(8) does. A path ends with one. */
static void append_name(struct text_buffer *b, const __u8 *name, __u32 length)
{
	if (length > STALL_ADDRESS)
		length = STALL_ADDRESS;
	while (length && *name && !name[length - 1])
		length--;
	for (__u32 i = 0; i < length; i++)
		append(b, "%c", name[i] ? name[i] : '@');
}

static void append_end(struct text_buffer *b, const __u8 *address, __u32 length, unsigned port)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(length == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
	append(b, length == 4 ? "%s:%u" : "[%s]:%u", text, port);
}

static void append_inet(struct text_buffer *b, const struct stall_socket *s)
{
	append(b, "%s ", s->type == SOCK_STREAM ? "tcp" : s->type == SOCK_DGRAM ? "udp" : "ip");
	append_end(b, s->local, s->local_length, s->local_port);
	if (s->remote_length) {
		append(b, " -> ");
		append_end(b, s->remote, s->remote_length, s->remote_port);
	} else if (s->type == SOCK_STREAM && s->state == TCP_LISTEN) {
		append(b, " listen");
	}
}

static void put_address(struct stall_descriptor *e)
{
	struct text_buffer b = {.text = e->address_text, .size = sizeof(e->address_text)};
	const struct stall_socket *s = &e->socket;

	if ((s->family == AF_INET || s->family == AF_INET6) && s->local_length) {
		append_inet(&b, s);
	} else if (s->family == AF_UNIX && (s->local_length || s->remote_length)) {
		append(&b, s->local_length ? "unix " : "unix -> ");
		append_name(&b, s->local_length ? s->local : s->remote,
			    s->local_length ? s->local_length : s->remote_length);
	} else {
		e->address = (struct event_string){.reason = EVENT_NOT_APPLICABLE};
		return;
	}
	e->address =
		(struct event_string){.offset = offsetof(struct stall_descriptor, address_text), .length = b.length};
}

void describe__descriptor(struct stall_descriptor *e)
{
	if (e->type == STALL_BY_NAME)
		e->type = type_by_name(e->path_text);
	else if (e->type == STALL_BY_MODE)
		e->type = type_by_mode(e);
	e->device = device__shown(e->device);
	put_address(e);
}
