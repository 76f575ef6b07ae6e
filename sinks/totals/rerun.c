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

/* Programs that run another one where a shell on the host would not find the same, be it of the same user and PID namespace. */
static const char *const rooms[] = {"apptainer", "bwrap",   "chroot",	   "crun",	     "nsenter", "proot",
				    "runc",	 "schroot", "singularity", "systemd-nspawn", "unshare"};

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

const struct model_ending *story__driver(const struct model_ending *ending)
{
	const struct model_ending *e = ending->row.run ? ending->row.run->ending : NULL, *found = NULL;
	const struct part *part = part_of(ending);

	for (; part && e && e != ending; e = e->cause)
		if (!part_of(e) && (!part->driver || (is_whole(e) && is_driver(e, part->driver))))
			found = e;
	return part && e && found && is_whole(found) && (part->driver || !found->row.runs_others) ? found : ending;
}

/* What is to be run again: a command, and the process that executed it. */
struct again {
	const struct model_ending *of;
	const struct model_command *command; /* NULL: nothing that could be */
};

/* How many of `asked` come before all of `args`, of which it has the same last ones; 0: it has not. */
static uint32_t words_before(const struct model_list *asked, const struct model_list *args)
{
	size_t before = asked->length > args->length ? asked->length - args->length : 0;
	uint32_t words = 0;

	if (!args->length || !before || asked->data[before - 1] ||
	    memcmp(asked->data + before, args->data, args->length) != 0)
		return 0;
	for (size_t at = 0; at < before; at++)
		words += !asked->data[at];
	return words;
}

/* The command itself, or what its parent asked for and has become it: with options for it ("prlimit --as=1 tool"), which
 * env(1) of a script's first line has not; or a script that only put something before its own arguments. */
static const struct model_command *called(const struct model_ending *ending)
{
	const struct model_command *asked = ending->asked;
	struct model_list own = model_command__called(ending->command), script;
	size_t name;

	if (!asked || asked == ending->command || asked->args.reason)
		return ending->command;
	if (words_before(&asked->args, &own) > 1)
		return asked;
	script = model_command__called(asked);
	name = script.data ? strlen(script.data) + 1 : 0;
	if (script.length <= name)
		return ending->command;
	script.data += name;
	script.length -= (uint32_t)name;
	return words_before(&ending->command->args, &script) ? asked : ending->command;
}

static bool is_room(const struct model_command *command)
{
	return program__is_one_of(model_command__name(command, ""), rooms, sizeof(rooms) / sizeof(*rooms));
}

static bool is_in_namespace(const struct model_row *row)
{
	return row->ns_pid && row->ns_pid != row->pid;
}

/* Whether it was executed by another user, or in another PID namespace, than the first command of the run. */
static bool is_elsewhere(const struct again *it, const struct again *first)
{
	uint64_t uid = it->command->uid, own = first->command->uid;
	const struct model_row *row = &it->of->row, *top = &first->of->row;

	return (!EVENT_IS_NULL(uid) && !EVENT_IS_NULL(own) && uid != own) ||
	       is_in_namespace(row) != is_in_namespace(top) || (row->ns_pid == 1 && top->ns_pid != 1);
}

/* The last command on the way to that one which a shell can run beside the first: sudo, runc, chroot. */
static struct again from_here(const struct again *wanted)
{
	const struct model_ending *e = wanted->of->row.run ? wanted->of->row.run->ending : NULL;
	struct again first = {e, e && e->asked ? e->asked : e ? e->command : NULL}, found = {0};

	if (!first.command || !model_ending__find(e, wanted->of->row.pid, wanted->of->row.start))
		return *wanted;
	for (; e; e = e == wanted->of ? NULL : e->cause) {
		const struct again steps[] = {{e, e->asked}, e == wanted->of ? *wanted : (struct again){e, e->command}};

		for (int i = 0; i < 2; i++) {
			bool executed = steps[i].command && !e->row.forked;

			if (steps[i].command && is_elsewhere(&steps[i], &first))
				return found;
			found = executed ? steps[i] : found;
			if (executed && is_room(steps[i].command))
				return found;
		}
	}
	return *wanted;
}

static struct again again_of(const struct model_ending *ending)
{
	const struct model_ending *of = story__driver(ending);
	struct again again = {of, is_whole(of) ? called(of) : NULL};

	return again.command ? from_here(&again) : again;
}

bool story__is_run_otherwise(const struct model_ending *ending)
{
	struct again again = again_of(ending);

	return again.of != ending || again.command != ending->command || !again.command;
}

void story__folder(struct text *text, const struct model_ending *ending)
{
	const struct model_text *cwd = ending->command ? &ending->command->cwd : NULL;

	if (ending->folder)
		text__argument(text, ending->folder, strlen(ending->folder));
	else if (cwd && cwd->data && !ending->row.forked && !is_whole(ending))
		text__argument(text, cwd->data, cwd->length);
}

static void put_query(struct text *text, uint32_t pid, uint32_t image)
{
	text__printf(text, "collector-query RUN \"SELECT command FROM images WHERE pid = %u AND exec = %u\"", pid,
		     image);
}

/* The arguments of a part of something are many, and of no use alone. */
void story__in_full(struct text *text, const struct model_ending *ending)
{
	if (!is_whole(ending))
		story__command(text, ending);
	else if (story__is_run_otherwise(ending))
		put_query(text, ending->row.pid, ending->row.image);
}

/* The kernel says so of a folder that is gone. */
static bool is_deleted(const struct model_text *folder)
{
	static const char mark[] = " (deleted)";
	size_t n = strlen(mark);

	return folder->data && folder->length > n && !memcmp(folder->data + folder->length - n, mark, n);
}

static void put_again(struct text *text, const struct model_ending *ending, bool also_long)
{
	const struct model_command *command = again_of(ending).command;

	if (!command || command->args.reason || is_deleted(&command->cwd) || story__interrupted(ending) ||
	    (!also_long && model_list__has_long(&command->args)))
		return;
	if (command->cwd.data) {
		text__printf(text, "cd ");
		text__argument(text, command->cwd.data, command->cwd.length);
		text__printf(text, " && ");
	}
	text__arguments(text, &command->args, true, SIZE_MAX);
}

void story__again(struct text *text, const struct model_ending *ending)
{
	put_again(text, ending, false);
}

void story__again_whole(struct text *text, const struct model_ending *ending)
{
	put_again(text, ending, true);
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
	struct again again = again_of(ending);

	if (again.command && model_list__has_long(&again.command->args))
		put_query(text, again.of->row.pid, again.command == again.of->command ? again.of->row.image : 1);
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
