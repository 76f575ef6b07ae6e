/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads which programs are clients of a server that does their work, from YAML. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/config.h"
#include "sinks/steps/steps_rule.h"

enum key { KEY_COMMAND = STEPS_CONDITIONS, KEY_SERVER, KEY_REFUSED, KEYS };

static const char *const key_names[] = {STEPS_CONDITION_NAMES, "command", "server", "refused"};

static void read_command(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct steps_client *client = arg;

	steps_limit__add_name(tree, entry, &client->rule.commands, &client->rule.commands_count);
}

static void read_key(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct steps_client *client = arg;
	int key = tree__choose(tree, entry, "key", key_names, KEYS);

	if (key >= 0 && key < STEPS_CONDITIONS)
		steps_rule__condition(tree, entry, &client->rule.rule, (enum steps_condition)key);
	else if (key == KEY_COMMAND)
		tree__sequence(tree, entry->node, entry->key, read_command, client);
	else if (key == KEY_SERVER)
		steps_rule__condition(tree, entry, &client->server, STEPS_IF_ARGS);
	else if (key == KEY_REFUSED)
		tree__sequence(tree, entry->node, entry->key, steps_exit__read_code, &client->rule);
}

void steps_client__read(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct steps *steps = ((const struct steps_reading *)arg)->steps;
	struct steps_client client = {.rule.rule.depth = -1, .server.depth = -1}, *clients;
	unsigned errors = tree->errors;

	tree__mapping(tree, entry->node, entry->key, read_key, &client);
	if (tree->errors == errors && !client.rule.commands_count && !client.rule.rule.patterns_count)
		tree__error(tree, entry->node, entry->key,
			    "has no condition and would match everything: write command: [docker]");
	if (steps->clients_count == UINT16_MAX)
		tree__error(tree, entry->node, entry->key, "is one too many: write at most %d", UINT16_MAX);
	clients = reallocarray(steps->clients, steps->clients_count + 1, sizeof(*clients));
	if (clients)
		steps->clients = clients;
	else
		tree__error(tree, entry->node, entry->key, "out of memory");
	if (tree->errors != errors) {
		steps_client__free(&client);
		return;
	}
	clients[steps->clients_count++] = client;
}

void steps_client__free(struct steps_client *client)
{
	steps_exit__free(&client->rule);
	steps_rule__free(&client->server);
}
