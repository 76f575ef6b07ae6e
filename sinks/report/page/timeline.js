/* SPDX-License-Identifier: BSD-2-Clause */
/* The timeline: groups and finds processes, and follows mouse and keys. */
'use strict';

class Timeline extends Bars {
	constructor(run, view, show) {
		super(run, view);
		this.show = show; /* called with the row that was selected */
		this.foldButton = byId('fold');
		this.foldButton.onclick = () => this.setExpanded(!this.layout.expanded);
		this.listen();
	}

	regroup(kind) {
		const rows = this.run.rows,
			byStep = kind === 'step';
		const names = byStep ? rows.step : rows.name;

		this.layout = new Layout(
			this.run,
			names,
			key => this.run.text(key) || (byStep ? 'no step' : '[unknown]'),
			kind
		);
		this.foundVersion = 0;
		this.box.scrollTop = 0;
		this.resize();
	}

	setExpanded(expanded) {
		this.layout.setExpanded(expanded);
		this.resize();
	}

	/* After lanes have moved: the folded row's button, what is not in view, and marks of what was found. */
	arranged() {
		const { fold, folded, expanded, groups, kind, version } = this.layout,
			unseen = groups.filter(group => !group.isSeen).length;

		this.foldButton.hidden = !folded.size || !fold.isSeen;
		if (!this.foldButton.hidden) {
			this.foldButton.textContent = (expanded ? '▾ ' : '▸ ') + fold.name;
			this.foldButton.title = [...folded].slice(0, 30).map(group => group.name).join('\n');
			this.foldButton.setAttribute('aria-expanded', expanded);
			this.foldButton.style.top = fold.y + 'px';
		}
		byId('unseen').textContent = unseen
			? plural(unseen, 'other ' + kind) + (unseen === 1 ? ' has' : ' have') + ' nothing in view.'
			: '';
		if (this.foundVersion !== version) this.refind();
	}

	/* The height of a lane that the pointer, or the keys, start from. */
	laneHeight() {
		return this.layout.wanted || Math.max(...this.layout.groups.map(group => (group.isSeen ? group.laneHeight : 0)));
	}

	/* Changes the height of lanes, around the one at `y`. */
	stretch(height, y) {
		const lane = Math.max(0, this.layout.laneAt(this.box.scrollTop + y)),
			before = this.laneY(lane);

		this.layout.wanted = Math.max(LANE_MIN, Math.min(LANE_MAX, height));
		this.draw();
		this.box.scrollTop += this.laneY(lane) - before;
		this.draw();
	}

	/* All of the run, with lanes as high as they fit. */
	showAll() {
		this.layout.wanted = 0;
		this.view.set(0, this.view.until);
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

	/* How many are drawn together with this one, as they are narrower than a pixel or two. */
	crowd(i) {
		const { laneOf, groups, order, start } = this.layout,
			lane = laneOf[i],
			{ began } = this.run.rows,
			pixel = 2 / this.scale;

		if (!groups.some(group => group.strip === lane)) return 1;
		const first = lowerBound(start[lane], start[lane + 1], j => began[order[j]] > began[i] - pixel);
		return lowerBound(first, start[lane + 1], j => began[order[j]] >= began[i] + pixel) - first;
	}

	/* Returns how many processes match. */
	find(words) {
		const run = this.run;

		const matches = matcherOf(run, words);

		this.foundRows = [];
		if (matches) for (let i = 0; i < run.count; i++) if (matches(i)) this.foundRows.push(i);
		this.isSearched = matches !== null;
		this.refind();
		this.draw();
		return new Set(this.foundRows.map(i => run.lastOf(i))).size;
	}

	refind() {
		this.found = null;
		this.foundVersion = this.layout.version;
		if (!this.isSearched) return;
		this.found = new Uint8Array(this.run.count);
		for (const i of this.foundRows) this.found[i] = 1;
		[this.foundOrder, this.foundStart] = sortedByLane(this.layout.laneOf, this.layout.lanes, i => this.found[i]);
	}

	/* Brings a row into view, large enough to see. */
	reveal(i) {
		const { began } = this.run.rows,
			wall = this.run.ends[i] - began[i],
			margin = Math.max(wall * 4, (this.view.to - this.view.from) / 200);

		this.selected = i;
		if (wall * this.scale < 4 || began[i] > this.view.to || this.run.ends[i] < this.view.from)
			this.view.set(began[i] - margin, this.run.ends[i] + margin);
		this.draw();
		const y = this.laneY(this.layout.laneOf[i]);
		if (y >= 0 && y <= this.height - 20) return;
		this.box.scrollTop += y - this.height / 2;
		this.draw();
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
						this.laneHeight() - Math.sign(event.deltaY),
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
			0: () => this.showAll(),
			Home: () => this.view.pan(-this.view.until),
			End: () => this.view.pan(this.view.until),
			'[': () => this.stretch(this.laneHeight() - 1, 0),
			']': () => this.stretch(this.laneHeight() + 1, 0),
			ArrowLeft: () => this.view.pan(-step),
			ArrowRight: () => this.view.pan(step)
		};

		if (event.ctrlKey || event.metaKey || event.altKey || !actions[event.key]) return;
		event.preventDefault();
		actions[event.key]();
	}

	hover(event) {
		const row = event ? this.rowAt(...this.place(event)) : -1;

		this.canvas.style.cursor = row >= 0 ? 'pointer' : 'grab';
		showTip(event, row < 0 ? null : row === this.hovered ? [] : tipLines(this.run, row, this.crowd(row)));
		if (row === this.hovered) return;
		this.hovered = row;
		this.drawMarks();
	}
}

/* Beside the pointer; no lines: the same as before; null: none. */
function showTip(event, lines) {
	const tip = byId('tip');

	tip.hidden = !lines;
	if (!lines) return;
	if (lines.length) tip.replaceChildren(...lines);
	tip.style.left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8) + 'px';
	tip.style.top = Math.min(event.clientY + 16, window.innerHeight - tip.offsetHeight - 8) + 'px';
}

/* ---- a process in few words ---- */

function tipLines(run, i, crowd) {
	const rows = run.rows,
		facts = [
			run.ending(i),
			'wall ' + figure(run, 'wall', i, duration),
			'CPU ' + figure(run, 'cpu', i, duration),
			'peak ' + peakText(run.rows, i),
			'pid ' + rows.pid[i]
		];

	return [
		element('b', {}, run.command(i)),
		element('span', {}, facts.join(' · ')),
		run.text(rows.step[i]) ? element('span', { className: 'muted' }, run.text(rows.step[i])) : '',
		crowd > 1 ? element('span', { className: 'muted' }, 'One of ' + processes(crowd) + ' here: zoom in to see each.') : ''
	];
}

const figure = (run, column, i, words) => (isNull(run.rows[column][i]) ? '–' : words(run.rows[column][i]));

function peakText({ peak, sampled }, i) {
	if (!isNull(peak[i])) return size(peak[i]);
	return isNull(sampled[i]) ? '–' : '≥ ' + size(sampled[i]);
}
