/* SPDX-License-Identifier: BSD-2-Clause */
/* Two threads that each hold the mutex that the other one wants: for good, or, with an argument, asking again after a second. */
#include <pthread.h>
#include <time.h>

static pthread_mutex_t mutexes[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_barrier_t both;
static int again;

static void *lock_both(void *arg)
{
	long first = (long)arg;
	struct timespec until;

	pthread_mutex_lock(&mutexes[first]);
	pthread_barrier_wait(&both);
	do {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
	} while (again && pthread_mutex_timedlock(&mutexes[!first], &until));
	return (void *)(long)pthread_mutex_lock(&mutexes[!first]);
}

int main(int argc, char **argv)
{
	pthread_t threads[2];

	(void)argv;
	again = argc > 1;
	pthread_barrier_init(&both, NULL, 2);
	for (long i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, lock_both, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
