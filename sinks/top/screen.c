/* SPDX-License-Identifier: BSD-2-Clause */
/* Draws the tree once a second and at each key, by ncurses. */
#include "sinks/top/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sinks/top/view.h"

#define INTERVAL_MS 1000
#define HEAD 3 /* lines above the rows, without verdicts */
#define VERDICTS 3
#define JUDGE_NS 2000000000ULL /* between passes, beside what they need */
#define ESCAPE 27
#define CTRL_C 3

enum mode { LIST, DETAIL, ASK_FILTER };

struct screen {
	struct model *model;
	struct verdict_pass *pass;
	struct buffer found; /* of the last one */
	int head;	     /* lines above the rows */
	pthread_mutex_t *lock;
	pthread_t thread, merge; /* merge: the thread that feeds the model */
	int stop;		 /* an eventfd */
	atomic_bool left;

	SCREEN *terminal;
	FILE *out;
	int stderr_fd, held; /* the real one; what was printed meanwhile. -1: it is not a terminal */

	bool colour, utf8;
	enum mode mode;
	size_t detail_top;
	struct view view;
	struct view_rows rows;
	struct live_tree tree;
};

/* ---- drawing ---- */

static int attributes(const struct screen *s, enum text_style style)
{
	static const struct {
		int attributes, colour;
	} styles[] = {
		[TEXT_PLAIN] = {A_NORMAL, 0},
		[TEXT_BOLD] = {A_BOLD, 0},
		[TEXT_DIM] = {A_DIM, 0},
		[TEXT_RED] = {A_NORMAL, COLOR_RED},
		[TEXT_RED_BOLD] = {A_BOLD, COLOR_RED},
		[TEXT_YELLOW] = {A_NORMAL, COLOR_YELLOW},
	};

	return styles[style].attributes | (s->colour ? COLOR_PAIR(styles[style].colour) : 0);
}

/* In a locale of another encoding than UTF-8 only ASCII is shown. */
static void put_line(const struct screen *s, int y, int attribute, struct text *text)
{
	text__put(text, "", 1);
	if (y < LINES && !text->error) {
		for (char *at = text->data; !s->utf8 && *at; at++)
			*at = (unsigned char)*at < 128 ? *at : '?';
		attrset(attribute);
		mvaddstr(y, 0, text->data);
		if (attribute & A_REVERSE)
			for (int x = getcurx(stdscr); x < COLS && getcury(stdscr) == y; x++)
				addch(' ');
		attrset(A_NORMAL);
	}
	text__free(text);
	*text = (struct text){0};
}

static void draw_row(struct screen *s, int y, size_t at)
{
	const struct view_row *row = &s->rows.rows[at];
	struct text text = {0};

	line__row(&text, row, (size_t)COLS);
	put_line(s, y, attributes(s, line__style(row->node)) | (at == s->view.at ? A_REVERSE : 0), &text);
}

static void draw_list(struct screen *s)
{
	size_t height = LINES > s->head + 1 ? (size_t)(LINES - s->head - 1) : 0;

	view__scroll(&s->view, s->rows.count, height);
	for (size_t i = 0; i < height && s->view.top + i < s->rows.count; i++)
		draw_row(s, s->head + (int)i, s->view.top + i);
}

/* Lines of the detail from detail_top on; that is not more than there are. */
static void draw_detail(struct screen *s)
{
	struct text text = {0}, line = {0};
	const char *at, *end;
	size_t lines = 0;

	if (s->rows.count)
		detail__put(&text, s->rows.rows[s->view.at].node, (size_t)COLS);
	text__put(&text, "", 1);
	for (at = text.error ? "" : text.data; *at; at = end + 1, lines++) {
		end = strchr(at, '\n');
		if (lines < s->detail_top || s->head + lines - s->detail_top >= (size_t)LINES - 1)
			continue;
		text__put(&line, at, (size_t)(end - at));
		put_line(s, s->head + (int)(lines - s->detail_top), A_NORMAL, &line);
	}
	if (s->detail_top >= lines)
		s->detail_top = lines ? lines - 1 : 0;
	text__free(&text);
}

static void draw_help(struct screen *s)
{
	const struct view *view = &s->view;
	struct text line = {0}, whole = {0};

	if (s->mode == ASK_FILTER)
		text__printf(&whole, "show only (Enter: keep, Esc: all): ");
	else if (s->mode == DETAIL)
		text__printf(&whole, "Esc back  Up Down scroll  q quit");
	else
		text__printf(&whole, "q quit  Space fold  Enter detail  / filter  s sort:%s%s  r reverse  t %s",
			     view_sort__name(view->sort), view->reverse ? " up" : "", view->flat ? "tree" : "list");
	if (*view->filter || s->mode == ASK_FILTER) {
		text__printf(&whole, "%s", s->mode == ASK_FILTER ? "" : "  only: ");
		text__safe(&whole, view->filter, strlen(view->filter));
	}
	text__cut(&line, whole.data ? whole.data : "", (size_t)COLS - 1);
	text__free(&whole);
	put_line(s, LINES - 1, A_BOLD, &line);
}

/* Below the two lines on all; the rows begin after them. */
static void draw_verdicts(struct screen *s)
{
	struct verdict_found verdict;
	struct text text = {0};
	const char *evidence;
	size_t at = 0;

	for (s->head = HEAD; s->head < HEAD + VERDICTS && (evidence = verdict_found__next(&s->found, &at, &verdict));) {
		line__verdict(&text, &verdict, evidence, (size_t)COLS);
		put_line(s, s->head++ - 1, attributes(s, line__verdict_style(&verdict)), &text);
	}
}

static void draw_head(struct screen *s)
{
	struct text text = {0};

	for (int i = 0; i < 2; i++) {
		line__head(&text, &s->tree, i, (size_t)COLS);
		put_line(s, i, i ? A_NORMAL : A_BOLD, &text);
	}
	draw_verdicts(s);
	if (s->mode == DETAIL)
		return;
	line__headings(&text, (size_t)COLS);
	put_line(s, s->head - 1, A_REVERSE, &text);
}

/* 0 or -ENOMEM. */
static int draw(struct screen *s)
{
	int rc;

	pthread_mutex_lock(s->lock);
	if (clock__boot() >= verdict_pass__due(s->pass) + JUDGE_NS)
		verdict_pass__run(s->pass, &s->found);
	rc = live_tree__build(&s->tree, s->model, true);
	if (!rc)
		rc = view__arrange(&s->view, &s->tree, &s->rows);
	erase();
	if (!rc) {
		draw_head(s);
		if (s->mode == DETAIL)
			draw_detail(s);
		else
			draw_list(s);
		draw_help(s);
	}
	pthread_mutex_unlock(s->lock);
	refresh();
	return rc;
}

/* ---- keys; the rows are those that were drawn ---- */

static void move_by(struct screen *s, int key)
{
	size_t page = LINES > s->head + 2 ? (size_t)(LINES - s->head - 2) : 1, at = s->view.at, last = s->rows.count;
	size_t *where = s->mode == DETAIL ? &s->detail_top : &at;

	switch (key) {
	case KEY_UP:
	case 'k':
		*where -= *where > 0;
		break;
	case KEY_DOWN:
	case 'j':
		++*where;
		break;
	case KEY_PPAGE:
		*where -= *where < page ? *where : page;
		break;
	case KEY_NPAGE:
		*where += page;
		break;
	case KEY_HOME:
		*where = 0;
		break;
	default:
		*where = last;
	}
	view__select(&s->view, &s->rows, at);
}

static void fold(struct screen *s, int key)
{
	(void)key;
	if (s->mode == LIST && s->rows.count && s->rows.rows[s->view.at].node->first)
		view__fold(&s->view, s->rows.rows[s->view.at].node);
}

static void change_sort(struct screen *s, int key)
{
	static const char keys[] = "PMIAN"; /* of enum view_sort */

	if (key == 'r')
		s->view.reverse = !s->view.reverse;
	else if (key == 's')
		s->view.sort = (s->view.sort + 1) % VIEW_SORTS;
	else
		s->view.sort = (enum view_sort)(strchr(keys, key) - keys);
}

static void change_shape(struct screen *s, int key)
{
	(void)key;
	s->view.flat = !s->view.flat;
	s->view.top = 0;
}

static void change_mode(struct screen *s, int key)
{
	s->detail_top = 0;
	if (key == '/')
		s->mode = ASK_FILTER;
	else if (key == ESCAPE && s->mode == LIST)
		s->view.filter[0] = '\0';
	else
		s->mode = s->mode == LIST && key != ESCAPE ? DETAIL : LIST;
}

static void leave(struct screen *s, int key)
{
	(void)key;
	s->left = true;
}

static const struct key {
	int key;
	void (*pressed)(struct screen *s, int key);
} keys[] = {
	{'q', leave},	     {CTRL_C, leave},	       {KEY_UP, move_by},     {KEY_DOWN, move_by}, {'k', move_by},
	{'j', move_by},	     {KEY_PPAGE, move_by},     {KEY_NPAGE, move_by},  {KEY_HOME, move_by}, {KEY_END, move_by},
	{' ', fold},	     {'s', change_sort},       {'r', change_sort},    {'P', change_sort},  {'M', change_sort},
	{'I', change_sort},  {'A', change_sort},       {'N', change_sort},    {'t', change_shape}, {'\n', change_mode},
	{'\r', change_mode}, {KEY_ENTER, change_mode}, {ESCAPE, change_mode}, {'/', change_mode},
};

static void type_filter(struct screen *s, int key)
{
	char *filter = s->view.filter;
	size_t n = strlen(filter);

	if (key == ESCAPE)
		*filter = '\0';
	if (key == ESCAPE || key == '\n' || key == '\r' || key == KEY_ENTER) {
		s->mode = LIST;
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		do
			n -= n > 0;
		while (n && (filter[n] & 0xc0) == 0x80);
		filter[n] = '\0';
	} else if (key >= ' ' && key < 256 && n + 1 < VIEW_FILTER) {
		filter[n] = (char)key;
		filter[n + 1] = '\0';
	}
}

static void press(struct screen *s, int key)
{
	if (s->mode == ASK_FILTER && key != KEY_RESIZE) {
		type_filter(s, key);
		return;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].key == key)
			keys[i].pressed(s, key);
}

/* Each key finds the rows that the one before it has made. 0 or -ENOMEM. */
static int take_keys(struct screen *s)
{
	int key, rc = 0;

	while (!rc && !s->left && (key = getch()) != ERR) {
		press(s, key);
		rc = draw(s);
	}
	return rc;
}

/* ---- the thread ---- */

static void *run(void *arg)
{
	struct screen *s = arg;
	struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {s->stop, POLLIN, 0}};
	sigset_t resize;

	sigemptyset(&resize);
	sigaddset(&resize, SIGWINCH);
	pthread_sigmask(SIG_UNBLOCK, &resize, NULL);
	while (!s->left && !fds[1].revents) {
		if (draw(s) || (fds[0].revents & (POLLHUP | POLLERR)))
			s->left = true;
		poll(fds, 2, INTERVAL_MS);
		if (take_keys(s))
			s->left = true;
	}
	if (s->left) /* the merge may wait for what comes next */
		pthread_kill(s->merge, SIGTERM);
	return NULL;
}

static int start_thread(struct screen *s)
{
	sigset_t all, before;
	int rc;

	/* signals are for the merge's thread, but for that the terminal has another size */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = -pthread_create(&s->thread, NULL, run, s);
	sigaddset(&before, SIGWINCH);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* ---- the terminal ---- */

static void set_up(struct screen *s)
{
	set_term(s->terminal);
	raw(); /* Ctrl-C is a key */
	noecho();
	nodelay(stdscr, true);
	keypad(stdscr, true);
	set_escdelay(25);
	curs_set(0);
	s->colour = s->colour && has_colors() && start_color() == OK && use_default_colors() == OK;
	for (short colour = 1; s->colour && colour < 8; colour++)
		init_pair(colour, colour, -1);
}

static void hold_stderr(struct screen *s)
{
	s->stderr_fd = s->held = -1;
	if (!isatty(STDERR_FILENO))
		return;
	s->held = memfd_create("stderr", MFD_CLOEXEC);
	if (s->held < 0)
		return;
	s->stderr_fd = dup(STDERR_FILENO);
	dup2(s->held, STDERR_FILENO);
}

static void release_stderr(struct screen *s)
{
	char bytes[4096];
	ssize_t n;

	if (s->stderr_fd < 0)
		return;
	dup2(s->stderr_fd, STDERR_FILENO);
	lseek(s->held, 0, SEEK_SET);
	while ((n = read(s->held, bytes, sizeof(bytes))) > 0)
		write_all(STDERR_FILENO, bytes, (size_t)n);
	close(s->held);
	close(s->stderr_fd);
}

static int open_terminal(struct screen *s, int out, struct error *err)
{
	const char *name = getenv("TERM");
	int fd = dup(out);

	s->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!s->out) {
		close(fd);
		return error__set(err, -errno, "%s", strerror(errno));
	}
	setlocale(LC_CTYPE, "");
	s->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	s->terminal = newterm(NULL, s->out, stdin);
	if (!s->terminal)
		return error__set(err, -ENOTTY, "TERM=%s: no such terminal is known here", name ? name : "");
	set_up(s);
	return 0;
}

static void close_terminal(struct screen *s)
{
	if (s->terminal) {
		endwin();
		delscreen(s->terminal);
	}
	if (s->out)
		fclose(s->out);
}

int screen__open(struct screen **screen, int out, bool colour, struct model *model, struct verdict_pass *pass,
		 pthread_mutex_t *lock, struct error *err)
{
	struct screen *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	s->model = model;
	s->pass = pass;
	s->head = HEAD;
	s->lock = lock;
	s->merge = pthread_self();
	s->colour = colour;
	rc = open_terminal(s, out, err);
	s->stop = rc ? -1 : eventfd(0, EFD_CLOEXEC);
	if (!rc)
		rc = s->stop < 0 ? -errno : start_thread(s);
	if (rc) {
		close_terminal(s);
		close(s->stop);
		free(s);
		return rc;
	}
	hold_stderr(s);
	*screen = s;
	return 0;
}

bool screen__left(const struct screen *screen)
{
	return screen->left;
}

void screen__close(struct screen *s)
{
	if (!s)
		return;
	eventfd_write(s->stop, 1);
	pthread_join(s->thread, NULL);
	close_terminal(s);
	release_stderr(s);
	close(s->stop);
	view__free(&s->view, &s->rows);
	live_tree__free(&s->tree);
	buffer__free(&s->found);
	free(s);
}
