/* SPDX-License-Identifier: BSD-2-Clause */
/* The page's texts: the head, failures, notes. */
'use strict';

/* ---- the head ---- */

function fact(label, value, note, alert) {
	return element(
		'div',
		{ className: 'fact' },
		element('dt', {}, label),
		element(
			'dd',
			{},
			element('b', { className: alert ? 'bad' : '' }, value),
			note ? element('span', { className: alert ? 'note bad' : 'note' }, note) : ''
		)
	);
}

/* In place of a verdict, as long as there is none. */
function stateOf(run, r) {
	const { wall, running } = run.runs;

	return fact(
		'State',
		'running',
		'for ' + duration(wall[r]) + ', ' + (running[r] === 1 ? '1 process' : grouped(running[r]) + ' processes')
	);
}

function verdictOf(run, r) {
	const { ended, life, root_outcome, root_code, root_signal, root_signal_name, root_benign, hidden } = run.runs;

	if (life[r] === LIFE.running && (!ended[r] || root_outcome[r] === RUNNING)) return stateOf(run, r);
	if (!ended[r]) return fact('Verdict', 'not seen', 'its end is not in the record');
	const text = endingText(root_outcome[r], root_code[r], root_signal[r], run.text(root_signal_name[r])),
		outcome = root_outcome[r];
	const lies = outcome === OK && !root_benign[r] && hidden[r];
	return fact(
		'Verdict',
		text,
		lies ? 'but ' + plural(hidden[r], 'failure') + (hidden[r] === 1 ? ' is hidden' : ' are hidden') : '',
		lies || outcome === FAILED || outcome === KILLED || outcome === OOM
	);
}

function largestOf(run, r) {
	const { peak, sampled } = run.rows;
	let best = -1,
		most = 0;

	for (let i = 0; i < run.count; i++) {
		const value = isNull(peak[i]) ? sampled[i] : peak[i];

		if (run.rows.run[i] === r && value > most) {
			most = value;
			best = i;
		}
	}
	return best;
}

/* What all processes held at one time comes first: it is what a machine, or a limit, must have. With one process, or without
 * samples, there is only the peak of the largest. */
function memoryFact(run, r) {
	const { rss_peak, rss_lower, processes: count } = run.runs,
		largest = largestOf(run, r),
		peak = largest < 0 ? -1 : Math.max(run.rows.peak[largest], run.rows.sampled[largest]),
		which = largest < 0 ? '' : short(run.command(largest), 48);

	if (isNull(rss_peak[r]) || count[r] < 2)
		return largest < 0 ? null : fact('Peak memory', peakText(run.rows, largest), which);
	const most = size(rss_peak[r]),
		least = isNull(rss_lower[r]) ? most : size(rss_lower[r]),
		words = least === most ? 'sampled' : 'at most; at least ' + least,
		note = largest < 0 ? '' : ' · largest process ' + peakText(run.rows, largest) + ': ' + which;

	/* Between two samples, one process held more than all of them in a sample. */
	if (peak > rss_peak[r]) return fact('Memory at once', '≥ ' + size(peak), 'the peak of one process: ' + which);
	return fact('Memory at once', most, words + note);
}

function factsOf(run, r) {
	const t = run.runs,
		ended = t.ended[r] && !isNull(t.root_ended[r]);
	const until = t.life[r] === LIFE.running ? 'so far' : 'up to the last record';
	const facts = [verdictOf(run, r), fact('Wall', duration(t.wall[r]), ended ? '' : until)],
		memory = memoryFact(run, r);
	const programs = [plural(t.programs[r], 'program') + ' executed'];

	if (t.cpu_known[r])
		facts.push(
			fact(
				'CPU',
				(t.cpu_missing[r] ? '≥ ' : '') + duration(t.cpu_value[r]),
				t.older[r]
					? 'with what was used before it was watched'
					: t.cores[r]
						? (t.cores[r] / 1e6).toFixed(t.cores[r] < 1e6 ? 2 : 1) + ' cores on average'
						: ''
			)
		);
	if (memory) facts.push(memory);
	if (t.failed[r]) programs.push(grouped(t.failed[r]) + ' failed');
	if (t.retried[r]) programs.push(grouped(t.retried[r]) + ' retried with success');
	if (t.ignored[r]) programs.push(grouped(t.ignored[r]) + ' ignored');
	if (t.muted[r]) programs.push(grouped(t.muted[r]) + ' muted');
	if (t.running[r]) programs.push(grouped(t.running[r]) + ' still running');
	if (t.unknown[r]) programs.push(grouped(t.unknown[r]) + ' whose end was not seen');
	facts.push(fact('Processes', grouped(t.processes[r]), programs.join(', ')));
	return facts;
}

function goesText(t, r) {
	const at = isNull(t.began[r]) ? '' : ', at ' + when(t.real[r] + t.until[r] - t.began[r]);

	return 'This run had not ended when the report was made' + at + '. It shows what had happened until then.';
}

function headOf(run) {
	const t = run.runs,
		head = byId('head'),
		title = run.text(run.facts.title[0]);

	document.title = (title || run.text(t.name[0]) || run.text(t.id[0])) + ' – collector';
	for (let r = 0; r < t.id.length; r++) {
		const name = (r ? '' : title) || run.text(t.name[r]) || run.text(t.id[r]);
		const where = [
			run.text(t.id[r]) === name ? '' : run.text(t.id[r]),
			run.text(t.host[r]),
			isNull(t.began[r]) ? '' : when(t.real[r])
		];

		head.append(
			element(r ? 'h2' : 'h1', {}, name),
			element('p', { className: 'muted' }, where.filter(part => part).join(' · '))
		);
		if (t.command[r])
			head.append(
				element(
					'p',
					{ className: 'mono command-line', title: shellCommand(run.bytes(t.command[r])) },
					'$ ' + shellCommand(run.bytes(t.command[r]))
				)
			);
		if (t.life[r] === LIFE.running)
			head.append(element('p', { className: 'notice running' }, goesText(t, r)));
		head.append(
			isNull(t.began[r])
				? element('p', {}, 'no records')
				: element('dl', { className: 'facts' }, ...factsOf(run, r))
		);
	}
}

/* ---- what failed: one entry per kind of failure, hidden ones first ---- */

/* `shown`: rows that are shown as a cause. */
function failureKinds(run, shown) {
	const kinds = new Map(),
		{ name, outcome, exit_code, signal, how } = run.rows;

	/* Whichever process of that name it was. */
	const cause = text => run.text(text).replace(/ \(pid \d+\)/, '');

	for (let i = 0; i < run.count; i++) {
		if (!run.bad(i) || run.has(i, FLAGS.propagated) || shown.has(i)) continue;
		const about = run.has(i, FLAGS.forked) && run.rows.tried[i] ? 't' + run.subject(i) : name[i];
		const key = [about, outcome[i], exit_code[i], signal[i], run.has(i, FLAGS.forked), cause(how[i])].join();
		const kind = kinds.get(key) || { first: i, count: 0, hidden: 0 };

		if (!kind.hidden && run.has(i, FLAGS.hidden)) kind.first = i;
		kind.count++;
		kind.hidden += run.has(i, FLAGS.hidden);
		kinds.set(key, kind);
	}
	return [...kinds.values()].sort((a, b) => (b.hidden > 0) - (a.hidden > 0) || a.count - b.count || a.first - b.first);
}

function failureEntry(run, kind, choose) {
	const i = kind.first,
		rows = run.rows,
		parent = rows.parent[i],
		words = [];

	if (kind.count > 1) words.push(grouped(kind.count) + ' times, first');
	words.push('pid ' + rows.pid[i] + (isNull(rows.wall[i]) ? '' : ' at +' + duration(Math.max(0, run.ends[i]))));
	const parts = [
		words.join(' '),
		run.text(rows.how[i]),
		run.has(i, FLAGS.core) ? 'core dumped' : '',
		run.text(rows.oom[i]),
		run.step(i) ? 'in ' + run.step(i) : '',
		parent && rows.by_pid[i] !== rows.ppid[i] ? 'under ' + short(run.command(parent - 1), 100) : ''
	];

	return element(
		'li',
		{},
		pill(rows.outcome[i], run.ending(i)),
		element(
			'div',
			{},
			element(
				'button',
				{ type: 'button', className: 'link mono', onclick: () => choose(i) },
				run.subject(i)
			),
			element('p', { className: 'note' }, parts.filter(part => part).join(' · ')),
			kind.hidden
				? element(
						'p',
						{ className: 'hides' },
						element('b', {}, kind.hidden < kind.count ? grouped(kind.hidden) + ' hidden' : 'Hidden'),
						': ' + (hiddenBy(run, i) || 'an ancestor') + ' ended 0'
					)
				: ''
		)
	);
}

const KINDS_SHOWN = 6;

function failuresOf(run, choose, shown) {
	const sumOf = values => values.reduce((a, b) => a + b, 0),
		inChain = [...shown].filter(i => run.bad(i)),
		passedThere = inChain.filter(i => run.has(i, FLAGS.propagated)).length,
		passed = sumOf(run.runs.propagated) - passedThere,
		failed = sumOf(run.runs.failed) - (inChain.length - passedThere),
		list = byId('failures').querySelector('ol');

	if (!failed) return;
	const kinds = failureKinds(run, shown),
		entries = kinds.map(kind => failureEntry(run, kind, choose));
	const notes = [
		passed ? grouped(passed) + ' more passed on the exit status of a failed child' : '',
		run.facts.failed_dropped[0] ? grouped(run.facts.failed_dropped[0]) + ' more are counted, but not listed' : '',
		sumOf(run.runs.untraced)
			? 'for ' + grouped(sumOf(run.runs.untraced)) + ' it is not known whether they stayed hidden'
			: ''
	];
	byId('failures').hidden = false;
	byId('failures-title').textContent = (shown.size ? 'Other failures (' : 'Failed (') + grouped(failed) + ')';
	list.append(...entries.slice(0, KINDS_SHOWN));
	byId('failures').querySelector(':scope > .note').textContent = notes.filter(note => note).join('; ');
	if (entries.length > KINDS_SHOWN)
		byId('failures').append(
			element(
				'button',
				{
					type: 'button',
					id: 'more-kinds',
					onclick: event => {
						list.append(...entries.slice(KINDS_SHOWN));
						event.target.remove();
					}
				},
				'Show ' + plural(entries.length - KINDS_SHOWN, 'other kind')
			)
		);
}

/* ---- notes ---- */

function lossesOf(run) {
	const list = byId('losses').querySelector('ul'),
		several = run.runs.id.length > 1;

	run.losses.text.forEach((text, k) =>
		list.append(
			element('li', {}, (several ? run.text(run.runs.id[run.losses.run[k]]) + ': ' : '') + run.text(text))
		)
	);
	byId('losses').hidden = !run.losses.text.length;
}

function footOf(run) {
	const t = run.runs,
		all = t.rows.reduce((a, b) => a + b, 0),
		foot = byId('foot'),
		{ figure, rows, text } = run.missing;

	['CPU time', 'wall time', 'peak memory'].forEach((name, f) => {
		const mine = [...figure.keys()].filter(k => figure[k] === f && rows[k]),
			count = mine.reduce((sum, k) => sum + rows[k], 0);

		if (count)
			foot.append(
				element(
					'p',
					{},
					name +
						' is not known for ' +
						grouped(count) +
						' of ' +
						grouped(all) +
						': ' +
						mine
							.sort((a, b) => rows[b] - rows[a])
							.map(k => run.text(text[k]) + (mine.length > 1 ? ' (' + grouped(rows[k]) + ')' : ''))
							.join(', ')
				)
			);
	});
	foot.append(
		element(
			'p',
			{},
			'collector ' +
				run.text(t.collector[0]) +
				' · Linux ' +
				run.text(t.kernel[0]) +
				' on ' +
				run.text(t.machine[0])
		)
	);
}

function droppedNote(run) {
	const { rows_dropped, rows_below, tasks_dropped } = run.facts;

	if (!rows_dropped[0]) return '';
	return (
		grouped(rows_dropped[0]) +
		' programs that took at most ' +
		duration(rows_below[0]) +
		' are counted in the sums by command and step and in the curves, but not shown one by one' +
		(tasks_dropped[0] ? ', nor are ' + plural(tasks_dropped[0], 'task') : '') +
		'.'
	);
}

function legendOf(run) {
	const there = new Set(run.rows.outcome.filter((outcome, i) => outcome !== UNKNOWN || run.isLost(i))),
		items = [['shades', 'ended well: from waiting to busy']];
	const names = {
		[FAILED]: 'failed',
		[KILLED]: 'killed by a signal',
		[OOM]: 'out of memory',
		[RUNNING]: 'still running',
		[UNKNOWN]: 'end not seen'
	};

	for (const outcome of [FAILED, KILLED, OOM, RUNNING, UNKNOWN])
		if (there.has(outcome)) items.push([OUTCOMES[outcome], names[outcome]]);
	if (run.gaps.text.length) items.push(['loss', 'records lost']);
	if (run.verdicts.kind.length) items.push(['verdict', 'verdict']);
	if (run.runs.hidden.some(count => count)) items.push(['hiddenmark', 'hidden failure']);
	byId('legend').append(...items.map(([kind, text]) => element('li', {}, swatch(kind), text)));
}
