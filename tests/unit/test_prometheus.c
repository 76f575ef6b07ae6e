/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/prometheus: bounds and text of metrics, and the server with clients that do not behave. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sinks/prometheus/prometheus.h"
#include "tests/unit/sink_made.h"

#define NOW (1800000000 * S)

/* ---- metrics ---- */

static void what_is_written_is_read(void **state)
{
	struct metrics metrics = {0}, again = {0};
	struct text labels = {0}, first = {0}, second = {0};
	struct error err;

	(void)state;
	assert_int_equal(metrics__pipeline(&metrics, &labels, "a\"}b\\c\nd\xff", NOW), 0);
	assert_string_equal(labels.data, "pipeline=\"a\\\"}b\\\\c\\\\nd\\\\xff\"");
	assert_int_equal(metrics__step(&metrics, &labels, "\",step=\"", NOW), 0);
	assert_int_equal(metrics__put(&metrics, METRIC_STEP_CPU, METRIC_ADD, labels.data, 1500 * MS + 1), 0);
	assert_int_equal(metrics__put(&metrics, METRIC_RUNS, METRIC_ADD, "state=\"ended\"", UINT64_MAX), 0);
	metrics__write(&metrics, &first, true);
	assert_has(first.data, "\",step=\"\\\",step=\\\"\"} 1.500000001\n");
	assert_int_equal(metrics__read(&again, first.data, NOW + 86400 * S, &err), 0);
	metrics__write(&again, &second, true);
	assert_string_equal(second.data, first.data);
	assert_int_equal(again.steps, 1);
	assert_int_equal(again.pipelines, 1);
	text__free(&labels);
	text__free(&first);
	text__free(&second);
	metrics__free(&metrics);
	metrics__free(&again);
}

static void pipelines_are_bounded(void **state)
{
	struct metrics metrics = {0};

	(void)state;
	for (int i = 0; i < METRICS_PIPELINES + 2; i++) {
		struct text labels = {0};
		char name[16];

		snprintf(name, sizeof(name), "p%d", i);
		assert_int_equal(metrics__pipeline(&metrics, &labels, name, NOW), 0);
		if (i >= METRICS_PIPELINES)
			assert_string_equal(labels.data, "pipeline=\"other\"");
		text__free(&labels);
	}
	assert_true(metrics__has(&metrics, METRIC_SEEN, "pipeline=\"p199\""));
	assert_int_equal(metrics.pipelines, METRICS_PIPELINES + 1);
	metrics__free(&metrics);
}

static void only_the_last_runs_are_known(void **state)
{
	struct metrics metrics = {0};
	struct text out = {0};
	char labels[32];

	(void)state;
	for (int i = 0; i < METRICS_RUNS + 1; i++) {
		snprintf(labels, sizeof(labels), "marker=\"%d\"", i);
		assert_int_equal(metrics__put(&metrics, METRIC_RUN, METRIC_SET, labels, NOW + (uint64_t)i), 0);
	}
	metrics__write(&metrics, &out, true);
	assert_has_not(out.data, "{marker=\"0\"}");
	assert_has(out.data, "{marker=\"1\"}");
	text__free(&out);
	metrics__free(&metrics);
}

static void damage_is_found(void **state)
{
	static const char *const lines[] = {
		"collector_runs{state=\"ended\"} ",
		"collector_runs{state=\"ended\"} 1.5",
		"collector_runs{state=\"ended\" 1",
		"collector_walks{state=\"ended\"} 1",
		"collector_step_cpu_seconds_total{step=\"a\"} 1",
		"collector_step_cpu_seconds_total{step=\"a\"} 99999999999999999999.000000000",
		"node_load1 1"};
	struct metrics none = {0};
	struct text head = {0};
	struct error err;

	(void)state;
	metrics__write(&none, &head, true);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct metrics metrics = {0};
		struct text text = {0};

		text__printf(&text, "%scollector_runs{state=\"running\"} 1\n%s\n", head.data, lines[i]);
		assert_int_equal(metrics__read(&metrics, text.data, NOW, &err), -EBADMSG);
		assert_int_equal(metrics.series.count, 0);
		text__free(&text);
		metrics__free(&metrics);
	}
	text__free(&head);
}

/* ---- the server ---- */

static int connect_to(unsigned port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* The answer to its end. */
static void ask_port(unsigned port, const char *request, char answer[PAGE])
{
	int fd = connect_to(port);
	size_t size = 0;
	ssize_t n;

	assert_int_equal(write_all(fd, request, strlen(request)), 0);
	while ((n = recv(fd, answer + size, PAGE - 1 - size, 0)) > 0)
		size += (size_t)n;
	answer[size] = '\0';
	close(fd);
}

static void ask(const struct server *server, const char *request, char answer[PAGE])
{
	ask_port(server__port(server), request, answer);
}

static struct server *started(void)
{
	struct server *server;
	struct error err;

	assert_int_equal(server__start(&server, "127.0.0.1:0", &err), 0);
	assert_int_equal(server__publish(server, "a 1\n", 4), 0);
	return server;
}

static void requests_are_answered(void **state)
{
	static const struct {
		const char *request, *begins, *has, *lacks;
	} cases[] = {
		{"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\na 1\n", "HTTP/1.0"},
		{"GET /metrics?x=1 HTTP/1.0\n\n", "HTTP/1.1 200 OK\r\n", "process_cpu_seconds_total", "404"},
		{"HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Content-Length: ", "a 1"},
		{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "see /metrics", "a 1"},
		{"GET /metricses HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "see /metrics", "a 1"},
		{"POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ", "Content-Length: 0", "a 1"},
	};
	struct server *server = started();
	char answer[PAGE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ask(server, cases[i].request, answer);
		assert_memory_equal(answer, cases[i].begins, strlen(cases[i].begins));
		assert_has(answer, cases[i].has);
		assert_has_not(answer, cases[i].lacks);
	}
	server__stop(server);
}

static void idle_and_endless_clients_hold_up_none(void **state)
{
	struct server *server = started();
	char answer[PAGE], *endless = malloc(20000);
	int idle[40];

	(void)state;
	assert_non_null(endless);
	for (size_t i = 0; i < sizeof(idle) / sizeof(*idle); i++)
		idle[i] = connect_to(server__port(server));
	ask(server, "GET /metrics HTTP/1.1\r\n\r\n", answer);
	assert_has(answer, "a 1\n");
	memset(endless, 'x', 20000);
	/* closed before it is read as a whole: perhaps while it is still sent */
	(void)!send(idle[39], endless, 20000, MSG_NOSIGNAL);
	ask(server, "GET /metrics HTTP/1.1\r\n\r\n", answer);
	assert_has(answer, "a 1\n");
	assert_true(recv(idle[39], answer, 1, 0) <= 0);
	for (size_t i = 0; i < sizeof(idle) / sizeof(*idle); i++)
		close(idle[i]);
	server__stop(server);
	free(endless);
}

/* Scrapes of the sink itself, at a port that was free a moment ago. */
static void what_is_served_while_a_run_goes_on(void **state)
{
	struct server *server = started();
	unsigned port = server__port(server);
	char options[64], answer[PAGE];
	struct page_test *t;

	(void)state;
	server__stop(server);
	snprintf(options, sizeof(options), "listen=%u,interval=0s", port);
	t = begin_with(options, 7);
	ask_port(port, "GET /metrics HTTP/1.1\r\n\r\n", answer);
	assert_has(answer, "\ncollector_runs{state=\"running\"} 0\n");
	EXEC(.at = 1 * S, .pid = 10, .exe = "./ci.sh", .args = "bash|./ci.sh|");
	EXEC(.at = 2 * S, .pid = 10, .exe = "./ci.sh", .args = "bash|./ci.sh|");
	assert_int_equal(collector_sink->flush(t->sink, false), 0);
	ask_port(port, "GET /metrics HTTP/1.1\r\n\r\n", answer);
	assert_has(answer, "\ncollector_runs{state=\"running\"} 1\n");
	assert_has(answer, "\ncollector_sink_lag_seconds{sink=\"prometheus\"} ");
	END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1 << 20);
	print(t, true);
	ask_port(port, "GET /metrics HTTP/1.1\r\n\r\n", answer);
	assert_has(answer, "\ncollector_runs{state=\"running\"} 0\n");
	assert_has(answer, "\ncollector_runs{state=\"ended\"} 1\n");
	assert_has_not(answer, "# run");
	end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(pipelines_are_bounded),
		cmocka_unit_test(only_the_last_runs_are_known),
		cmocka_unit_test(damage_is_found),
		cmocka_unit_test(requests_are_answered),
		cmocka_unit_test(idle_and_endless_clients_hold_up_none),
		cmocka_unit_test(what_is_served_while_a_run_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
