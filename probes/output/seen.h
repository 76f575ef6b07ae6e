/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the events of other probes, by the names of their fields. Includes nothing. */
#ifndef PROBES_OUTPUT_SEEN_H
#define PROBES_OUTPUT_SEEN_H

/* 0 as well if it has no such field. */
uint64_t seen__number(const struct schema_event *schema, const struct event *event, const char *name);

/* A string, list or map of an event, by the name of its field; NULL: there is none, or it is not complete. */
const char *seen__find(const struct schema_event *schema, const struct event *event, size_t size, const char *name,
		       size_t *length);

/* Copies the value of an item NAME=VALUE of a map, "" if there is none; returns the copy. */
const char *seen__item(const char *map, size_t length, const char *name, char *value, size_t size);

/* Whether a word is a file of that name, with or without its folder. */
bool seen__is_file(const char *word, size_t length, const char *name, size_t name_length);

/* Whether one of the arguments, each ended by NUL, is a file of that name. */
bool seen__has_file(const char *args, size_t length, const char *name);

#endif
