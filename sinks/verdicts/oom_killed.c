/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that the OOM killer selected, as the model knows them. */
#include "sinks/detector/detector.h"

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct draft draft;

	(void)track;
	if (row->outcome != MODEL_OOM)
		return 0;
	draft = draft__new(VERDICT_OOM, VERDICT_PROVEN, row);
	draft.since_ns = draft.ended_ns = row->ended_ns;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " was ended by the OOM killer: ");
	if (row->oom) {
		model_oom__limit(row->oom, &draft.evidence);
		text__printf(&draft.evidence, "; the largest others: ");
		model_oom__others(row->oom, &draft.evidence);
	} else {
		text__printf(&draft.evidence, row->sender == MODEL_SENDER_MEMORY_LIMIT
						      ? "a memory cgroup was at its limit"
						      : "the host was out of memory");
		text__printf(&draft.missing, "limit and usage: no record of them");
	}
	text__printf(&draft.refute, "nothing: the kernel reported it");
	text__printf(&draft.next, "raise the limit, or let less run at once");
	return draft__add(verdicts, &draft);
}

const struct detector detector_oom = {
	.index = DETECT_OOM,
	.about =
		{
			.kinds = "oom",
			.needs = "lifecycle.exit, mem.oom_kill or lifecycle.exit.sender",
			.certainty = "proven",
			.text = "the OOM killer ended a process: the limit, the usage, what else held memory then",
		},
	.row = judge,
};
