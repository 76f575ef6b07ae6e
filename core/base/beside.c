/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the other programs of the collector. */
#include "core/base/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *beside__find(const char *name)
{
	char self[4096], *path = NULL, *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	if (slash && asprintf(&path, "%.*s/collector-%s", (int)(slash - self), self, name) >= 0) {
		if (!access(path, X_OK))
			return path;
		free(path);
	}
	if (asprintf(&path, BINDIR "/collector-%s", name) < 0)
		return NULL;
	if (!access(path, X_OK))
		return path;
	free(path);
	return NULL;
}
