/* SPDX-License-Identifier: BSD-2-Clause */
/* Failures that their caller may have expected, as scripts do that test whether a tool refuses what is wrong:
 *
 *	if ./tool bad 2>/dev/null; then exit 1; fi
 *	./tool bad 2>err || true; grep -q usage err
 *
 * It ended at once by an exit code of its own, in no pipe, and its errors went to /dev/null, but not those of its caller, or to
 * a file that a program which answers by its exit code has then searched with success. A script that does not look at what its
 * tools say may do the first, too: that is a doubt, not an excuse. */
#include <string.h>

#include "sinks/model/again.h"
#include "sinks/steps/steps.h"

#define AT_ONCE_NS 1000000000ULL
#define NOT_EXECUTED 126 /* and more: by what could not be executed, or by a signal */
#define NO_MATCH 1	 /* what grep, diff and alike answer by */

/* Whether an argument is the file, by its path or relative to the folder. */
static bool names_file(const struct model_command *command, const struct model_text *file)
{
	const struct model_text *cwd = &command->cwd;
	const char *arg = command->args.data, *end = arg ? arg + command->args.length : NULL, *below = NULL;

	if (cwd->data && file->length > cwd->length && !memcmp(file->data, cwd->data, cwd->length))
		below = file->data + cwd->length + (file->data[cwd->length] == '/');
	for (; arg && arg < end; arg += strlen(arg) + 1) {
		const char *relative = strncmp(arg, "./", 2) ? arg : arg + 2;

		if (!strcmp(arg, file->data) || (below && !strcmp(relative, below)))
			return true;
	}
	return false;
}

static bool answers(struct model *model, const struct process *p)
{
	struct steps_program program = {
		.command = p->command, .parent = p->parent, .comm = p->row.comm, .depth = p->above};

	return model->matcher && steps_matcher__exit(model->matcher, &program, NO_MATCH) == STEPS_ANSWER;
}

void expected__searched(struct model *model, const struct brood *brood, const struct process *child)
{
	for (uint32_t i = 0; child->command && !child->row.forked && i < brood->count; i++) {
		struct ending *bad = brood->bad[i];
		const struct model_command *command = bad->pub.command;

		if (!bad->searched && !bad->pub.row.forked && command && command->errors.data &&
		    child->row.start >= bad->pub.row.ended_ns && names_file(child->command, &command->errors))
			bad->searched = answers(model, child);
	}
}

static bool is_silenced(const struct process *parent, const struct ending *bad)
{
	return model_ending__is_silent(&bad->pub) && !(parent->command && parent->command->silent);
}

void expected__settle(const struct process *parent)
{
	const struct brood *brood = parent->brood;

	for (uint32_t i = 0; brood && i < brood->count; i++) {
		struct ending *bad = brood->bad[i];
		const struct model_row *row = &bad->pub.row;

		bad->pub.beside = !again__ran_alone(parent, bad);
		bad->pub.expected = row->outcome == MODEL_FAILED && row->exit_code < NOT_EXECUTED && !row->propagated &&
				    row->ended_ns - row->start <= AT_ONCE_NS &&
				    (bad->searched || is_silenced(parent, bad)) && !bad->pub.beside;
	}
}
