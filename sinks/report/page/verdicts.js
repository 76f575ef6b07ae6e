/* SPDX-License-Identifier: BSD-2-Clause */
/* What is wrong with processes, beside what failed: a sentence each, with what to do, and marks on the timeline. */
'use strict';

const VERDICTS_SHOWN = 6;

/* When it held, on the report's axis: from, until; to the run's end if it lasted. */
function verdictSpan(run, k) {
	const { since, until, run: of } = run.verdicts,
		from = Math.max(0, since[k]);

	return [from, isNull(until[k]) ? Math.max(from, run.runs.until[of[k]]) : Math.max(from, until[k])];
}

function verdictTimes(run, k) {
	const [from, until] = verdictSpan(run, k),
		lasts = isNull(run.verdicts.until[k]);

	return 'since +' + duration(from) + (lasts ? ', up to the end' : ', for ' + duration(until - from));
}

const verdictName = (run, k) => run.text(run.verdicts.kind[k]).replaceAll('_', ' ');

function verdictEntry(run, k, choose) {
	const v = run.verdicts,
		row = linkedRow(run, '#process=' + v.pid[k] + '-' + run.text(v.start[k])),
		command = run.text(v.command[k]);
	const more = [
		['What would prove it wrong', v.refute[k]],
		['Involved', v.members[k]],
		['Could not be looked at', v.missing[k]]
	];

	return element(
		'li',
		{},
		element('span', { className: 'pill ' + (v.proven[k] ? 'proven' : 'likely') }, verdictName(run, k)),
		element(
			'div',
			{},
			element('p', { className: 'evidence' }, run.text(v.evidence[k])),
			element(
				'p',
				{ className: 'note' },
				(v.proven[k] ? 'proven' : 'likely') + ' · ' + verdictTimes(run, k) + ' · ',
				row >= 0
					? element('button', { type: 'button', className: 'link', onclick: () => choose(row) }, 'show the process')
					: 'pid ' + v.pid[k] + ', ' + short(command, 60)
			),
			v.next[k] ? element('p', { className: 'next' }, run.text(v.next[k])) : '',
			element(
				'details',
				{},
				element('summary', {}, 'More'),
				...more
					.filter(([, text]) => text)
					.map(([label, text]) => element('p', { className: 'note' }, label + ': ' + run.text(text)))
			)
		)
	);
}

function verdictsOf(run, choose) {
	const section = byId('verdicts'),
		list = section.querySelector('ol'),
		count = run.verdicts.kind.length,
		{ not_muted: muted, not_left: left } = run.verdicts;
	const notes = [
		muted[0] ? grouped(muted[0]) + ' muted by verdicts.ignore' : '',
		left[0] ? grouped(left[0]) + ' more are not listed' : ''
	];

	if (!count && !muted[0]) return;
	section.hidden = false;
	const entries = Array.from({ length: count }, (_, k) => verdictEntry(run, k, choose));
	list.append(...entries.slice(0, VERDICTS_SHOWN));
	section.querySelector(':scope > .note').textContent = notes.filter(note => note).join('; ');
	if (count > VERDICTS_SHOWN)
		section.append(
			element(
				'button',
				{
					type: 'button',
					id: 'more-verdicts',
					onclick: event => {
						list.append(...entries.slice(VERDICTS_SHOWN));
						event.target.remove();
					}
				},
				'Show ' + plural(count - VERDICTS_SHOWN, 'other verdict')
			)
		);
}
