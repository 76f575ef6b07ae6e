/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a run failed: the process that began it, and those that passed it on. */
'use strict';

/* Rows from the process by which the run ended down to the one that began its failure. */
function chainOf(run, end) {
	const { parent, cause } = run.rows,
		chain = [cause[end] ? cause[end] - 1 : end];

	while (chain[0] !== end && parent[chain[0]]) chain.unshift(parent[chain[0]] - 1);
	return chain[0] === end ? chain : [end, chain[chain.length - 1]];
}

/* The detail of the process has all of it, and the button that copies it. */
function inTheMiddleShort(text) {
	const most = 200,
		part = most / 2 - 2;

	return text.length > most ? text.slice(0, part) + ' … ' + text.slice(-part) : text;
}

/* What is known of other processes: what was waited for, what came before. */
function notesOf(run, i) {
	const notes = run.rows.notes[i];

	return notes ? splitList(run.bytes(notes)).map(note => element('p', { className: 'note' }, safeText(note))) : [];
}

/* Its last lines, and the file that they are in. */
function saidLines(run, i) {
	const { said, said_in } = run.rows;

	if (!said[i]) return [];
	return [
		said_in[i] ? element('p', { className: 'note' }, run.text(said_in[i])) : '',
		element('pre', { className: 'said' }, safeLines(run.bytes(said[i])))
	];
}

function originEntry(run, i, choose) {
	const rows = run.rows,
		again = rows.again[i] ? run.text(rows.again[i]) : '',
		args = run.bytes(rows.tried[i] && run.has(i, FLAGS.forked) ? rows.tried[i] : rows.args[i]);
	const where = [
		'pid ' + rows.pid[i],
		isNull(rows.wall[i])
			? ''
			: 'at +' + duration(Math.max(0, run.ends[i])) + ', after ' + duration(rows.wall[i]),
		run.text(rows.how[i]),
		run.has(i, FLAGS.core) ? 'core dumped' : '',
		run.text(rows.oom[i]),
		run.step(i) ? 'in step ' + run.step(i) : ''
	];

	return element(
		'div',
		{},
		element(
			'button',
			{ type: 'button', className: 'link mono', onclick: () => choose(i) },
			(rows.wanted[i] ? run.text(rows.wanted[i]) + ', in ' : '') +
				(run.has(i, FLAGS.forked) && !rows.tried[i] && !rows.wanted[i] ? 'fork of ' : '') +
				inTheMiddleShort(args ? shellCommand(args) : run.subject(i))
		),
		element('p', { className: 'note' }, where.filter(part => part).join(' · ')),
		rows.cwd[i] ? element('p', { className: 'note' }, 'in ' + run.text(rows.cwd[i])) : '',
		...notesOf(run, i),
		...saidLines(run, i),
		again ? copyButton(again, 'Copy how to run it again') : ''
	);
}

function passedOn(run, chain, choose) {
	return element(
		'ol',
		{ className: 'chain' },
		...chain.map((i, depth) =>
			element(
				'li',
				{ style: '--depth: ' + Math.min(depth, 12) },
				run.has(i, FLAGS.last) ? pill(run.rows.outcome[i], run.ending(i)) : '',
				element(
					'button',
					{ type: 'button', className: 'link mono', onclick: () => choose(i) },
					run.whole(i)
				)
			)
		)
	);
}

/* Returns the rows of the chains that it shows. */
function causesOf(run, choose) {
	const shown = new Set();

	for (let end = 0; end < run.count; end++) {
		if (!run.has(end, FLAGS.endsRun) || !run.bad(end)) continue;
		const chain = chainOf(run, end),
			origin = chain[chain.length - 1];

		chain.forEach(i => shown.add(i));
		byId('cause').hidden = false;
		byId('cause').append(
			run.rows.before[origin] ? element('p', { className: 'note' }, run.text(run.rows.before[origin])) : '',
			element(
				'div',
				{ className: 'origin' },
				pill(run.rows.outcome[origin] === OK ? FAILED : run.rows.outcome[origin], run.ending(origin)),
				originEntry(run, origin, choose)
			),
			chain.length > 1 ? element('p', { className: 'note' }, 'Passed on:') : '',
			chain.length > 1 ? passedOn(run, chain, choose) : ''
		);
	}
	return shown;
}
