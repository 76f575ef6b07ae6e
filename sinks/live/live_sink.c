/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink whose tree a thread of its own shows: it reads the model between these. */
#include "sinks/live/live.h"

int live_sink__stream(void *state, const struct stream_info *info)
{
	struct live_sink *live = state;
	int rc;

	pthread_mutex_lock(&live->lock);
	rc = on_model__stream(state, info);
	pthread_mutex_unlock(&live->lock);
	return rc;
}

int live_sink__write(void *state, const struct record *record)
{
	struct live_sink *live = state;
	int rc;

	pthread_mutex_lock(&live->lock);
	rc = on_model__write(state, record);
	pthread_mutex_unlock(&live->lock);
	return rc;
}

int live_sink__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct live_sink *live = state;
	int rc;

	pthread_mutex_lock(&live->lock);
	rc = on_model__ended(state, info, stream);
	pthread_mutex_unlock(&live->lock);
	return rc;
}
