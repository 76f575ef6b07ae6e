/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that only ask a server for work, by the rules `clients`, and whether that server is a part of the run. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/format.h"
#include "sinks/model/process.h"
#include "sinks/steps/steps.h"

#define NAME_MAX_SHOWN 32

/* Of a rule. */
struct clients {
	uint64_t count;
	bool own; /* a server of the run */
	char name[NAME_MAX_SHOWN];
};

static struct clients *clients_of(struct model *model, struct run *run, uint32_t rule)
{
	if (!run->clients) {
		run->clients_count = steps_matcher__clients_count(model->matcher);
		run->clients = calloc(run->clients_count, sizeof(*run->clients));
	}
	return run->clients ? &run->clients[rule - 1] : NULL;
}

/* Whether it is the client that has been counted, as one that is a script executes the next. What a local script of that name
 * executes has asked no server. */
static bool is_same_client(const struct model *model, const struct process *p, uint32_t found)
{
	if (!p->client_counted)
		return false;
	if ((!found || found == p->client) && steps_matcher__client_like(model->matcher, p->client, p->command))
		return true;
	p->run->clients[p->client - 1].count--;
	return false;
}

int client__exec(struct model *model, struct process *p)
{
	struct steps_program program = {
		.command = p->command, .parent = p->parent, .comm = p->row.comm, .depth = p->above};
	struct steps_clients found =
		model->matcher ? steps_matcher__clients(model->matcher, &program) : (struct steps_clients){0, 0};
	struct clients *server = found.server ? clients_of(model, p->run, found.server) : NULL;
	struct clients *client = found.client ? clients_of(model, p->run, found.client) : NULL;

	if ((found.server && !server) || (found.client && !client))
		return -ENOMEM;
	if (server)
		server->own = true;
	p->serves = (uint16_t)found.server;
	if (is_same_client(model, p, found.client))
		return 0;
	p->client = (uint16_t)found.client;
	p->client_counted = client;
	if (client && !client->count++)
		snprintf(client->name, sizeof(client->name), "%s", model_command__name(p->command, p->row.comm));
	return 0;
}

static bool is_server(const struct model *model, const struct process *p)
{
	return p->client && p->row.forked && steps_matcher__client_serves(model->matcher, p->client);
}

/* Whether a server of terminals, such as screen, has closed that of what it had started: as it was asked to, where it lives or
 * ends well. */
bool client__is_closed(const struct model *model, const struct process *p)
{
	bool hung_up = p->row.signal == SIGHUP && p->row.sender == MODEL_SENDER_KERNEL;

	for (const struct process *over = hung_up ? p->ancestor : NULL; over; over = over->ancestor)
		if (is_server(model, over) || over->standing == ENDED_OK)
			return is_server(model, over);
	return false;
}

/* One that has reached no server has had nothing done. A server that the client itself has become by fork, as that of tmux,
 * goes on without it. */
void client__ended(struct model *model, const struct process *p)
{
	const struct hash *all = &model->processes;

	if (!p->client || p->row.forked)
		return;
	if (p->client_counted && steps_matcher__client_refused(model->matcher, p->client, p->row.exit_code))
		p->run->clients[p->client - 1].count--;
	if (!steps_matcher__client_serves(model->matcher, p->client))
		return;
	for (struct hash_node *node = hash__any(all, NULL); node; node = hash__any(all, node)) {
		const struct process *other = process__of(node);

		if (other->run == p->run && other->client == p->client && is_server(model, other) &&
		    EVENT_IS_NULL(other->row.ended_ns))
			p->run->clients[p->client - 1].own = true;
	}
}

void model_run__clients(const struct model_run *pub, struct text *text)
{
	const struct run *run = (const struct run *)pub;
	const char *before = "";

	for (size_t i = 0; i < run->clients_count; i++) {
		const struct clients *client = &run->clients[i];
		char count[FORMAT_SIZE];

		if (!client->count || client->own)
			continue;
		text__printf(text, "%s", before);
		text__safe(text, client->name, strlen(client->name));
		if (client->count > 1)
			text__printf(text, " (%s times)", format__count(count, client->count));
		before = ", ";
	}
}
