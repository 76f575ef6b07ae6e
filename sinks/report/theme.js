/* SPDX-License-Identifier: BSD-2-Clause */
/* Canvases, and what is drawn on them: colours of the style sheet, patterns of outcomes. */
'use strict';

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* A canvas as sharp as the screen. */
function fit(canvas, width, height) {
	const ratio = window.devicePixelRatio || 1;

	canvas.width = Math.round(width * ratio);
	canvas.height = Math.round(height * ratio);
	canvas.style.width = width + 'px';
	canvas.style.height = height + 'px';
	const context = canvas.getContext('2d');
	context.setTransform(ratio, 0, 0, ratio, 0, 0);
	return context;
}

/* What tells outcomes apart without colour: lines for what failed, a grid for what was killed, dots for memory. */
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
		bar: css('--bar-text'),
		band: css('--band'),
		loss: css('--failed')
	};
}
