/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds, checks and loads plugins. */
#include "core/base/plugin.h"

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/base/nearest.h"
#include "core/base/plugin_elf.h"
#include "core/base/rehearse.h"

#define PLUGIN_SUFFIX ".so"

/* How the structs of both ABIs begin. */
struct plugin_head {
	uint32_t abi, size;
	const char *name;
};

static bool is_name(const char *name, size_t length)
{
	size_t i;

	if (!length || !islower((unsigned char)name[0]))
		return false;
	for (i = 1; i < length; i++)
		if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) && name[i] != '_')
			return false;
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void plugin__names_free(char **names)
{
	char **name;

	for (name = names; name && *name; name++)
		free(*name);
	free(names);
}

/* Appends a name to a NULL-terminated array. */
static int add_name(char ***names, size_t *n, const char *name, size_t length)
{
	char **longer = realloc(*names, (*n + 2) * sizeof(*longer));

	if (!longer)
		return -ENOMEM;
	*names = longer;
	longer[*n + 1] = NULL;
	longer[*n] = strndup(name, length);
	if (!longer[*n])
		return -ENOMEM;
	(*n)++;
	return 0;
}

int plugin__names(const struct plugin_kind *kind, const char *dir, char ***names)
{
	char path[PATH_MAX];
	char **found = NULL;
	struct dirent *entry;
	size_t n = 0, length;
	int rc = 0;
	DIR *stream;

	*names = NULL;
	if (snprintf(path, sizeof(path), "%s/%s", dir, kind->folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	stream = opendir(path);
	if (!stream)
		return -errno;
	found = calloc(1, sizeof(*found));
	if (!found)
		rc = -ENOMEM;
	while (rc == 0 && (errno = 0, entry = readdir(stream))) {
		length = strlen(entry->d_name);
		if (length <= strlen(PLUGIN_SUFFIX))
			continue;
		length -= strlen(PLUGIN_SUFFIX);
		if (strcmp(entry->d_name + length, PLUGIN_SUFFIX) == 0 && is_name(entry->d_name, length))
			rc = add_name(&found, &n, entry->d_name, length);
	}
	if (rc == 0 && errno)
		rc = -errno;
	closedir(stream);
	if (rc) {
		plugin__names_free(found);
		return rc;
	}
	qsort(found, n, sizeof(*found), compare);
	*names = found;
	return 0;
}

/* The singular of the kind's folder: "probe" of "probes". */
static const char *noun(const struct plugin_kind *kind, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)strlen(kind->folder) - 1, kind->folder);
	return out;
}

static int not_found(const struct plugin_kind *kind, const char *dir, const char *name, struct error *err)
{
	struct nearest nearest = {.name = name};
	char word[32], **names, **at;

	if (plugin__names(kind, dir, &names) < 0)
		return error__set(err, -ENOENT, "no folder %s/%s: set the right one with --plugin-dir", dir,
				  kind->folder);
	for (at = names; *at; at++)
		nearest__offer(&nearest, *at);
	error__set(err, 0, "no %s \"%.64s\" in %s/%s", noun(kind, word, sizeof(word)), name, dir, kind->folder);
	nearest__append(&nearest, err);
	plugin__names_free(names);
	return -ENOENT;
}

static int check_owner(const char *path, const struct stat *st, struct error *err)
{
	if (st->st_uid != 0)
		return error__set(err, -EPERM, "%s belongs to UID %u: root loads only what belongs to root", path,
				  st->st_uid);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) && !(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)))
		return error__set(err, -EPERM, "%s is writable by users other than root: chmod go-w %s", path, path);
	return 0;
}

/* Checks every folder above the canonical path `path`, from the root down: once a folder is known to belong to
 * root, other users cannot replace its entries. */
static int check_folders(const char *path, struct error *err)
{
	char folder[PATH_MAX];
	const char *slash = path;
	struct stat st;
	int rc;

	do {
		snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
		if (lstat(folder, &st) < 0)
			return error__set(err, -errno, "%s: %s", folder, strerror(errno));
		rc = check_owner(folder, &st, err);
		if (rc)
			return rc;
		slash = strchr(slash + 1, '/');
	} while (slash);
	return 0;
}

/* Opens the plugin's file for reading, by its canonical path, once it is known to be safe.
 * Returns the descriptor. */
static int open_file(const char *path, struct error *err)
{
	bool privileged = geteuid() == 0 || getauxval(AT_SECURE);
	const char *fault;
	struct stat st;
	int fd, rc = 0;

	if (privileged)
		rc = check_folders(path, err);
	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		rc = error__set(err, -errno, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = error__set(err, -ENOEXEC, "%s is not a regular file", path);
	else if (privileged)
		rc = check_owner(path, &st, err);
	if (!rc && (fault = plugin_elf__fault(fd, st.st_size)))
		rc = error__set(err, -ENOEXEC, "%s %s", path, fault);
	if (rc && fd >= 0)
		close(fd);
	return rc ? rc : fd;
}

static int check_head(const struct plugin_kind *kind, const char *path, const char *name,
		      const struct plugin_head *head, struct error *err)
{
	char word[32];

	noun(kind, word, sizeof(word));
	if (!head)
		return error__set(err, -ENOEXEC, "%s: its %s is NULL: rebuild it", path, kind->symbol);
	if (head->abi != kind->abi)
		return error__set(
			err, -ENOEXEC,
			"%s was built for version %u of the %s ABI, this collector needs %u: rebuild it against this version's headers",
			path, head->abi, word, kind->abi);
	if (head->size < kind->size_min)
		return error__set(err, -ENOEXEC, "%s: its struct %s has %u bytes instead of at least %zu: rebuild it",
				  path, word, head->size, kind->size_min);
	if (!head->name)
		return error__set(err, -ENOEXEC, "%s: the %s has no name: set it to \"%s\"", path, word, name);
	if (strcmp(head->name, name) != 0)
		return error__set(err, -ENOEXEC, "%s: the name of the %s is \"%.64s\": rename the file to %.64s.so",
				  path, word, head->name, head->name);
	return 0;
}

static int check_symbol(const struct plugin_kind *kind, struct plugin *plugin, struct error *err)
{
	const struct plugin_head *const *symbol = dlsym(plugin->handle, kind->symbol);
	const struct plugin_head *head;
	char word[32];
	int rc;

	if (!symbol)
		return error__set(err, -ENOEXEC, "%s is not a %s: it does not export %s", plugin->path,
				  noun(kind, word, sizeof(word)), kind->symbol);
	head = *symbol;
	rc = check_head(kind, plugin->path, plugin->name, head, err);
	if (rc)
		return rc;
	plugin->table = calloc(1, kind->size);
	if (!plugin->table)
		return error__set(err, -ENOMEM, "out of memory");
	memcpy(plugin->table, head, head->size < kind->size ? head->size : kind->size);
	return 0;
}

#define BY_FD_BYTES 32

static const char *path_of(const struct plugin *plugin, char by_fd[BY_FD_BYTES])
{
	snprintf(by_fd, BY_FD_BYTES, "/proc/self/fd/%d", plugin->fd);
	return by_fd;
}

struct trial {
	const struct plugin_kind *kind;
	struct plugin *plugins;
};

static void try_load(void *arg, size_t i)
{
	struct trial *trial = arg;
	struct plugin *plugin = &trial->plugins[i];
	char by_fd[BY_FD_BYTES];
	struct error err;

	if (plugin->tried)
		return;
	plugin->handle = dlopen(path_of(plugin, by_fd), RTLD_NOW | RTLD_LOCAL);
	if (plugin->handle && !check_symbol(trial->kind, plugin, &err))
		dlclose(plugin->handle);
}

/* Its constructors run before anything of it can be checked, and a file that was damaged crashes the dynamic linker. */
void plugin__rehearse(const struct plugin_kind *kind, struct plugin *plugins, size_t count)
{
	struct trial trial = {kind, plugins};

	for (size_t at = 0; at < count; at++) {
		int result = rehearse__from(try_load, &trial, &at, count);

		if (result)
			plugins[at].fault = result;
	}
	for (size_t i = 0; i < count; i++)
		plugins[i].tried = true;
}

/* dlerror() begins with the path given to dlopen(), here only a descriptor's. */
static const char *load_error(const char *given)
{
	const char *text = dlerror();

	if (!text)
		return "unknown error";
	if (access("/proc/self/fd", F_OK))
		return "/proc is not mounted";
	if (strncmp(text, given, strlen(given)) == 0 && strncmp(text + strlen(given), ": ", 2) == 0)
		return text + strlen(given) + 2;
	return text;
}

int plugin__find(const struct plugin_kind *kind, const char *dir, const char *name, struct plugin *plugin,
		 struct error *err)
{
	char path[PATH_MAX];
	int rc;

	*plugin = (struct plugin){.fd = -1};
	if (!is_name(name, strlen(name)))
		return not_found(kind, dir, name, err);
	rc = snprintf(path, sizeof(path), "%s/%s/%s" PLUGIN_SUFFIX, dir, kind->folder, name);
	if (rc >= (int)sizeof(path))
		return error__set(err, -ENAMETOOLONG, "%s/%s: the path is too long", dir, kind->folder);
	plugin->path = realpath(path, NULL);
	if (!plugin->path && errno == ENOENT)
		return not_found(kind, dir, name, err);
	if (!plugin->path)
		return error__set(err, -errno, "%s: %s", path, strerror(errno));
	plugin->name = strdup(name);
	plugin->fd = plugin->name ? open_file(plugin->path, err) : error__set(err, -ENOMEM, "out of memory");
	rc = plugin->fd < 0 ? plugin->fd : 0;
	if (rc)
		plugin__unload(plugin);
	return rc;
}

int plugin__start(const struct plugin_kind *kind, struct plugin *plugin, struct error *err)
{
	char by_fd[BY_FD_BYTES], fault[128];

	if (!plugin->tried)
		plugin__rehearse(kind, plugin, 1);
	if (plugin->fault)
		return error__set(err, -ENOEXEC, "%s: loading it %s", plugin->path,
				  rehearse__fault(plugin->fault, fault, sizeof(fault)));
	plugin->handle = dlopen(path_of(plugin, by_fd), RTLD_NOW | RTLD_LOCAL);
	if (!plugin->handle)
		return error__set(err, -ENOEXEC, "%s: %s", plugin->path, load_error(by_fd));
	return check_symbol(kind, plugin, err);
}

int plugin__load(const struct plugin_kind *kind, const char *dir, const char *name, struct plugin *plugin,
		 struct error *err)
{
	int rc = plugin__find(kind, dir, name, plugin, err);

	if (!rc)
		rc = plugin__start(kind, plugin, err);
	if (rc)
		plugin__unload(plugin);
	return rc;
}

void plugin__unload(struct plugin *plugin)
{
	if (plugin->handle)
		dlclose(plugin->handle);
	if (plugin->name && plugin->fd >= 0)
		close(plugin->fd);
	free(plugin->table);
	free(plugin->path);
	free(plugin->name);
	memset(plugin, 0, sizeof(*plugin));
}

int library__load(const char *file, const char *const *names, size_t count, void **functions, struct error *err)
{
	void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);

	if (!handle)
		return error__set(err, -ENOENT, "%s", dlerror());
	for (size_t i = 0; i < count; i++) {
		functions[i] = dlsym(handle, names[i]);
		if (!functions[i])
			return error__set(err, -ENOENT, "%s has no %s: another version was built with", file, names[i]);
	}
	return 0;
}
