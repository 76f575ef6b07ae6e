/* SPDX-License-Identifier: BSD-2-Clause */
/* Adds what the user names to a merge: a stream, or a folder with those of one run. First all files are opened, then they are
 * read, by a process that may have dropped its rights in between. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/merge/merge.h"
#include "core/merge/segments.h"

/* The file of a stream. */
struct file {
	char *path;
	int fd;			      /* -1: taken */
	int error;		      /* why it could not be opened */
	struct stream_reader *reader; /* NULL: unreadable, or taken */
	struct segments *segments;    /* NULL: of a stream that was named alone, or taken */
};

struct merge_input {
	const char *path; /* as the user wrote it */
	bool folder;	  /* else a stream */
	char *name;	  /* of the folder, whatever links led there; NULL: unknown */
	struct file *files;
	size_t count;
	struct merge_input *next;
};

/* ---- opening ---- */

static int add_file(struct merge_input *input, char *path, int fd, struct segments *segments)
{
	struct file *files = reallocarray(input->files, input->count + 1, sizeof(*files));

	if (!files || !path) {
		free(path);
		segments__free(segments);
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	input->files = files;
	files[input->count++] = (struct file){.path = path, .fd = fd, .error = fd < 0 ? fd : 0, .segments = segments};
	return 0;
}

/* A file of a stream, in a folder. */
struct name {
	char *name;
	size_t length; /* of the stream's name in it */
	uint32_t segment;
};

struct names {
	struct name *all;
	size_t count;
};

static int add_name(int folder, const char *name, void *arg)
{
	struct names *names = arg;
	struct name *all, *one;

	(void)folder;
	if (!stream_file__is_name(name))
		return 0;
	all = reallocarray(names->all, names->count + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	names->all = all;
	one = &all[names->count];
	one->name = strdup(name);
	one->segment = stream_file__segment(name, &one->length);
	return one->name ? (names->count++, 0) : -ENOMEM;
}

static bool is_same_stream(const struct name *a, const struct name *b)
{
	return a->length == b->length && !memcmp(a->name, b->name, a->length);
}

static int by_stream(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = memcmp(x->name, y->name, x->length < y->length ? x->length : y->length);

	order = order ? order : (x->length > y->length) - (x->length < y->length);
	return order ? order : (x->segment > y->segment) - (x->segment < y->segment);
}

static bool is_locked(int folder, const char *name)
{
	int fd = stream_file__open(folder, name);
	bool locked = fd >= 0 && stream_file__is_locked(fd);

	if (fd >= 0)
		close(fd);
	return locked;
}

/* Opens the first of a stream's segments, which are neighbours. */
static int add_stream(struct merge_input *input, int folder, const struct name *first, const struct name *last)
{
	struct segments *segments;
	char *path;
	struct stat st;

	if (fstat(folder, &st))
		return -errno;
	segments = segments__new(input->path, &st, first->name, first->length);
	if (!segments)
		return -ENOMEM;
	segments->last = last->segment;
	segments->running = first < last && is_locked(folder, last->name);
	for (const struct name *name = first; name <= last; name++)
		if (!fstatat(folder, name->name, &st, AT_SYMLINK_NOFOLLOW))
			segments->bytes += st.st_size;
	if (asprintf(&path, "%s/%s", input->path, first->name) < 0)
		path = NULL;
	return add_file(input, path, stream_file__open(folder, first->name), segments);
}

static int add_streams(struct merge_input *input, int folder)
{
	struct names names = {0};
	size_t first = 0;
	int rc = dir__each(folder, add_name, &names);

	if (names.count)
		qsort(names.all, names.count, sizeof(*names.all), by_stream);
	for (size_t i = 0; i < names.count && !rc; i++) {
		if (i + 1 < names.count && is_same_stream(&names.all[i], &names.all[i + 1]))
			continue;
		rc = add_stream(input, folder, &names.all[first], &names.all[i]);
		first = i + 1;
	}
	for (size_t i = 0; i < names.count; i++)
		free(names.all[i].name);
	free(names.all);
	return rc;
}

static int open_folder(struct merge_input *input, int folder, struct error *err)
{
	char *path = realpath(input->path, NULL), *slash = path ? strrchr(path, '/') : NULL;
	int rc = add_streams(input, folder);

	input->folder = true;
	input->name = slash ? strdup(slash + 1) : NULL;
	free(path);
	if (rc)
		return error__set(err, rc, "%s: %s", input->path, strerror(-rc));
	if (!input->count)
		return faccessat(folder, STREAM_LATEST, F_OK, 0)
			       ? error__set(err, -ENOENT, "%s: no streams (*%s) in this folder", input->path,
					    STREAM_SUFFIX)
			       : error__set(err, -ENOENT,
					    "%s: is a folder of runs: name one of them, such as %s/" STREAM_LATEST,
					    input->path, input->path);
	return 0;
}

int merge_input__open(struct merge_input **inputs, const char *path, struct error *err)
{
	return merge_input__open_at(inputs, AT_FDCWD, path, path, err);
}

int merge_input__open_at(struct merge_input **inputs, int folder, const char *name, const char *path, struct error *err)
{
	struct merge_input *input = calloc(1, sizeof(*input));
	/* do not block on a FIFO */
	int rc, fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (!input || fd < 0 || fstat(fd, &st)) {
		rc = error__set(err, -errno, "%s: %s", path, strerror(errno));
		free(input);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	input->path = path;
	while (*inputs)
		inputs = &(*inputs)->next;
	*inputs = input;
	if (!S_ISDIR(st.st_mode)) {
		rc = add_file(input, strdup(path), fd, NULL);
		return rc ? error__set(err, rc, "%s: %s", path, strerror(-rc)) : 0;
	}
	rc = open_folder(input, fd, err);
	close(fd);
	return rc;
}

const char *merge_input__path(const struct merge_input *input)
{
	return input->path;
}

size_t merge_input__watch(const struct merge_input *input, int inotify, int *watches)
{
	char path[PATH_MAX];

	for (size_t i = 0; watches && i < input->count; i++) {
		const struct file *file = &input->files[i];

		snprintf(path, sizeof(path), "%s", file->path);
		if (file->segments)
			segments__path(file->segments, file->segments->last, path, sizeof(path));
		watches[i] = inotify_add_watch(inotify, path, IN_MODIFY | IN_CLOSE_WRITE);
	}
	return input->count;
}

void merge_input__follow(struct merge_input *input, int inotify, const int *watches,
			 void (*moved)(void *arg, int from, int to), void *arg)
{
	for (size_t i = 0; i < input->count; i++) {
		struct segments *segments = input->files[i].segments;

		if (!segments)
			continue;
		segments->inotify = inotify;
		segments->watch = watches[i];
		segments->moved = moved;
		segments->moved_arg = arg;
	}
}

int merge_input__serve(const struct merge_input *inputs, struct segments_server *server)
{
	int rc = 0;

	for (; inputs && !rc; inputs = inputs->next)
		for (size_t i = 0; i < inputs->count && !rc; i++)
			if (inputs->files[i].segments)
				rc = segments_server__add(server, inputs->files[i].segments);
	return rc;
}

void merge_input__free(struct merge_input *inputs)
{
	while (inputs) {
		struct merge_input *input = inputs;

		inputs = input->next;
		for (size_t i = 0; i < input->count; i++) {
			stream_reader__close(input->files[i].reader);
			segments__free(input->files[i].segments);
			if (input->files[i].fd >= 0)
				close(input->files[i].fd);
			free(input->files[i].path);
		}
		free(input->files);
		free(input->name);
		free(input);
	}
}

/* ---- reading ---- */

static void leave_out(const struct merge *merge, const char *path, const char *why)
{
	struct error sentence;

	error__set(&sentence, 0, "%s: %s", path, why);
	merge__say(merge, MERGE_LEFT_OUT, sentence.text);
}

/* Reads the header of every stream. Fails if there is none that can be read. */
static int read_headers(struct merge_input *input, const struct merge *merge, struct error *err)
{
	bool readable = false;
	struct error why;
	int rc = 0;

	for (size_t i = 0; i < input->count; i++) {
		struct file *file = &input->files[i];
		int failed = file->error;

		if (failed)
			error__set(&why, failed, "%s",
				   failed == -ELOOP ? "is a link: root does not follow it" : strerror(-failed));
		else
			failed = stream_reader__open_fd(&file->reader, file->fd, file->path, &why);
		file->fd = -1;
		if (failed) {
			rc = error__set(err, failed, "%s: %s", file->path, why.text);
			if (input->folder)
				leave_out(merge, file->path, why.text);
		}
		readable |= !failed;
	}
	return readable ? 0 : rc;
}

static const struct stream_info *info_of(const struct merge_input *input, size_t i)
{
	return input->files[i].reader ? stream_reader__info(input->files[i].reader) : NULL;
}

/* How strongly a stream's run is the folder's: by its name first, then by how many streams it has there. */
static size_t weight_of(const struct merge_input *input, size_t i)
{
	const struct stream_info *info = info_of(input, i);
	size_t weight = 0;

	if (!info || !info->streams)
		return 0;
	for (size_t k = 0; k < input->count; k++)
		weight += info_of(input, k) && merge__same_run(info_of(input, k), info);
	return weight + (input->name && !strcmp(info->run.id, input->name) ? input->count : 0);
}

/* The run whose folder this is; NULL if no stream says what streams its run has: older writers did not. */
static const struct stream_info *run_of(const struct merge_input *input)
{
	const struct stream_info *run = NULL;
	size_t most = 0;

	for (size_t i = 0; i < input->count; i++) {
		size_t weight = weight_of(input, i);

		if (weight <= most)
			continue;
		most = weight;
		run = info_of(input, i);
	}
	return run;
}

static void leave_out_others(struct merge_input *input, const struct merge *merge, const struct stream_info *run)
{
	struct error why;

	for (size_t i = 0; run && i < input->count; i++) {
		const struct stream_info *info = info_of(input, i);

		if (!info || merge__same_run(info, run))
			continue;
		error__set(&why, 0, "is of run %s, but the folder is that of %s: left out", info->run.id, run->run.id);
		leave_out(merge, info->path, why.text);
		stream_reader__close(input->files[i].reader);
		input->files[i].reader = NULL;
	}
}

static int read_input(struct merge_input *input, struct merge *merge, struct error *err)
{
	struct error why;
	int rc = read_headers(input, merge, err);

	if (!rc && input->folder)
		leave_out_others(input, merge, run_of(input));
	for (size_t i = 0; i < input->count && !rc; i++) {
		struct file *file = &input->files[i];

		if (!file->reader)
			continue;
		if (file->segments)
			segments__attach(file->segments, merge, file->reader);
		rc = merge__add_reader(merge, file->reader, input->folder, &why);
		file->segments = NULL;
		file->reader = NULL;
		if (rc)
			error__set(err, rc, "%s: %s", input->path, why.text);
	}
	return rc;
}

int merge_input__read(struct merge_input *inputs, struct merge *merge, struct error *err)
{
	int rc = 0;

	if (merge__started(merge))
		return error__set(err, -EBUSY, "%s: the merge has begun", inputs->path);
	for (; inputs && !rc; inputs = inputs->next)
		rc = read_input(inputs, merge, err);
	return rc;
}

int merge__add(struct merge *merge, const char *path, struct error *err)
{
	struct merge_input *inputs = NULL;
	int rc = merge_input__open(&inputs, path, err);

	if (!rc)
		rc = merge_input__read(inputs, merge, err);
	merge_input__free(inputs);
	return rc;
}
