/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU and memory over time, stacked by step or command, on the timeline's axis. Drawn by uPlot. */
'use strict';

const CURVE_HEIGHT = 132;

class Curves {
	constructor(run, view) {
		this.run = run;
		this.view = view;
		this.plots = [];
		if (typeof uPlot === 'undefined')
			byId('curve-note').textContent =
				'CPU and memory over time are left out: this collector was built without uPlot.';
		view.listeners.push(() => this.update());
	}

	/* The series of a grouping, greatest at the bottom. */
	regroup(kind) {
		const table = this.run['by_' + kind],
			slices = table.name.length ? (table.cpu.length - 1) / table.name.length : 0;

		this.slice = table.slice[0];
		this.slices = slices;
		this.names = Array.from(table.name, name => this.run.text(name) || (kind === 'step' ? 'no step' : 'others'));
		if (table.name.length) this.names[table.name.length - 1] = 'others';
		this.unit = { cpu: table.cpu[0] / 4095 / 1e6, memory: table.memory[0] / 4095 };
		this.levels = { cpu: table.cpu.subarray(1), memory: table.memory.subarray(1) };
		this.used = this.names.map((_, s) =>
			['cpu', 'memory'].some(what =>
				this.levels[what].subarray(s * slices, (s + 1) * slices).some(level => level > 0)
			)
		);
		this.rebuild();
	}

	colour(s) {
		return css(s === this.names.length - 1 ? '--series-others' : '--series-' + (s % 8));
	}

	colourOf(name) {
		const s = this.names.indexOf(name);

		return s >= 0 && this.used[s] && this.plots.length ? this.colour(s) : null;
	}

	rebuild() {
		this.plots.forEach(plot => plot.destroy());
		this.plots = [];
		byId('curve-legend').replaceChildren();
		if (typeof uPlot === 'undefined') return;
		this.make('cpu', 'CPU, cores', value => String(+value.toFixed(2)));
		this.make('memory', 'Memory', value => size(value));
		byId('curve-note').textContent = this.plots.length
			? 'CPU time is spread evenly between two samples of a process. Memory: pages that processes share count in each.'
			: 'No samples of CPU or memory were taken.';
		if (this.plots.length) this.legend();
	}

	make(what, label, words) {
		const box = byId('curve-' + what),
			peak = this.unit[what],
			count = this.names.length;

		box.replaceChildren();
		if (!peak || !this.slices) return;
		const axis = {
			stroke: css('--muted'),
			grid: { stroke: css('--line'), width: 1 },
			ticks: { show: false },
			font: '11px ' + css('--font')
		};
		const series = Array.from({ length: count }, (_, k) => ({
			fill: this.colour(count - 1 - k),
			stroke: css('--page'),
			width: 0.5,
			points: { show: false },
			paths: uPlot.paths.stepped({ align: 1 })
		}));
		const plot = new uPlot(
			{
				width: byId('lanes').clientWidth,
				height: CURVE_HEIGHT,
				padding: [10, 0, 8, 0],
				legend: { show: false },
				cursor: {
					sync: { key: 'time' },
					y: false,
					drag: { x: true, y: false, setScale: false },
					points: { show: false }
				},
				scales: {
					x: { time: false, auto: false, range: () => [this.view.from, this.view.to] },
					y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] }
				},
				axes: [
					{ ...axis, show: false },
					{
						...axis,
						size: GUTTER,
						space: 34,
						incrs: what === 'memory' ? byteSteps() : undefined,
						values: (_, splits) => splits.map(value => words(value))
					}
				],
				series: [{}, ...series],
				hooks: { setSelect: [u => this.selected(u)], setCursor: [u => this.readOut(what, u)] }
			},
			this.stack(what),
			box
		);
		const caption = element('span', { className: 'caption' }, label);

		box.append(caption);
		plot.what = what;
		this.plots.push(plot);
	}

	/* Sums from the bottom; slices are merged until there are no more than pixels. */
	stack(what) {
		const { slice, slices, view } = this,
			count = this.names.length,
			levels = this.levels[what],
			unit = this.unit[what];
		const first = Math.max(0, Math.floor(view.from / slice) - 1),
			last = Math.min(slices, Math.ceil(view.to / slice) + 1);
		const step = Math.max(1, Math.ceil((last - first) / 700)),
			times = [],
			stacked = [];
		const begin = Math.floor(first / step) * step;
		let below = null;

		for (let i = begin; i < last; i += step) times.push(i * slice);
		times.push(Math.min(slices, begin + times.length * step) * slice);
		for (let s = 0; s < count; s++) {
			const sums = new Float64Array(times.length);

			for (let k = 0; k < times.length - 1; k++) {
				const from = begin + k * step,
					to = Math.min(slices, from + step);

				for (let i = from; i < to; i++) sums[k] += levels[s * slices + i];
				sums[k] = (sums[k] / Math.max(1, to - from)) * unit + (below ? below[k] : 0);
			}
			sums[times.length - 1] = times.length > 1 ? sums[times.length - 2] : 0;
			stacked.unshift(sums);
			below = sums;
		}
		return [times, ...stacked];
	}

	update() {
		for (const plot of this.plots) {
			plot.batch(() => {
				plot.setData(this.stack(plot.what), false);
				plot.setScale('x', { min: this.view.from, max: this.view.to });
			});
		}
	}

	resize() {
		for (const plot of this.plots) plot.setSize({ width: byId('lanes').clientWidth, height: CURVE_HEIGHT });
	}

	selected(plot) {
		const { left, width } = plot.select;

		if (width < 3) return;
		plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
		this.view.set(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
	}

	legend() {
		this.items = this.names.map((name, s) =>
			this.used[s]
				? element('li', {}, swatch('square', this.colour(s)), name, element('span', { className: 'value' }))
				: null
		);
		byId('curve-legend').replaceChildren(...this.items.filter(item => item));
	}

	/* The figures at the pointer, in the legend. */
	readOut(what, plot) {
		const at = plot.cursor.idx,
			time = plot.cursor.left >= 0 && at !== null && at !== undefined ? plot.data[0][at] : null;

		if (!this.items) return;
		this.items.forEach((item, s) => {
			const place = item && item.querySelector('.value');

			if (!place) return;
			const slot = time === null ? -1 : Math.min(this.slices - 1, Math.floor(time / this.slice));
			place.textContent =
				slot < 0
					? ''
					: cores(this.levels.cpu[s * this.slices + slot] * this.unit.cpu) +
						' cores · ' +
						size(this.levels.memory[s * this.slices + slot] * this.unit.memory);
		});
	}
}

function byteSteps() {
	const steps = [];

	for (let unit = 1; unit < 2 ** 60; unit *= 1024)
		for (const factor of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]) steps.push(unit * factor);
	return steps;
}

function swatch(kind, colour) {
	const made = element('span', { className: 'swatch ' + kind, 'aria-hidden': 'true' });

	if (colour) made.style.backgroundColor = colour;
	return made;
}
