/* SPDX-License-Identifier: BSD-2-Clause */
/* Canvases: colours of the style sheet, patterns of outcomes; and the page on paper. */
'use strict';

const isPrinting = () => document.documentElement.dataset.print === 'yes';

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* A canvas as sharp as the screen. */
function fit(canvas, width, height) {
	const ratio = isPrinting() ? 3 : window.devicePixelRatio || 1; /* paper is finer than a screen */

	canvas.width = Math.round(width * ratio);
	canvas.height = Math.round(height * ratio);
	canvas.style.width = width + 'px';
	canvas.style.height = height + 'px';
	const context = canvas.getContext('2d');
	context.setTransform(ratio, 0, 0, ratio, 0, 0);
	return context;
}

/* Patterns distinguish outcomes without colour: lines for failed, a grid for killed, dots for out of memory. */
const PATTERNS = {
	[FAILED]: context => {
		context.moveTo(0, 6);
		context.lineTo(6, 0);
		context.moveTo(-1, 1);
		context.lineTo(1, -1);
		context.moveTo(5, 7);
		context.lineTo(7, 5);
	},
	[KILLED]: context => {
		context.moveTo(0, 0);
		context.lineTo(6, 6);
		context.moveTo(6, 0);
		context.lineTo(0, 6);
	},
	[OOM]: context => {
		context.rect(0.5, 0.5, 1.6, 1.6);
		context.rect(3.5, 3.5, 1.6, 1.6);
	}
};

function makePattern(outcome, colour, ink) {
	const tile = document.createElement('canvas'),
		ratio = window.devicePixelRatio || 1;
	const context = fit(tile, 6, 6);

	context.fillStyle = colour;
	context.fillRect(0, 0, 6, 6);
	context.strokeStyle = ink;
	context.lineWidth = 1.1;
	context.beginPath();
	PATTERNS[outcome](context);
	context.stroke();
	const pattern = context.createPattern(tile, 'repeat');
	pattern.setTransform(new DOMMatrix().scale(1 / ratio));
	return pattern;
}

function readTheme() {
	const ink = css('--pattern'),
		bad = {};

	for (const outcome of [FAILED, KILLED, OOM]) {
		const colour = css('--' + OUTCOMES[outcome]);

		bad[outcome] = { colour, pattern: makePattern(outcome, colour, ink) };
	}
	return {
		bad,
		shades: [0, 1, 2, 3].map(i => css('--busy-' + i)),
		running: css('--running'),
		unknown: css('--unknown'),
		text: css('--text'),
		muted: css('--muted'),
		line: css('--line'),
		accent: css('--accent'),
		page: css('--page'),
		found: css('--found'),
		foundText: css('--found-text'),
		bar: css('--bar-text'),
		band: css('--band'),
		likely: css('--likely'),
		loss: makePattern(FAILED, 'transparent', css('--notice-line'))
	};
}

/* ---- on paper: light, as wide as a sheet, with every kind of failure, and tables in place of the tabs ---- */

/* After the cause: a command may be longer than a sheet. */
function printedCommands(run) {
	const { name, id, command } = run.runs,
		texts = Array.from(command, text => (text ? shellCommand(run.bytes(text)) : ''));

	return element(
		'section',
		{},
		element('h2', {}, 'Command'),
		...texts.flatMap((text, r) => [
			texts.length > 1 ? element('h3', {}, run.text(name[r]) || run.text(id[r])) : '',
			element('p', { className: 'mono' }, '$ ' + text)
		])
	);
}

/* Canvases do not follow the style sheet: they are drawn again in its colours and width, and once more for the screen. */
function printing(run, tables, redraw) {
	addEventListener('beforeprint', () => {
		document.documentElement.dataset.print = 'yes';
		byId('more-kinds')?.click();
		byId('printed').replaceChildren(
			printedCommands(run),
			...tables
				.filter(table => table.id !== 'tasks' && table.count)
				.map(table => (table.table ??= table.make()).printed())
		);
		redraw();
	});
	addEventListener('afterprint', () => {
		delete document.documentElement.dataset.print;
		byId('printed').replaceChildren();
		redraw();
	});
}
