/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of its children's ends a process has passed on. */
#ifndef SINKS_MODEL_CHOICE_H
#define SINKS_MODEL_CHOICE_H

#include "sinks/model/process.h"
#include "sinks/steps/steps.h"

bool choice__is_candidate(const struct ending *ending); /* neither retried nor ignored */

/* The latest failure, or answer if those count, if not more than so many children have begun after it and ended well. */
struct ending *choice__latest(const struct brood *brood, uint32_t after, bool answers);

/* What may pass the end of a child on. */
struct passer {
	const struct model_row *row;
	const struct model_command *command; /* NULL: not known */
	enum steps_exit says;		     /* what rules say of its own exit */
	bool tests;			     /* what it runs may fail, unless it fails itself */
};

/* The end of a child that the process passed on; NULL: none. */
struct ending *choice__cause(const struct passer *passer, const struct brood *brood);

/* Notes with the cause below what runs tests that it is one of several. */
void choice__note_others(const struct brood *brood, struct ending *cause, const struct model_row *row);

#endif
