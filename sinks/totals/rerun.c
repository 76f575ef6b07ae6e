/* SPDX-License-Identifier: BSD-2-Clause */
/* How to run again what failed: it, or what has started it for a part of its own work; and where it has logged why. */
#include <string.h>

#include "core/base/base.h"
#include "sinks/totals/form.h"
#include "sinks/totals/story.h"

/* What is a part of another program's work, and reads files that this one makes and removes: to be run again is that. */
static const struct part {
	const char *program;  /* NULL: any; for another machine, "aarch64-linux-gnu-as", as well */
	const char *argument; /* NULL: any; else a form of one that it has */
	/* NULL: what has started it, unless that runs others: make and scripts start one for itself. */
	const char *driver;
} parts[] = {
	{"as", NULL, NULL},
	{"cc1", NULL, NULL},
	{"cc1obj", NULL, NULL},
	{"cc1objplus", NULL, NULL},
	{"cc1plus", NULL, NULL},
	{"collect2", NULL, NULL},
	{"f951", NULL, NULL},
	{"gnat1", NULL, NULL},
	{"ld", NULL, NULL},
	{"ld.bfd", NULL, NULL},
	{"ld.gold", NULL, NULL},
	{"ld.lld", NULL, NULL},
	{"ld.mold", NULL, NULL},
	{"lto1", NULL, NULL},
	{"ld64.lld", NULL, NULL},
	{"lto-wrapper", NULL, NULL},
	{"rustc", NULL, "cargo"},
	{NULL, "*/build-script-*", "cargo"},
	{NULL, "*/go-build%/*", "go"},
	{NULL, "*/pyproject_hooks/*_in_process.py", NULL}, /* of pip and others that build packages */
	{NULL, "--target-jobs", "snakemake"},
};

/* Programs that write what went wrong to a log of their own. */
static const struct {
	const char *argument;
	const char *file;   /* in its working folder */
	const char *option; /* whose argument is another one */
} logs[] = {
	{"nextflow.cli.Launcher", ".nextflow.log", "-log"},
};

#define DRIVER_WORDS 4 /* python3 -W ignore -m snakemake */

static bool is_whole(const struct model_ending *ending)
{
	return ending->command && !ending->row.forked && ending->command->args.length && !ending->command->args.reason;
}

static bool is_program(const struct model_ending *ending, const char *program)
{
	const char *name = model_command__name(ending->command, ending->row.comm);
	size_t length = strlen(name), n = strlen(program);

	return length >= n && !strcmp(name + length - n, program) && (length == n || name[length - n - 1] == '-');
}

/* The first that fits; NULL: none. */
static const char *find_argument(const struct model_ending *ending, const char *form)
{
	const char *arg = ending->command ? ending->command->args.data : NULL;
	const char *end = arg ? arg + ending->command->args.length : NULL;

	for (; arg < end; arg += strlen(arg) + 1)
		if (form__fits(form, arg, arg + strlen(arg)))
			return arg;
	return NULL;
}

static const struct part *part_of(const struct model_ending *ending)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if ((!parts[i].program || is_program(ending, parts[i].program)) &&
		    (!parts[i].argument || find_argument(ending, parts[i].argument)))
			return &parts[i];
	return NULL;
}

static bool is_driver(const struct model_ending *ending, const char *driver)
{
	const char *arg = ending->command->args.data, *end = arg + ending->command->args.length;

	for (int words = 0; arg < end && words < DRIVER_WORDS; arg += strlen(arg) + 1, words++)
		if (!strcmp(basename(arg), driver))
			return true;
	return false;
}

/* Whose command is to be shown. */
static const struct model_ending *to_run_again(const struct model_ending *ending)
{
	const struct model_ending *e = ending->row.run ? ending->row.run->ending : NULL, *found = NULL;
	const struct part *part = part_of(ending);

	for (; part && e && e != ending; e = e->cause)
		if (!part_of(e) && (!part->driver || (is_whole(e) && is_driver(e, part->driver))))
			found = e;
	return part && e && found && is_whole(found) && (part->driver || !found->row.runs_others) ? found : ending;
}

/* The command itself, or that of the script which has become it and only put something before its own arguments. */
static const struct model_command *called(const struct model_ending *ending)
{
	const struct model_list *args = &ending->command->args;
	struct model_list script = {0};
	size_t own;

	if (ending->asked && ending->asked != ending->command && !ending->asked->args.reason)
		script = model_command__called(ending->asked);
	own = script.data ? strlen(script.data) + 1 : 0;
	return script.length > own && script.length - own < args->length &&
			       !memcmp(script.data + own, args->data + args->length - (script.length - own),
				       script.length - own) &&
			       !args->data[args->length - (script.length - own) - 1]
		       ? ending->asked
		       : ending->command;
}

bool story__is_run_otherwise(const struct model_ending *ending)
{
	return to_run_again(ending) != ending || !is_whole(ending) || called(ending) != ending->command;
}

void story__folder(struct text *text, const struct model_ending *ending)
{
	const struct model_text *cwd = ending->command ? &ending->command->cwd : NULL;

	if (ending->folder)
		text__argument(text, ending->folder, strlen(ending->folder));
	else if (cwd && cwd->data && !ending->row.forked && !is_whole(ending))
		text__argument(text, cwd->data, cwd->length);
}

static void put_query(struct text *text, const struct model_ending *ending)
{
	text__printf(text, "collector-query RUN \"SELECT command FROM images WHERE pid = %u AND exec = %u\"",
		     ending->row.pid, ending->row.image);
}

/* The arguments of a part of something are many, and of no use alone. */
void story__in_full(struct text *text, const struct model_ending *ending)
{
	if (!is_whole(ending))
		story__command(text, ending);
	else if (story__is_run_otherwise(ending))
		put_query(text, ending);
}

void story__again(struct text *text, const struct model_ending *ending)
{
	const struct model_command *command;

	ending = to_run_again(ending);
	if (!is_whole(ending) || story__interrupted(ending))
		return;
	command = called(ending);
	if (command->cwd.data) {
		text__printf(text, "cd ");
		text__argument(text, command->cwd.data, command->cwd.length);
		text__printf(text, " && ");
	}
	text__arguments(text, &command->args, true, TEXT_ALL_ARGUMENTS);
}

/* A path that is not absolute is of its working folder. */
static void put_path(struct text *text, const struct model_text *folder, const char *file)
{
	struct text path = {0};

	if (*file != '/')
		text__printf(&path, "%.*s/", (int)folder->length, folder->data);
	text__printf(&path, "%s", file);
	if (path.error)
		text->error = path.error;
	else
		text__argument(text, path.data, path.size);
	text__free(&path);
}

void story__log(struct text *text, const struct model_ending *ending)
{
	const struct model_list *args = ending->command ? &ending->command->args : NULL;

	if (!is_whole(ending) || !ending->command->cwd.data)
		return;
	for (size_t i = 0; i < sizeof(logs) / sizeof(*logs); i++) {
		const char *option = find_argument(ending, logs[i].option);
		const char *file = option ? option + strlen(option) + 1 : logs[i].file;

		if (find_argument(ending, logs[i].argument) && (!option || file < args->data + args->length))
			put_path(text, &ending->command->cwd, file);
	}
}

void story__whole(struct text *text, const struct model_ending *ending)
{
	if (!story__is_run_otherwise(ending) && model_list__has_long(&ending->command->args))
		put_query(text, ending);
}

void story__environment(struct text *text, const struct model_ending *ending)
{
	const struct model_list *env = ending->command ? &ending->command->env : NULL;
	const char *item = env ? env->data : NULL;

	for (uint32_t i = 0; env && i < env->count; i++, item += strlen(item) + 1) {
		text__printf(text, i ? ", " : "");
		text__safe(text, item, strcspn(item, "="));
	}
}
