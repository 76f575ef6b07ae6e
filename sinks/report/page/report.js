/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the page once its data has been read. */
'use strict';

/* ---- tabs ---- */

class Tabs {
	constructor(tables) {
		this.tables = tables;
		this.buttons = tables.map((table, k) =>
			element(
				'button',
				{
					type: 'button',
					role: 'tab',
					id: 'tab-' + table.id,
					'aria-controls': 'panel',
					onclick: () => this.open(k)
				},
				table.name,
				element('span', { className: 'count' }, grouped(table.count))
			)
		);
		byId('tabs').append(...this.buttons);
		byId('tabs').addEventListener('keydown', event => {
			const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];

			if (step) {
				this.open((this.at + step + tables.length) % tables.length);
				this.buttons[this.at].focus();
			}
		});
		byId('filter').addEventListener('input', event => {
			this.table.filter(event.target.value);
			this.say();
		});
		this.open(0);
	}

	open(k) {
		this.at = k;
		this.buttons.forEach((button, j) => {
			button.setAttribute('aria-selected', j === k);
			button.tabIndex = j === k ? 0 : -1;
		});
		this.table = this.tables[k].table ??= this.tables[k].make();
		byId('panel').replaceChildren(this.table.box);
		byId('panel').setAttribute('aria-labelledby', 'tab-' + this.tables[k].id);
		byId('filter').value = this.table.words;
		this.table.render();
		this.say();
	}

	show(id, words) {
		const k = this.tables.findIndex(table => table.id === id);

		if (k < 0) return;
		this.open(k);
		byId('filter').value = words;
		this.table.filter(words);
		this.say();
		byId('tables').scrollIntoView({ block: 'start' });
	}

	say() {
		const all = this.table.all.length,
			count = this.table.rows.length;

		byId('shown').textContent = count === all ? '' : grouped(count) + ' of ' + grouped(all);
	}
}

/* ---- all together ---- */

function zoomButtons(view, timeline) {
	byId('zoom-in').onclick = () => view.zoom(0.5);
	byId('zoom-out').onclick = () => view.zoom(2);
	byId('zoom-all').onclick = () => timeline.showAll();
}

function start(run) {
	byId('loading').remove();
	byId('report').hidden = false;
	setGutter();
	const view = new View(run.until),
		timeline = new Timeline(run, view, row => choose(row)),
		overview = new Overview(run, view),
		curves = new Curves(run, view);
	const detail = new Detail(run, row => choose(row)),
		links = new Links(run, detail, row => timeline.reveal(row));

	timeline.colourOf = name => curves.colourOf(name);

	function choose(row) {
		links.open(row);
	}
	function regroup(kind) {
		curves.regroup(kind);
		timeline.regroup(kind);
		byId('lanes').setAttribute(
			'aria-label',
			processes(run.runs.processes.reduce((a, b) => a + b, 0)) + ' in ' + plural(timeline.layout.all.length, kind)
		);
	}
	function resize() {
		if (setGutter()) curves.rebuild();
		timeline.resize();
		overview.resize();
		curves.resize();
		tabs.table.render();
	}
	const tables = makeTables(run, {
		row: choose,
		step: i => tabs.show(run.tasks.number.length > 1 ? 'tasks' : 'processes', run.text(run.steps.name[i])),
		task: i => {
			view.set(run.tasks.began[i], run.tasks.began[i] + known(run.tasks.wall[i]));
			byId('time').scrollIntoView();
		},
		command: i => tabs.show('processes', run.text(run.commands.name[i]))
	});

	headOf(run);
	lossesOf(run);
	failuresOf(run, choose, causesOf(run, choose));
	verdictsOf(run, choose);
	legendOf(run);
	footOf(run);
	byId('table-note').textContent = byId('left-out').textContent = droppedNote(run);
	const kind = run.steps.name.length ? 'step' : 'command';
	byId('group').value = kind;
	byId('group').onchange = event => regroup(event.target.value);
	regroup(kind);
	overview.resize();
	const tabs = new Tabs(tables);
	zoomButtons(view, timeline);
	searchBox(run, timeline, tabs);
	printing(run, tables, () => {
		curves.rebuild();
		resize();
	});
	new ResizeObserver(() => {
		if (byId('lanes').clientWidth !== timeline.width) resize();
	}).observe(byId('time'));
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
		curves.rebuild();
		resize();
	});
	links.follow();
	return { run, view, timeline, overview, curves, tabs, detail };
}

inflate(byId('data').textContent.trim())
	.then(bytes => {
		byId('data').remove();
		window.report = start(new Run(readTables(bytes)));
		document.documentElement.dataset.ready = 'yes';
	})
	.catch(error => {
		const message = element(
			'p',
			{ id: 'loading', className: 'notice' },
			'This report cannot be shown: ' + error.message
		);

		byId('loading')?.replaceWith(message);
		console.error(error);
	});
