/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole tree as text, once. */
#include "sinks/top/view.h"

static void put_verdicts(struct text *out, const struct buffer *found, size_t width)
{
	struct verdict_found verdict;
	const char *evidence;
	size_t at = 0;

	while ((evidence = verdict_found__next(found, &at, &verdict))) {
		text__style(out, line__verdict_style(&verdict));
		line__verdict(out, &verdict, evidence, width);
		text__style(out, TEXT_PLAIN);
		text__put(out, "\n", 1);
	}
}

int page__put(struct text *out, struct live_tree *tree, const struct buffer *found, size_t width)
{
	struct view view = {0};
	struct view_rows rows = {0};
	int rc = view__arrange(&view, tree, &rows);

	for (int i = 0; !rc && i < 2; i++) {
		line__head(out, tree, i, width);
		text__put(out, "\n", 1);
	}
	put_verdicts(out, found, width);
	text__put(out, "\n", 1);
	text__style(out, TEXT_BOLD);
	line__headings(out, width);
	text__style(out, TEXT_PLAIN);
	text__put(out, "\n", 1);
	for (size_t i = 0; !rc && i < rows.count; i++) {
		text__style(out, line__style(rows.rows[i].node));
		line__row(out, &rows.rows[i], width);
		text__style(out, TEXT_PLAIN);
		text__put(out, "\n", 1);
	}
	view__free(&view, &rows);
	return rc ? rc : out->error;
}
