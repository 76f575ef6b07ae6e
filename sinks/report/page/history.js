/* SPDX-License-Identifier: BSD-2-Clause */
/* One process over time: its CPU, memory and I/O, as its samples have them. */
'use strict';

const HISTORY_LEVELS = 63,
	HISTORY_HEIGHT = 46,
	HISTORIES_MAX = 2000;
const HISTORY_CURVES = [
	{ name: 'cpu', label: 'CPU', unit: 1e-6, words: value => cores(value) + ' cores', series: 0 },
	{ name: 'memory', label: 'Memory', unit: 1, words: size, series: 2 },
	{ name: 'io', label: 'Read and written', unit: 1, words: value => size(value) + '/s', series: 1 }
];

function startsOf(counts) {
	let next = 0;

	return Array.from(counts, count => {
		const at = next;

		next += HISTORY_CURVES.length * count;
		return at;
	});
}

/* The curves of row i's process: where they begin in the levels, and how long a slice is; null: there are none. */
function historyOf(run, i) {
	const number = run.rows.history[run.lastOf(i)],
		{ count, slice } = run.history;

	if (!number) return null;
	const k = number - 1;
	run.historyStarts ??= startsOf(count);
	return HISTORY_CURVES.map((curve, c) => ({
		...curve,
		slice: slice[k],
		most: run.history[curve.name][k] * curve.unit,
		levels: run.history.levels.subarray(
			run.historyStarts[k] + c * count[k],
			run.historyStarts[k] + (c + 1) * count[k]
		)
	})).filter(curve => curve.most > 0);
}

const noCurves = run =>
	'No curves over time: there are fewer than two samples of it' +
	(run.history.count.length < HISTORIES_MAX ? '.' : ', or ' + grouped(HISTORIES_MAX) + ' others lived longer.');

/* The area below a curve, in as many steps as there are slices. */
function drawHistory(canvas, curve, wall, width) {
	const context = fit(canvas, width, HISTORY_HEIGHT),
		scale = width / wall;

	context.fillStyle = css('--line');
	context.fillRect(0, HISTORY_HEIGHT - 1, width, 1);
	context.fillStyle = css('--series-' + curve.series);
	curve.levels.forEach((level, s) => {
		const x = s * curve.slice * scale,
			height = (level / HISTORY_LEVELS) * (HISTORY_HEIGHT - 2);

		context.fillRect(x, HISTORY_HEIGHT - 1 - height, Math.min(width - x, curve.slice * scale + 0.5), height);
	});
}

/* Elements for the pane of row i. They are drawn once the pane has its width: call draw() then. */
function historyBox(run, i) {
	const curves = historyOf(run, i),
		last = run.lastOf(i),
		first = [last, ...run.earlier(last)].pop(),
		wall = Math.max(1, run.ends[last] - run.rows.began[first]);

	if (!curves?.length)
		return {
			box: element('p', { className: 'note' }, noCurves(run)),
			draw() {}
		};
	const canvases = curves.map(curve => {
		const words = curve.label + ', at most ' + curve.words(curve.most),
			canvas = element('canvas', { role: 'img', 'aria-label': words + ', over ' + duration(wall) }),
			value = element('span', { className: 'value' }, 'at most ' + curve.words(curve.most));

		canvas.onpointermove = event => {
			const s = Math.floor(((event.offsetX / canvas.clientWidth) * wall) / curve.slice);

			if (s < 0 || s >= curve.levels.length) return;
			value.textContent =
				curve.words((curve.levels[s] / HISTORY_LEVELS) * curve.most) + ' at +' + duration(s * curve.slice);
		};
		canvas.onpointerleave = () => {
			value.textContent = 'at most ' + curve.words(curve.most);
		};
		return [element('figcaption', {}, curve.label + ' ', value), canvas];
	});
	return {
		box: element(
			'div',
			{ className: 'history' },
			...canvases.map(parts => element('figure', {}, ...parts)),
			element('p', { className: 'note' }, 'From its start to +' + duration(wall) + '.')
		),
		draw: () => canvases.forEach(([, canvas], c) => drawHistory(canvas, curves[c], wall, canvas.parentElement.clientWidth))
	};
}
