/* SPDX-License-Identifier: BSD-2-Clause */
/* What of the tree is shown, and as which lines of text. Private to sinks/top. */
#ifndef SINKS_TOP_VIEW_H
#define SINKS_TOP_VIEW_H

#include "sinks/live/live.h"
#include "sinks/judging/pass.h"

enum view_sort { VIEW_CPU, VIEW_MEMORY, VIEW_DISK, VIEW_AGE, VIEW_NAME, VIEW_SORTS };

#define VIEW_FILTER 64

/* What the user has chosen; zeroed: everything, by CPU, as a tree. */
struct view {
	enum view_sort sort;
	bool reverse, flat;
	char filter[VIEW_FILTER]; /* a part of a name or command, in any case; "": none */
	uint64_t *folded;	  /* keys, sorted */
	size_t folded_count;
	uint64_t selected; /* key */
	size_t at, top;	   /* rows: the selected one, the first one on the screen */
};

struct view_row {
	const struct live_node *node;
	unsigned depth;
	bool folded;
};

struct view_rows {
	struct view_row *rows;
	size_t count, capacity;
};

/* ---- view.c ---- */

const char *view_sort__name(enum view_sort sort);

/* Sorts the tree, chooses the rows, and moves the selection with its node. 0 or -ENOMEM. */
int view__arrange(struct view *view, struct live_tree *tree, struct view_rows *rows);

void view__select(struct view *view, const struct view_rows *rows, size_t at); /* clamps it */
void view__scroll(struct view *view, size_t rows, size_t height); /* so that the selected row is on the screen */
int view__fold(struct view *view, const struct live_node *node);  /* or unfolds it. 0 or -ENOMEM */
void view__free(struct view *view, struct view_rows *rows);

/* ---- line.c: text of at most `width` columns ---- */

void line__headings(struct text *out, size_t width);
void line__row(struct text *out, const struct view_row *row, size_t width);
enum text_style line__style(const struct live_node *node);

/* Two lines on all of the runs: `line` 0 and 1. */
void line__head(struct text *out, const struct live_tree *tree, int line, size_t width);

/* A verdict, its evidence as verdict_found__next() gives it. */
void line__verdict(struct text *out, const struct verdict_found *found, const char *evidence, size_t width);
enum text_style line__verdict_style(const struct verdict_found *found);

/* ---- detail.c ---- */

/* What is known of a node, in lines of at most `width` columns. */
void detail__put(struct text *out, const struct live_node *node, size_t width);

/* ---- once.c, once_json.c ---- */

/* `width` 0: lines are not cut. `found`: what is wrong, of a verdict_pass. 0 or -ENOMEM. */
int page__put(struct text *out, struct live_tree *tree, const struct buffer *found, size_t width);
int json__put(struct text *out, const struct live_tree *tree, const struct buffer *found);

#endif
