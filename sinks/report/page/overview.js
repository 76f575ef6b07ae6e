/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole run, above the timeline: activity, failures, and the visible part. */
'use strict';

const OVERVIEW_HEIGHT = 58,
	AXIS_HEIGHT = 20,
	GAP_WIDTH = 4, /* at least: a loss must be visible */
	VERDICTS_TOP = 7,
	VERDICTS_HEIGHT = 3;

/* Exactly; a slice of time also has those that ended before others began. Begins are in order. */
function mostAtOnce(began, ends) {
	const ended = Float64Array.from(ends, (end, i) => Math.max(end, began[i] + 1)).sort();
	let most = 0,
		gone = 0;

	for (let i = 0; i < began.length; i++) {
		while (gone < ended.length && ended[gone] <= began[i]) gone++;
		most = Math.max(most, i + 1 - gone);
	}
	return most;
}

/* A title and the first of the lines. */
function tipBlock(title, lines) {
	const shown = lines.slice(0, 8);

	if (lines.length > shown.length) shown.push('and ' + grouped(lines.length - shown.length) + ' more');
	return [element('b', {}, title), ...shown.map(line => element('span', {}, line))];
}

class Overview {
	constructor(run, view) {
		this.run = run;
		this.view = view;
		this.canvas = byId('overview');
		this.count();
		view.listeners.push(() => this.draw());
		this.listen();
	}

	/* How many processes ran at a time, by slice. */
	count() {
		const slices = (this.slices = 1200),
			unit = this.run.until / slices,
			change = new Float64Array(slices + 2);

		this.failed = new Uint8Array(slices + 1);
		for (let i = 0; i < this.run.count; i++) {
			const from = Math.max(0, this.run.rows.began[i] / unit),
				to = Math.max(from, Math.min(slices, this.run.ends[i] / unit));

			change[Math.floor(from)]++;
			change[Math.floor(to) + 1]--;
			if (this.run.bad(i)) this.failed[Math.min(slices, Math.floor(from))] = 1;
		}
		this.running = change.map(
			(
				sum => value =>
					(sum += value)
			)(0)
		);
		this.highest = this.running.reduce((a, b) => Math.max(a, b), 1);
		this.most = mostAtOnce(this.run.rows.began, this.run.ends);
	}

	resize() {
		this.width = this.canvas.parentElement.clientWidth;
		this.context = fit(this.canvas, this.width, OVERVIEW_HEIGHT);
		this.theme = readTheme();
		this.draw();
	}

	x(time) {
		return GUTTER + (time / this.view.until) * (this.width - GUTTER);
	}

	draw() {
		const context = this.context,
			theme = this.theme,
			bottom = OVERVIEW_HEIGHT - AXIS_HEIGHT,
			slice = (this.width - GUTTER) / this.slices;

		context.clearRect(0, 0, this.width, OVERVIEW_HEIGHT);
		context.fillStyle = theme.shades[1];
		context.beginPath();
		context.moveTo(GUTTER, bottom);
		for (let i = 0; i < this.slices; i++) {
			const y = bottom - (this.running[i] / this.highest) * (bottom - 6);

			context.lineTo(GUTTER + i * slice, y);
			context.lineTo(GUTTER + (i + 1) * slice, y);
		}
		context.lineTo(this.width, bottom);
		context.fill();
		context.fillStyle = theme.bad[FAILED].colour;
		for (let i = 0; i <= this.slices; i++)
			if (this.failed[i]) context.fillRect(Math.min(this.width - 2, GUTTER + i * slice), 0, 2, 5);
		this.drawWindow(bottom);
		this.drawGaps(bottom);
		this.drawVerdicts();
		this.drawAxis(bottom);
		context.font = '11px ' + css('--font');
		context.fillStyle = theme.muted;
		context.textBaseline = 'top';
		context.fillText('at most ' + grouped(this.most), 0, 6);
		context.fillText('at one time', 0, 20);
	}

	drawWindow(bottom) {
		const context = this.context,
			from = this.x(this.view.from),
			to = this.x(this.view.to);

		if (this.view.to - this.view.from > this.view.until * 0.999) return;
		context.fillStyle = this.theme.page;
		context.globalAlpha = 0.72;
		context.fillRect(GUTTER, 0, from - GUTTER, bottom);
		context.fillRect(to, 0, this.width - to, bottom);
		context.globalAlpha = 1;
		context.strokeStyle = this.theme.accent;
		context.lineWidth = 1.5;
		context.strokeRect(from, 0.75, Math.max(2, to - from), bottom - 1.5);
		context.lineWidth = 1;
	}

	/* When records were lost: of the whole run above, of the visible part on its axis. */
	drawGaps(bottom) {
		const context = this.context,
			{ from, until } = this.run.gaps,
			scale = (this.width - GUTTER) / (this.view.to - this.view.from);

		context.fillStyle = this.theme.loss;
		for (let k = 0; k < from.length; k++) {
			this.drawGap(this.x(from[k]), this.x(until[k]), 0, bottom);
			this.drawGap(
				GUTTER + (from[k] - this.view.from) * scale,
				GUTTER + (until[k] - this.view.from) * scale,
				bottom,
				AXIS_HEIGHT
			);
		}
	}

	drawGap(left, right, top, height) {
		const end = Math.min(this.width, Math.max(right, left + GAP_WIDTH)),
			begin = Math.max(GUTTER, Math.min(left, end - GAP_WIDTH));

		if (end > begin) this.context.fillRect(begin, top, end - begin, height);
	}

	/* When they held: a line under the failures' marks. */
	drawVerdicts() {
		for (let k = this.run.verdicts.kind.length - 1; k >= 0; k--) {
			const [from, until] = verdictSpan(this.run, k);

			this.context.fillStyle = this.run.verdicts.proven[k] ? this.theme.bad[FAILED].colour : this.theme.likely;
			this.drawGap(this.x(from), this.x(until), VERDICTS_TOP, VERDICTS_HEIGHT);
		}
	}

	verdictsAt(x, y) {
		const near = (GAP_WIDTH * this.view.until) / (this.width - GUTTER),
			time = ((x - GUTTER) * this.view.until) / (this.width - GUTTER);

		if (x < GUTTER || y >= OVERVIEW_HEIGHT - AXIS_HEIGHT) return [];
		return Array.from(this.run.verdicts.kind.keys())
			.filter(k => {
				const [from, until] = verdictSpan(this.run, k);

				return time >= from - near && time <= until + near;
			})
			.map(k => verdictName(this.run, k) + ': ' + short(this.run.text(this.run.verdicts.evidence[k]), 160));
	}

	/* Sentences on what was lost near this place. */
	gapsAt(x, y) {
		const { from, until, text } = this.run.gaps,
			isWhole = y < OVERVIEW_HEIGHT - AXIS_HEIGHT,
			span = isWhole ? this.view.until : this.view.to - this.view.from,
			near = (GAP_WIDTH * span) / (this.width - GUTTER),
			time = (isWhole ? 0 : this.view.from) + ((x - GUTTER) * span) / (this.width - GUTTER);

		return x < GUTTER
			? []
			: Array.from(text.keys())
					.filter(k => time >= from[k] - near && time <= until[k] + near)
					.map(k => this.run.text(text[k]));
	}

	hover(event) {
		const about = event
			? [
					['Records lost', this.gapsAt(event.offsetX, event.offsetY)],
					['Verdicts', this.verdictsAt(event.offsetX, event.offsetY)]
				]
			: [];
		const shown = about.filter(([, lines]) => lines.length).flatMap(([title, lines]) => tipBlock(title, lines));

		showTip(event, shown.length ? shown : null);
	}

	/* The axis of the visible part. */
	drawAxis(bottom) {
		const context = this.context,
			{ from, to } = this.view,
			plot = this.width - GUTTER,
			step = niceStep((to - from) / (plot / 110));

		context.font = '11px ' + css('--font');
		context.fillStyle = this.theme.muted;
		context.textBaseline = 'alphabetic';
		for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
			const x = GUTTER + ((time - from) / (to - from)) * plot,
				text = instant(time, step),
				width = context.measureText(text).width;

			if (x + 4 + width <= this.width) context.fillText(text, x + 4, bottom + 15);
			context.fillRect(Math.round(x), bottom + 6, 1, 14);
		}
	}

	listen() {
		let drag = null;
		const timeAt = event =>
			Math.max(
				0,
				Math.min(1, (event.clientX - this.canvas.getBoundingClientRect().left - GUTTER) / (this.width - GUTTER))
			) * this.view.until;

		this.canvas.addEventListener('pointerdown', event => {
			const at = timeAt(event),
				{ from, to, until } = this.view;

			drag = { at, from, inside: at > from && at < to && to - from < until * 0.999 };
			this.canvas.setPointerCapture(event.pointerId);
		});
		this.canvas.addEventListener('pointermove', event => {
			if (!drag) {
				this.hover(event);
				return;
			}
			const at = timeAt(event);
			if (drag.inside) this.view.pan(drag.from + at - drag.at - this.view.from);
			else if (Math.abs(this.x(at) - this.x(drag.at)) > 3)
				this.view.set(Math.min(at, drag.at), Math.max(at, drag.at));
		});
		this.canvas.addEventListener('pointerup', () => {
			drag = null;
		});
		this.canvas.addEventListener('pointerleave', () => this.hover(null));
		this.canvas.addEventListener('dblclick', () => this.view.set(0, this.view.until));
	}
}
