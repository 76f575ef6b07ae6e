/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules and limits that the keeper has read again: it opens the file, which the recorder cannot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/daemon/channel.h"
#include "core/daemon/loop.h"
#include "core/daemon/recorder.h"
#include "core/daemon/rules.h"
#include "core/daemon/run.h"

#define SIZE_MAX_BYTES (64 << 20)

static void drop(struct reload *reload)
{
	free(reload->data);
	reload->data = NULL;
	reload->size = reload->have = 0;
}

/* Takes effect later: this may be called while a run is being opened by one of the rules. */
void recorder_reload__take(struct recorder *r, const struct channel_message *m)
{
	struct reload *reload = &r->reload;

	if (!m->run) {
		drop(reload);
		reload->data = m->number > 0 && m->number <= SIZE_MAX_BYTES ? malloc(m->number) : NULL;
		reload->size = reload->data ? m->number : 0;
	}
	if (reload->data && m->run == reload->have && m->size <= reload->size - reload->have) {
		memcpy(reload->data + reload->have, m->text, m->size);
		reload->have += m->size;
		if (reload->have < reload->size)
			return;
	} else {
		drop(reload);
	}
	loop__arm(reload->timer, 1, 0);
}

static int apply(struct recorder *r)
{
	struct conf conf = r->own;
	int err = r->reload.data ? conf_reload__unpack(&conf, r->reload.data, r->reload.size) : -EBADMSG;

	if (err)
		return err;
	runs__notes(r); /* what matched until now did so by the old rules */
	err = rules__replace(r->scope, r->conf, &conf);
	if (err) {
		free(conf.rules);
		return err;
	}
	if (r->reload.used)
		free(r->own.rules);
	free(r->reload.used);
	r->reload.used = r->reload.data;
	r->reload.data = NULL;
	r->own = conf;
	for (struct run *run = r->runs; run; run = run->next)
		run__limit(run, conf.limits.run);
	return 0;
}

void recorder_reload__on_timer(void *arg)
{
	struct recorder *r = arg;
	int err = apply(r);

	drop(&r->reload);
	channel__tell(r->channel, CHANNEL_RELOADED, 0, err);
}

void recorder_reload__free(struct recorder *r)
{
	drop(&r->reload);
	if (r->reload.used)
		free(r->own.rules);
	free(r->reload.used);
}
