/* SPDX-License-Identifier: BSD-2-Clause */
/* The timeline: groups and finds processes, and follows mouse and keys. */
'use strict';

class Timeline extends Bars {
	constructor(run, view, show) {
		super(run, view);
		this.show = show; /* called with a row that was chosen */
		this.listen();
	}

	regroup(kind) {
		const rows = this.run.rows,
			byStep = kind === 'step';
		const names = byStep ? rows.step : rows.name;

		this.layout = new Layout(
			this.run,
			i => names[i],
			key => this.run.text(key) || (byStep ? 'no step' : '[unknown]')
		);
		this.refind();
		this.resize();
	}

	/* Higher or lower lanes, around the one that is at `y`. */
	stretch(height, y) {
		const lane = Math.max(0, this.layout.laneAt(this.box.scrollTop + y)),
			place = () => this.laneY(this.groupOf(lane), lane);
		const before = place();

		this.layout.place(height);
		this.resize();
		this.box.scrollTop += place() - before;
		this.draw();
	}

	rowAt(x, y) {
		const lane = x < GUTTER ? -1 : this.layout.laneAt(y + this.box.scrollTop),
			{ order, start } = this.layout;

		if (lane < 0) return -1;
		const time = this.time(x),
			near = 4 / this.scale,
			{ began } = this.run.rows;
		const at = lowerBound(start[lane], start[lane + 1], j => began[order[j]] > time) - 1;
		let best = -1,
			distance = near;

		for (let j = Math.max(start[lane], at - 1); j <= at + 1 && j < start[lane + 1]; j++) {
			const i = order[j],
				away = Math.max(began[i] - time, time - this.run.ends[i], 0);

			if (away < distance || (away === distance && this.run.bad(i))) {
				best = i;
				distance = away;
			}
		}
		return best;
	}

	find(words) {
		const run = this.run;

		this.words = words.trim().toLowerCase();
		this.foundRows = [];
		if (this.words) for (let i = 0; i < run.count; i++) if (run.matches(i, this.words)) this.foundRows.push(i);
		this.refind();
		this.draw();
		return this.foundRows.length;
	}

	refind() {
		this.found = null;
		if (!this.words) return;
		this.found = new Uint8Array(this.run.count);
		for (const i of this.foundRows) this.found[i] = 1;
		[this.foundOrder, this.foundStart] = this.layout.sorted(i => this.found[i]);
	}

	/* Brings a row into sight, large enough to see. */
	reveal(i) {
		const { began } = this.run.rows,
			wall = this.run.ends[i] - began[i],
			span = this.view.to - this.view.from;
		const lane = this.layout.laneOf[i],
			y = this.laneY(this.groupOf(lane), lane);

		this.selected = i;
		if (this.layout.laneHeight < 8) {
			this.stretch(12, 0);
			this.reveal(i);
			return;
		}
		if (y < 0 || y > this.height - 20) this.box.scrollTop += y - this.height / 2;
		if (wall * this.scale < 4 || began[i] > this.view.to || this.run.ends[i] < this.view.from)
			this.view.set(began[i] - Math.max(wall * 4, span / 200), this.run.ends[i] + Math.max(wall * 4, span / 200));
		else this.draw();
	}

	/* ---- mouse and keys ---- */

	listen() {
		let drag = null;

		this.box.addEventListener(
			'wheel',
			event => {
				const x = event.clientX - this.box.getBoundingClientRect().left;

				if (event.altKey) {
					event.preventDefault();
					this.stretch(
						this.layout.laneHeight - Math.sign(event.deltaY),
						event.clientY - this.box.getBoundingClientRect().top
					);
				} else if (event.ctrlKey || event.metaKey) {
					event.preventDefault();
					this.view.zoom(
						Math.exp(event.deltaY * (event.deltaMode ? 0.05 : 0.003)),
						this.time(Math.max(GUTTER, x))
					);
				} else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
					event.preventDefault();
					this.view.pan((event.deltaX || event.deltaY) / this.scale);
				}
			},
			{ passive: false }
		);
		this.canvas.addEventListener('pointerdown', event => {
			if (event.button) return;
			drag = {
				x: event.clientX,
				y: event.clientY,
				from: this.view.from,
				to: this.view.to,
				top: this.box.scrollTop,
				moved: false
			};
			this.canvas.setPointerCapture(event.pointerId);
		});
		this.canvas.addEventListener('pointermove', event => {
			if (!drag) {
				this.hover(event);
				return;
			}
			const dx = event.clientX - drag.x,
				dy = event.clientY - drag.y;
			drag.moved ||= Math.abs(dx) + Math.abs(dy) > 4;
			if (drag.moved) {
				this.hover(null);
				this.box.scrollTop = drag.top - dy;
				this.view.pan(drag.from - dx / this.scale - this.view.from);
			}
		});
		this.canvas.addEventListener('pointerup', event => {
			const row = drag && !drag.moved ? this.rowAt(...this.place(event)) : -1;

			drag = null;
			if (row >= 0) this.show(row);
		});
		this.canvas.addEventListener('pointercancel', () => {
			drag = null;
		});
		this.canvas.addEventListener('pointerleave', () => this.hover(null));
		this.canvas.addEventListener('dblclick', event => {
			const row = this.rowAt(...this.place(event));

			if (row >= 0) this.view.set(this.run.rows.began[row], this.run.ends[row]);
			else this.view.zoom(0.5, this.time(this.place(event)[0]));
		});
		this.box.addEventListener('keydown', event => this.key(event));
	}

	place(event) {
		const box = this.canvas.getBoundingClientRect();

		return [event.clientX - box.left, event.clientY - box.top];
	}

	key(event) {
		const step = (this.view.to - this.view.from) / 8;
		const actions = {
			'+': () => this.view.zoom(0.6),
			'=': () => this.view.zoom(0.6),
			'-': () => this.view.zoom(1 / 0.6),
			0: () => this.view.set(0, this.view.until),
			Home: () => this.view.pan(-this.view.until),
			End: () => this.view.pan(this.view.until),
			'[': () => this.stretch(this.layout.laneHeight - 1, 0),
			']': () => this.stretch(this.layout.laneHeight + 1, 0),
			ArrowLeft: () => this.view.pan(-step),
			ArrowRight: () => this.view.pan(step)
		};

		if (event.ctrlKey || event.metaKey || event.altKey || !actions[event.key]) return;
		event.preventDefault();
		actions[event.key]();
	}

	hover(event) {
		const row = event ? this.rowAt(...this.place(event)) : -1,
			tip = byId('tip');

		this.canvas.style.cursor = row >= 0 ? 'pointer' : 'grab';
		tip.hidden = row < 0;
		if (row !== this.hovered) {
			this.hovered = row;
			if (row >= 0) tip.replaceChildren(...tipLines(this.run, row));
			this.drawMarks();
		}
		if (row < 0) return;
		tip.style.left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8) + 'px';
		tip.style.top = Math.min(event.clientY + 16, window.innerHeight - tip.offsetHeight - 8) + 'px';
	}
}

/* ---- a process in few words ---- */

function tipLines(run, i) {
	const rows = run.rows,
		facts = [
			run.ending(i),
			'wall ' + figure(run, 'wall', i, duration),
			'CPU ' + figure(run, 'cpu', i, duration),
			'peak ' + peakText(run, i),
			'pid ' + rows.pid[i]
		];

	return [
		element('b', {}, run.command(i)),
		element('span', {}, facts.join(' · ')),
		run.text(rows.step[i]) ? element('span', { className: 'muted' }, run.text(rows.step[i])) : ''
	];
}

const figure = (run, column, i, words) => (isNull(run.rows[column][i]) ? '–' : words(run.rows[column][i]));

function peakText(run, i) {
	const { peak, sampled } = run.rows;

	if (!isNull(peak[i])) return size(peak[i]);
	return isNull(sampled[i]) ? '–' : '≥ ' + size(sampled[i]);
}
