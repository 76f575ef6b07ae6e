/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of a run: commands, steps, tasks, processes, what failed and what stayed hidden. */
'use strict';

function number(label, values, words, extra) {
	return {
		label,
		width: 92,
		value: i => values[i],
		text: i => (isNull(values[i]) ? '–' : words(values[i])),
		...extra
	};
}

/* A sum of which some parts are missing is a lower bound; one of which all are missing is none. */
function sum(label, table, name, words) {
	const values = table[name],
		knowns = table[name + '_known'],
		missing = table[name + '_missing'];

	return {
		label,
		width: 92,
		value: i => (knowns[i] || !missing[i] ? values[i] : -1),
		text: i => (!knowns[i] && missing[i] ? '–' : (missing[i] ? '≥ ' : '') + words(values[i]))
	};
}

const counted = (label, values, extra) =>
	number(label, values, value => (value ? grouped(value) : '0'), { width: 78, ...extra });

function share(value, all) {
	const percent = all ? (value / all) * 100 : 0;

	return value && percent < 0.5 ? '<1 %' : Math.round(percent) + ' %';
}

function failures(label, values) {
	return {
		...counted(label, values),
		content: i =>
			values[i]
				? element('b', { className: 'bad' }, grouped(values[i]))
				: element('span', { className: 'muted' }, '0')
	};
}

function commandsTable(run, choose) {
	const table = run.commands,
		total = run.runs.cpu_value.reduce((a, b) => a + b, 0);
	const name = i => run.text(table.name[i]) + (table.forked[i] ? ' (forked)' : '');

	return new Table(
		'Commands',
		[
			{ label: 'command', left: true, head: true, mono: true, value: name, text: name },
			sum('CPU', table, 'cpu', duration),
			{
				label: 'share',
				width: 70,
				value: i => table.cpu[i],
				text: i => (table.cpu_known[i] ? share(table.cpu[i], total) : '–')
			},
			sum('wall', table, 'wall', duration),
			number('longest', table.wall_max, duration),
			number('peak', table.peak, size, {
				text: i => (isNull(table.peak[i]) ? '–' : (table.peak_bound[i] ? '≥ ' : '') + size(table.peak[i]))
			}),
			sum('read', table, 'read', size),
			sum('written', table, 'written', size),
			counted('runs', table.rows),
			failures('failed', table.failed)
		],
		Array.from(table.name.keys()),
		{ sortBy: 1, textOf: i => name(i).toLowerCase(), choose }
	);
}

function stepsTable(run, choose) {
	const table = run.steps,
		name = i => run.text(table.name[i]);

	return new Table(
		'Steps',
		[
			{ label: 'step', left: true, head: true, value: name, text: name },
			counted('tasks', table.tasks),
			failures('failed', table.bad),
			failures('hidden', table.hidden),
			sum('CPU', table, 'cpu', duration),
			sum('wall', table, 'wall', duration),
			number('longest', table.wall_max, duration),
			number('peak', table.peak, size, { help: 'of the largest program' }),
			number('at once', table.together, size, {
				help: 'most that the processes of one task held at one time, by samples'
			}),
			sum('read', table, 'read', size),
			sum('written', table, 'written', size),
			counted('programs', table.rows)
		],
		Array.from(table.name.keys()),
		{ sortBy: 4, textOf: i => name(i).toLowerCase(), choose }
	);
}

function tasksTable(run, choose) {
	const table = run.tasks,
		name = i => run.text(table.step[i]);

	return new Table(
		'Tasks',
		[
			{ label: 'step', left: true, head: true, value: name, text: name },
			{
				label: 'task',
				left: true,
				width: 120,
				value: i => run.text(table.id[i]) || String(table.number[i]),
				text: i => run.text(table.id[i]) || '#' + table.number[i]
			},
			{
				label: 'ended',
				left: true,
				width: 92,
				value: i => taskEnding(run, i),
				content: i => pill(table.outcome[i], taskEnding(run, i))
			},
			number('began', table.began, value => '+' + duration(value)),
			number('wall', table.wall, duration),
			number('CPU', table.cpu, duration),
			number('peak', table.peak, size),
			number('at once', table.together, size),
			counted('programs', table.rows),
			failures('failed', table.failed),
			failures('hidden', table.hidden)
		],
		Array.from(table.began.keys()),
		{
			sortBy: 4,
			textOf: i => (name(i) + ' ' + run.text(table.id[i]) + ' ' + taskEnding(run, i)).toLowerCase(),
			choose
		}
	);
}

const taskEnding = (run, i) => endingText(run.tasks.outcome[i], run.tasks.exit_code[i], run.tasks.signal[i], '');

function pill(outcome, text) {
	return element('span', { className: 'pill ' + OUTCOMES[outcome] }, text);
}

function processesTable(run, name, rows, sortBy, choose, extra) {
	const t = run.rows,
		peak = i => (isNull(t.peak[i]) ? t.sampled[i] : t.peak[i]);

	return new Table(
		name,
		[
			{
				label: 'command',
				left: true,
				head: true,
				mono: true,
				value: i => run.command(i),
				text: i => run.command(i)
			},
			...extra,
			{
				label: 'ended',
				left: true,
				width: 104,
				value: i => run.ending(i),
				content: i =>
					element(
						'span',
						{},
						pill(t.outcome[i], run.ending(i)),
						run.has(i, FLAGS.hidden)
							? element('span', { className: 'mark', title: 'hidden: an ancestor ended 0' }, '◤')
							: ''
					)
			},
			number('wall', t.wall, duration),
			number('CPU', t.cpu, duration),
			number('peak', t.peak, size, { value: peak, text: i => peakText(run, i) }),
			number('read', t.read_bytes, size),
			number('written', t.write_bytes, size),
			number('began', t.began, value => (value < 0 ? 'before' : '+' + duration(value)), {
				text: i => (t.began[i] < 0 ? 'before' : '+' + duration(t.began[i]))
			}),
			{ label: 'pid', width: 78, value: i => t.pid[i], text: i => String(t.pid[i]) },
			{ label: 'step', left: true, width: 150, value: i => run.text(t.step[i]), text: i => run.text(t.step[i]) }
		],
		rows,
		{
			sortBy: sortBy + extra.length,
			choose,
			textOf: i =>
				(
					run.searched(i) +
					' ' +
					t.pid[i] +
					' ' +
					run.text(t.step[i]) +
					' ' +
					OUTCOMES[t.outcome[i]] +
					' ' +
					run.ending(i)
				).toLowerCase()
		}
	);
}

const hiddenBy = (run, i) =>
	run.rows.by[i] ? run.commandOf(run.rows.by[i], 0) : run.rows.by_pid[i] ? 'pid ' + run.rows.by_pid[i] : '';

/* Each is made when it is first looked at. */
function makeTables(run, actions) {
	const every = Array.from({ length: run.count }, (_, i) => i),
		bad = every.filter(i => run.bad(i)),
		hidden = bad.filter(i => run.has(i, FLAGS.hidden));
	const by = {
		label: 'hidden by',
		left: true,
		width: 260,
		mono: true,
		value: i => hiddenBy(run, i),
		text: i => hiddenBy(run, i)
	};
	const sumOf = values => values.reduce((a, b) => a + b, 0);

	return [
		{ id: 'steps', name: 'Steps', count: run.steps.name.length, make: () => stepsTable(run, actions.step) },
		{ id: 'tasks', name: 'Tasks', count: sumOf(run.steps.tasks), make: () => tasksTable(run, actions.task) },
		{
			id: 'commands',
			name: 'Commands',
			count: run.commands.name.length,
			make: () => commandsTable(run, actions.command)
		},
		{
			id: 'processes',
			name: 'Processes',
			count: sumOf(run.runs.rows),
			make: () => processesTable(run, 'Processes', every, 2, actions.row, [])
		},
		{
			id: 'failed',
			name: 'Failed',
			count: sumOf(run.runs.failed),
			make: () => processesTable(run, 'Failed', bad, 2, actions.row, [])
		},
		{
			id: 'hidden',
			name: 'Hidden failures',
			count: sumOf(run.runs.hidden),
			make: () => processesTable(run, 'Hidden failures', hidden, 2, actions.row, [by])
		}
	].filter(table => table.count || ['commands', 'processes', 'failed'].includes(table.id));
}
