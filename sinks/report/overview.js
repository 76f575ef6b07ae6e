/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole run, above the timeline: how much went on, what failed, and the part that is seen. */
'use strict';

const OVERVIEW_HEIGHT = 58,
	AXIS_HEIGHT = 20;

class Overview {
	constructor(run, view) {
		this.run = run;
		this.view = view;
		this.canvas = byId('overview');
		this.count();
		view.listeners.push(() => this.draw());
		this.listen();
	}

	/* How many ran at one time, in so many slices. */
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
		this.most = this.running.reduce((a, b) => Math.max(a, b), 1);
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
			const y = bottom - (this.running[i] / this.most) * (bottom - 6);

			context.lineTo(GUTTER + i * slice, y);
			context.lineTo(GUTTER + (i + 1) * slice, y);
		}
		context.lineTo(this.width, bottom);
		context.fill();
		context.fillStyle = theme.bad[FAILED].colour;
		for (let i = 0; i <= this.slices; i++)
			if (this.failed[i]) context.fillRect(Math.min(this.width - 2, GUTTER + i * slice), 0, 2, 5);
		this.drawWindow(bottom);
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

	/* The axis is that of the part that is seen. */
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
			if (!drag) return;
			const at = timeAt(event);
			if (drag.inside) this.view.pan(drag.from + at - drag.at - this.view.from);
			else if (Math.abs(this.x(at) - this.x(drag.at)) > 3)
				this.view.set(Math.min(at, drag.at), Math.max(at, drag.at));
		});
		this.canvas.addEventListener('pointerup', () => {
			drag = null;
		});
		this.canvas.addEventListener('dblclick', () => this.view.set(0, this.view.until));
	}
}
