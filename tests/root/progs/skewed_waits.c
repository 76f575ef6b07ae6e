/* SPDX-License-Identifier: BSD-2-Clause */
/* Loaded after libfaketime, which leaves out the waits of C11 that librdkafka uses: their ends are times of the wrong clock, $SKEW s
 * ahead, and libc needs them by the right one. */
#include <dlfcn.h>
#include <stdlib.h>
#include <threads.h>

int cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *end)
{
	int (*next)(cnd_t *, mtx_t *, const struct timespec *) = dlsym(RTLD_NEXT, "cnd_timedwait");
	struct timespec right = {end->tv_sec - atoi(getenv("SKEW")), end->tv_nsec};

	return next(cond, mutex, &right);
}
