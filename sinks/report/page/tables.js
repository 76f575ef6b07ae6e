/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of a run: commands, steps, tasks, processes, failures, hidden failures. */
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

/* A sum with some values missing is a lower bound; with all missing, it is unknown. */
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

const worded = (label, text, extra) => ({ label, left: true, value: text, text, ...extra });

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
			worded('command', name, { head: true, mono: true }),
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
			counted('programs', table.rows),
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
			worded('step', name, { head: true }),
			counted('tasks', table.tasks),
			failures('failed', table.bad),
			failures('hidden', table.hidden),
			sum('CPU', table, 'cpu', duration),
			sum('wall', table, 'wall', duration),
			number('longest', table.wall_max, duration),
			number('at once', table.together, size, {
				help: 'most memory that the processes of one task held at one time: by samples, or the peak of one of them'
			}),
			number('peak', table.peak, size, { help: 'memory of the largest process' }),
			sum('read', table, 'read', size),
			sum('written', table, 'written', size),
			counted('processes', table.processes)
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
			worded('step', name, { head: true }),
			worded('task', i => run.text(table.id[i]) || '#' + table.number[i], {
				width: 120,
				value: i => run.text(table.id[i]) || String(table.number[i])
			}),
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
			number('at once', table.together, size),
			number('peak', table.peak, size),
			counted('processes', table.processes),
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

/* Figures of processes, in the rows of their last programs: sums over the programs that they executed, the greatest peak. */
function processFigures(run) {
	const figures = {},
		sums = ['wall', 'cpu', 'read_bytes', 'write_bytes'],
		greatest = ['peak', 'sampled'];

	for (const name of ['began', ...sums, ...greatest]) figures[name] = run.rows[name].slice();
	for (let i = 0; i < run.count; i++) {
		if (run.next[i] || run.before(i) < 0) continue;
		for (const k of run.earlier(i)) {
			figures.began[i] = run.rows.began[k];
			for (const name of sums)
				if (!isNull(run.rows[name][k])) figures[name][i] = known(figures[name][i]) + run.rows[name][k];
			for (const name of greatest) figures[name][i] = Math.max(figures[name][i], run.rows[name][k]);
		}
	}
	return figures;
}

/* One row a process. Of failures, commands wrap and are never cut. */
function processesTable(run, name, rows, sortBy, choose, extra) {
	const t = { ...run.rows, ...(run.figures ??= processFigures(run)) },
		peak = i => (isNull(t.peak[i]) ? t.sampled[i] : t.peak[i]),
		wrap = name !== 'Processes';

	return new Table(
		name,
		[
			worded('command', i => (wrap ? run.subject(i) : run.command(i)), { head: true, mono: true }),
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
			number('peak', t.peak, size, { value: peak, text: i => peakText(t, i) }),
			number('read', t.read_bytes, size),
			number('written', t.write_bytes, size),
			number('began', t.began, duration, {
				text: i => (t.began[i] < 0 ? 'before' : '+' + duration(t.began[i]))
			}),
			{ label: 'pid', width: 78, value: i => t.pid[i], text: i => String(t.pid[i]) },
			worded('step', i => run.text(t.step[i]), { width: 150 })
		],
		rows,
		{
			sortBy: sortBy + extra.length,
			choose,
			wrap,
			matcher: words => processMatcherOf(run, words)
		}
	);
}

const hiddenBy = (run, i) =>
	run.rows.by[i] ? run.wholeOf(run.rows.by[i], 0) : run.rows.by_pid[i] ? 'pid ' + run.rows.by_pid[i] : '';

/* Each is built when it is first shown. */
function makeTables(run, actions) {
	const every = Array.from({ length: run.count }, (_, i) => i).filter(i => !run.next[i]),
		bad = every.filter(i => run.bad(i) && !run.has(i, FLAGS.propagated)),
		hidden = bad.filter(i => run.has(i, FLAGS.hidden));
	const by = worded('hidden by', i => hiddenBy(run, i), { width: 260, mono: true });
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
			count: sumOf(run.runs.processes),
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
