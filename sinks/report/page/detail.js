/* SPDX-License-Identifier: BSD-2-Clause */
/* One process in full: command, figures, exit status, and why figures are missing. */
'use strict';

const CHILDREN_SHOWN = 30;

class Detail {
	constructor(run, choose) {
		this.run = run;
		this.choose = choose;
		this.box = byId('detail');
		document.addEventListener('keydown', event => {
			if (event.key === 'Escape' && !this.box.hidden) this.close();
		});
	}

	hide() {
		this.box.hidden = true;
		document.body.classList.remove('detailed');
		this.back?.focus?.();
	}

	close() {
		this.hide();
		this.onClose?.();
	}

	/* An address that names a process which this page does not have. */
	showMissing(name) {
		this.open(
			[element('h2', {}, 'Process ' + name.replace('-', ', started at '))],
			element('p', { className: 'alert' }, 'This report does not have it: it is of another run, or was left out.'),
			element('p', { className: 'note' }, droppedNote(this.run))
		);
	}

	open(head, ...parts) {
		if (this.box.hidden) this.back = document.activeElement;
		this.box.replaceChildren(
			element(
				'div',
				{ className: 'bar' },
				...head,
				element('span', { className: 'grow' }),
				element(
					'button',
					{ type: 'button', className: 'plain', onclick: () => this.close(), 'aria-label': 'Close' },
					'✕'
				)
			),
			...parts
		);
		this.box.hidden = false;
		document.body.classList.add('detailed');
		this.box.scrollTop = 0;
		this.box.focus({ preventScroll: true });
	}

	show(i) {
		const run = this.run,
			rows = run.rows;

		const history = historyBox(run, i);

		this.open(
			[
				element('h2', {}, run.text(rows.name[i]) || 'Process'),
				pill(rows.outcome[i], run.ending(i)),
				copyButton(location.href.split('#')[0] + linkOf(run, i), 'Copy link')
			],
			...this.verdict(i),
			this.command(i),
			history.box,
			this.figures(i),
			this.family(i)
		);
		history.draw();
	}

	/* How it ended, in words; warnings: failures, missing arguments. */
	verdict(i) {
		const { run } = this,
			rows = run.rows,
			lines = [];

		if (rows.how[i]) lines.push(element('p', { className: 'how' }, run.ending(i) + ': ' + run.text(rows.how[i])));
		if (run.has(i, FLAGS.hidden))
			lines.push(
				element(
					'p',
					{ className: 'alert' },
					element('b', {}, 'Hidden. '),
					(hiddenBy(run, i) || 'An ancestor') + ' (pid ' + rows.by_pid[i] + ') exited 0, which hides it.'
				)
			);
		if (run.has(i, FLAGS.suspected))
			lines.push(
				element(
					'p',
					{ className: 'note' },
					(hiddenBy(run, i) || 'An ancestor') + ' (pid ' + rows.by_pid[i] + ') exited 0: it was meant, perhaps.'
				)
			);
		if (rows.outcome[i] === OOM)
			lines.push(element('p', { className: 'alert' }, 'The kernel killed it, out of memory.'));
		if (rows.tried[i])
			lines.push(
				element(
					'p',
					{ className: 'alert' },
					'Could not execute ',
					element('code', {}, run.wholeOf(rows.tried[i], 0)),
					': ' + run.text(rows.tried_error[i]) + '.'
				)
			);
		if (run.has(i, FLAGS.propagated))
			lines.push(element('p', { className: 'note' }, 'It failed because a child had: it passed that on.'));
		if (run.has(i, FLAGS.retried))
			lines.push(element('p', { className: 'note' }, 'The same was done again, with success.'));
		if (run.has(i, FLAGS.ignored))
			lines.push(element('p', { className: 'note' },
				'What started it had that as an answer, or its engine, which ended well, ignored its task.'));
		if (run.has(i, FLAGS.muted))
			lines.push(element('p', { className: 'note' }, 'A rule mutes this failure.'));
		if (run.has(i, FLAGS.benign))
			lines.push(element('p', { className: 'note' }, 'This status does not mean failure.'));
		if (run.has(i, FLAGS.forked))
			lines.push(
				element(
					'p',
					{ className: 'note' },
					'It was forked and executed no program of its own; the command is its parent’s.'
				)
			);
		lines.push(...saidLines(run, i));
		return lines;
	}

	command(i) {
		const { run } = this,
			rows = run.rows,
			args = run.bytes(rows.args[i]);

		if (!args)
			return element(
				'p',
				{ className: 'note' },
				'Its arguments are not known: ' + run.reason(-1 - rows.args_reason[i]) + '.'
			);
		const text = shellCommand(args),
			cut = run.has(i, FLAGS.cut)
				? 'The rest is left out of this report; the run’s stream has all of it.'
				: rows.args_reason[i]
					? 'The rest is missing: ' + run.reason(-1 - rows.args_reason[i]) + '.'
					: '';
		return element(
			'div',
			{ className: 'command' },
			element('pre', { tabIndex: 0 }, text),
			copyButton(text, 'Copy command'),
			cut ? element('p', { className: 'note' }, cut) : ''
		);
	}

	figures(i) {
		const { run } = this,
			rows = run.rows,
			list = element('dl');
		const add = (name, value) => {
			if (value !== '') list.append(element('dt', {}, name), element('dd', {}, value));
		};
		const value = (column, words) =>
			isNull(rows[column][i]) ? this.missing(rows[column][i]) : words(rows[column][i]);
		const real = run.runs.real[rows.run[i]] - run.runs.began[rows.run[i]] + rows.began[i];

		const inside = rows.ns_pid[i] && rows.ns_pid[i] !== rows.pid[i] ? ' (' + rows.ns_pid[i] + ' in its namespace)' : '';

		add('pid', rows.pid[i] + inside + (rows.image[i] > 1 ? ', program ' + rows.image[i] + ' of it' : ''));
		add(
			'began',
			(run.has(i, FLAGS.preexisting) ? 'before recording began' : '+' + instant(rows.began[i], 1e7)) +
				' · ' +
				when(real)
		);
		add('wall', value('wall', duration));
		add('CPU', isNull(rows.cpu[i]) ? this.missing(rows.cpu[i]) : duration(rows.cpu[i]) + this.split(i));
		add(
			'peak memory',
			isNull(rows.peak[i]) && !isNull(rows.sampled[i])
				? element('span', {}, '≥ ' + size(rows.sampled[i]) + ' ', this.missing(rows.peak[i]))
				: value('peak', size)
		);
		if (rows.hugetlb[i]) add('huge pages', '≥ ' + size(rows.hugetlb[i]) + ' in hugetlbfs, sampled; not in peak memory');
		if (!isNull(rows.read_chars[i]) || !isNull(rows.read_bytes[i])) {
			add(
				'read',
				value('read_chars', size) +
					', ' +
					(isNull(rows.read_bytes[i]) ? '–' : size(rows.read_bytes[i])) +
					' from disk'
			);
			add(
				'written',
				value('write_chars', size) +
					', ' +
					(isNull(rows.write_bytes[i]) ? '–' : size(rows.write_bytes[i])) +
					' to disk'
			);
		} else {
			add('read, written', this.missing(rows.read_chars[i]));
		}
		add(
			'ended',
			[
				run.next[i] ? 'replaced by ' + run.command(run.next[i] - 1) : run.ending(i),
				run.text(rows.how[i]), 				run.has(i, FLAGS.core) ? 'core dumped' : ''
			]
				.filter(part => part)
				.join(', ')
		);
		add('out of memory', run.text(rows.oom[i]));
		add('step', run.text(rows.step[i]) + (rows.task[i] ? ' · task ' + (run.taskId(i) || '#' + rows.task[i]) : ''));
		add('executable', rows.exe[i] ? run.text(rows.exe[i]) : this.missing(-1 - rows.exe_why[i]));
		add(
			'folder',
			rows.cwd[i]
				? element(
						'span',
						{},
						element('span', { className: 'mono' }, run.text(rows.cwd[i])),
						' ',
						copyButton(shellWord(run.bytes(rows.cwd[i])), 'Copy')
					)
				: this.missing(-1 - rows.cwd_why[i])
		);
		add('user', isNull(rows.uid[i]) ? this.missing(rows.uid[i]) : 'uid ' + rows.uid[i]);
		if (rows.env[i])
			add(
				'environment',
				element(
					'pre',
					{},
					safeLines(run.bytes(rows.env[i]))
				)
			);
		return list;
	}

	missing(value) {
		return element('span', { className: 'muted' }, 'not known: ' + this.run.reason(value));
	}

	split(i) {
		const { user, system } = this.run.rows,
			busy = this.run.busy(i),
			average = busy < 0 ? '' : ' · ' + cores(busy) + ' cores';

		return (
			(isNull(user[i]) || isNull(system[i])
				? ''
				: ' · user ' + duration(user[i]) + ', system ' + duration(system[i])) + average
		);
	}

	link(i) {
		return element(
			'button',
			{ type: 'button', className: 'link', onclick: () => this.choose(i) },
			this.run.command(i)
		);
	}

	family(i) {
		const { run } = this,
			{ parent, ppid, image } = run.rows,
			up = parent[i],
			children = [];
		let count = 0;

		for (let j = 0; j < run.count; j++)
			if (parent[j] === i + 1 && ++count <= CHILDREN_SHOWN)
				children.push(element('li', {}, pill(run.rows.outcome[j], run.ending(j)), ' ', this.link(j)));
		return element(
			'div',
			{ className: 'family' },
			element('h3', {}, image[i] > 1 ? 'Was before' : 'Parent'),
			element(
				'p',
				{},
				up ? this.link(up - 1) : ppid[i] ? 'pid ' + ppid[i] + ', not in this report' : 'not known'
			),
			count ? element('h3', {}, 'Children, ' + grouped(count)) : '',
			count ? element('ul', {}, ...children) : '',
			count > CHILDREN_SHOWN
				? element('p', { className: 'note' }, 'and ' + grouped(count - CHILDREN_SHOWN) + ' more')
				: ''
		);
	}
}

function copyButton(text, label) {
	const button = element(
		'button',
		{
			type: 'button',
			className: 'copy',
			onclick: async () => {
				try {
					await navigator.clipboard.writeText(text);
				} catch {
					const area = element('textarea', { value: text });

					document.body.append(area);
					area.select();
					document.execCommand('copy');
					area.remove();
				}
				button.textContent = 'Copied';
				setTimeout(() => {
					button.textContent = label;
				}, 1500);
			}
		},
		label
	);

	return button;
}
