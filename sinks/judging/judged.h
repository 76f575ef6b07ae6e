/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink on the model that shows verdicts: its state begins with a struct judged, and its table has JUDGED. It passes rows and
 * hidden failures on itself, in the calls that it has for them anyway. */
#ifndef SINKS_JUDGING_JUDGED_H
#define SINKS_JUDGING_JUDGED_H

#include "core/text.h"
#include "sinks/model/on_model.h"
#include "sinks/verdicts/verdicts.h"

struct judged {
	struct on_model on;
	struct verdicts *verdicts;
};

/* In its open(); in its finish(), before it shows any; in its close(). */
int judged__open(struct judged *judged);
int judged__finish(struct judged *judged);
void judged__close(struct judged *judged);

int judged__stream(void *state, const struct stream_info *info);
int judged__record(void *state, const struct record *record);
int judged__flush(void *state, bool last);

#define JUDGED .stream = judged__stream, .record = judged__record, .flush = judged__flush

/* Whether pages show it: proven or likely, and no failure, which they have in another place. It may be muted. */
bool judged__shows(const struct verdict *verdict);

/* The first hang or deadlock that pages show, if a signal from outside of the run ended this process, with which its failure
 * began, or if that hung itself: then the signal is not why it failed. NULL: none. */
const struct verdict *judged__hang(const struct verdicts *verdicts, const struct model_row *began);

/* "a likely hang of make (pid 12), see Verdicts; what ended it:" */
void judged__lead(struct text *text, const struct verdict *hang);

/* What stands before the cause: that of such a hang, or story__interrupted(); nothing, where the end itself says why. */
void judged__before_cause(struct text *text, const struct verdicts *verdicts, const struct model_ending *began);

#endif
