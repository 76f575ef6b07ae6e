/* SPDX-License-Identifier: BSD-2-Clause */
/* The status: its text there and back, cut and of other versions; and the server with clients that do not read, send, go or
 * come in numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/status/status.h"
#include "core/text.h"

static struct status_run runs[] = {{.run = "make-1", .uid = 7, .lost = UINT64_MAX}, {.run = "a b  c"}};
static struct status_sink sinks[] = {{.sink = "jsonl", .why = "line\nbreak"}};
static const struct status all = {
	.daemon = {.pid = 4711, .config = "/etc/with blank", .since = 5, .recorder = 1},
	.runs = runs,
	.runs_count = 2,
	.sinks = sinks,
	.sinks_count = 1,
};

/* ---- the text ---- */

static void test_there_and_back(void **state)
{
	struct text text = {0};
	struct status back;

	(void)state;
	status__write(&text, &all);
	assert_int_equal(status__read(&back, text.data), 0);
	assert_memory_equal(&back.daemon, &all.daemon, sizeof(all.daemon));
	assert_int_equal(back.runs_count, 2);
	assert_memory_equal(back.runs, runs, sizeof(runs));
	assert_int_equal(back.sinks_count, 1);
	assert_string_equal(back.sinks[0].why, "line?break");
	status__free(&back);
	text__free(&text);
}

/* Only the whole is one. */
static void test_cut(void **state)
{
	struct text text = {0};

	(void)state;
	status__write(&text, &all);
	for (size_t size = 0; size < text.size - 1; size++) {
		char *cut = strndup(text.data, size);
		struct status back;

		assert_int_equal(status__read(&back, cut), -EBADMSG);
		free(cut);
	}
	text__free(&text);
}

static void test_other_versions(void **state)
{
	static const char text[] =
		"collector-status 1\ndaemon\n pid 12\n later 1\n nothing\nnews\n pid 13\n config /x\n"
		"run\n run %s\n uid -5\nend\n";
	char longest[4096], bytes[8192];
	struct status back;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	snprintf(bytes, sizeof(bytes), text, longest);
	assert_int_equal(status__read(&back, bytes), 0);
	assert_int_equal(back.daemon.pid, 12);
	assert_string_equal(back.daemon.config, "");
	assert_int_equal(strlen(back.runs[0].run), sizeof(back.runs[0].run) - 1);
	status__free(&back);
	strcpy(bytes, "collector-status 2\nend\n");
	assert_int_equal(status__read(&back, bytes), -EBADMSG);
}

static void test_printed(void **state)
{
	struct text text = {0};

	(void)state;
	status_print__json(&text, &all);
	assert_non_null(strstr(text.data, "{\"running\":true,"));
	assert_non_null(strstr(text.data, "\"run\":\"a b  c\",\"name\":null,\"uid\":0,\"began\":null,"));
	assert_non_null(strstr(text.data, "\"why\":\"line\\nbreak\""));
	text__free(&text);
	status_print__text(&text, &all);
	assert_non_null(strstr(text.data, "PID                       4711\n"));
	text__free(&text);
}

/* ---- the server ---- */

#define PLACES 16
#define BYTES (1 << 20) /* of an answer: more than a socket takes */

struct fixture {
	char path[64];
	int folder;
	struct status_server *server;
	unsigned asked;
};

static void on_ask(void *arg)
{
	struct fixture *f = arg;

	f->asked++;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err;

	strcpy(f->path, "/tmp/status-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->folder = open(f->path, O_PATH | O_DIRECTORY);
	assert_int_equal(status_server__open(&f->server, f->folder, "s", on_ask, f, &err), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	status_server__close(f->server);
	close(f->folder);
	assert_int_equal(rmdir(f->path), 0); /* the socket has gone */
	free(f);
	return 0;
}

static int connected(const struct fixture *f)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void answer(struct fixture *f, size_t size, bool keep)
{
	struct text text = {0};

	while (text.size < size)
		text__put(&text, "0123456789abcdef", 16);
	status_server__answer(f->server, &text, keep);
	text__free(&text);
}

/* Bytes until the end; what is not there yet is waited for, with the server at work. */
static size_t read_to_end(struct fixture *f, int fd)
{
	char bytes[65536];
	size_t size = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) != 0) {
		struct pollfd ready[] = {{fd, POLLIN, 0}, {status_server__fd(f->server), POLLIN, 0}};

		if (n > 0) {
			size += n;
			continue;
		}
		assert_int_equal(errno, EAGAIN);
		assert_true(poll(ready, 2, 20000) > 0);
		status_server__work(f->server);
	}
	return size;
}

static void work_until_asked(struct fixture *f, unsigned times)
{
	struct pollfd ready = {status_server__fd(f->server), POLLIN, 0};

	while (f->asked < times) {
		assert_int_equal(poll(&ready, 1, 20000), 1);
		status_server__work(f->server);
	}
}

static void test_an_answer(void **state)
{
	struct fixture *f = *state;
	int first = connected(f), second = connected(f), third;

	status_server__work(f->server);
	assert_int_equal(f->asked, 1);
	answer(f, BYTES, true);
	third = connected(f);
	status_server__work(f->server);
	assert_int_equal(f->asked, 1); /* the same one again */
	assert_int_equal(read_to_end(f, first), BYTES);
	assert_int_equal(read_to_end(f, second), BYTES);
	assert_int_equal(read_to_end(f, third), BYTES);
	close(first);
	close(second);
	close(third);
}

static void test_not_kept(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 1; i <= 3; i++) {
		int client = connected(f);

		status_server__work(f->server);
		assert_int_equal(f->asked, i);
		answer(f, 32, false);
		assert_int_equal(read_to_end(f, client), 32);
		close(client);
	}
}

/* All places are taken by clients that do not read: one more gets its turn when one goes, or their time is over, and the server
 * does not spin meanwhile. */
static void test_none_reads(void **state)
{
	struct fixture *f = *state;
	struct pollfd ready = {status_server__fd(f->server), POLLIN, 0};
	int clients[PLACES], more[2];

	for (size_t i = 0; i < PLACES; i++) {
		clients[i] = connected(f);
		assert_int_equal(send(clients[i], "GET", 3, 0), 3);
	}
	status_server__work(f->server);
	answer(f, BYTES, false);
	more[0] = connected(f);
	more[1] = connected(f);
	status_server__work(f->server);
	assert_int_equal(f->asked, 1);
	assert_int_equal(poll(&ready, 1, 0), 0);
	close(clients[0]);
	work_until_asked(f, 2);
	answer(f, BYTES, false);
	work_until_asked(f, 3);
	answer(f, BYTES, false);
	assert_int_equal(read_to_end(f, more[1]), BYTES);
	for (size_t i = 1; i < PLACES; i++)
		close(clients[i]);
	close(more[0]);
	close(more[1]);
}

static void test_they_go(void **state)
{
	struct fixture *f = *state;
	int client;

	for (size_t i = 0; i < 1000; i++) {
		client = connected(f);
		if (i % 2)
			status_server__work(f->server);
		close(client);
		status_server__work(f->server);
	}
	client = connected(f);
	status_server__work(f->server);
	answer(f, 16, false);
	assert_int_equal(read_to_end(f, client), 16);
	close(client);
}

static void test_one_server(void **state)
{
	struct fixture *f = *state;
	struct status_server *second;
	struct error err;

	assert_int_equal(status_server__open(&second, f->folder, "s", on_ask, f, &err), -EADDRINUSE);
	assert_int_equal(status_client__ask(f->path, "none", &(char *){NULL}), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_other_versions),
		cmocka_unit_test(test_printed),
		cmocka_unit_test_setup_teardown(test_an_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_none_reads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_they_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_server, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
