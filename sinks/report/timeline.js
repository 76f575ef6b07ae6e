/* SPDX-License-Identifier: BSD-2-Clause */
/* All processes over time, on a canvas. What is smaller than a pixel costs one look a pixel, however many
 * processes it is. */
'use strict';

const SHADES = 4; /* from waiting to busy */

class Timeline {
	constructor(run, view, show) {
		this.run = run;
		this.view = view;
		this.show = show; /* called with a row that was chosen */
		this.box = byId('lanes');
		this.canvas = byId('bars');
		this.marks = byId('marks');
		this.selected = this.hovered = -1;
		this.found = null;
		this.colourOf = () => null; /* of a group's name, in the curves */
		this.drawMs = 0;
		view.listeners.push(() => this.draw());
		this.box.addEventListener('scroll', () => this.draw(), { passive: true });
		this.listen();
	}

	regroup(kind) {
		const rows = this.run.rows, byStep = kind === 'step';
		const names = byStep ? rows.step : rows.name;

		this.layout = new Layout(this.run, i => names[i], key => this.run.text(key) || (byStep ? 'no step' : '[unknown]'));
		this.refind();
		this.resize();
	}

	resize() {
		const content = this.layout.height;

		this.height = Math.min(content, BOX_HEIGHT);
		this.box.style.height = this.height + 'px';
		byId('lanes-space').style.height = Math.max(0, content - this.height) + 'px';
		this.width = this.box.clientWidth;
		this.context = fit(this.canvas, this.width, this.height);
		this.overlay = fit(this.marks, this.width, this.height);
		this.marks.style.marginTop = -this.height + 'px';
		this.theme = readTheme();
		this.draw();
	}

	/* Higher or lower lanes, around the one that is at `y`. */
	stretch(height, y) {
		const lane = Math.max(0, this.layout.laneAt(this.box.scrollTop + y)), place = () => this.laneY(this.groupOf(lane), lane);
		const before = place();

		this.layout.place(height);
		this.resize();
		this.box.scrollTop += place() - before;
		this.draw();
	}

	x(time) {
		return GUTTER + (time - this.view.from) * this.scale;
	}

	time(x) {
		return this.view.from + (x - GUTTER) / this.scale;
	}

	laneY(group, lane) {
		return group.y + (lane - group.first) * this.layout.laneHeight - this.box.scrollTop;
	}

	draw() {
		const begin = performance.now(), context = this.context;

		this.scale = (this.width - GUTTER) / (this.view.to - this.view.from);
		context.clearRect(0, 0, this.width, this.height);
		this.drawGrid();
		context.save();
		context.beginPath();
		context.rect(GUTTER, 0, this.width - GUTTER, this.height);
		context.clip();
		this.labels = [];
		for (const group of this.layout.groups)
			if (this.laneY(group, group.first) < this.height && this.laneY(group, group.first) + group.height > 0)
				this.drawGroup(group);
		context.globalAlpha = 1;
		this.drawLabels();
		context.restore();
		this.drawNames();
		this.drawMarks();
		this.drawMs = performance.now() - begin;
	}

	drawGrid() {
		const context = this.context, step = niceStep((this.view.to - this.view.from) / ((this.width - GUTTER) / 110));

		context.fillStyle = this.theme.line;
		for (let time = Math.ceil(this.view.from / step) * step; time <= this.view.to; time += step)
			context.fillRect(Math.round(this.x(time)), 0, 1, this.height);
	}

	drawGroup(group) {
		const bins = Array.from({ length: SHADES }, () => []), layout = this.layout;

		for (let lane = group.first; lane < group.first + group.lanes; lane++) {
			const y = this.laneY(group, lane);

			if (y + layout.laneHeight > 0 && y < this.height)
				this.collect(lane, y, bins);
		}
		this.context.globalAlpha = this.found ? 0.25 : 1;
		this.fillBins(bins);
		for (let lane = group.first; lane < group.first + group.lanes; lane++) {
			const y = this.laneY(group, lane);

			if (y + layout.laneHeight <= 0 || y >= this.height)
				continue;
			this.drawOpen(lane, y);
			this.drawBad(layout.badOrder, layout.badStart, lane, y);
			if (this.found)
				this.drawFound(lane, y);
		}
	}

	/* First of a lane's rows, between two places in an order, that is not over yet. */
	firstSeen(order, from, to) {
		const ends = this.run.ends, least = this.view.from;

		return lowerBound(from, to, at => ends[order[at]] >= least);
	}

	collect(lane, y, bins) {
		const { order, start, wall, cpu } = this.layout, { began } = this.run.rows, ends = this.run.ends;
		const last = start[lane + 1], until = this.view.to;

		for (let at = this.firstSeen(order, start[lane], last); at < last;) {
			const i = order[at];

			if (began[i] > until)
				break;
			const x = Math.max(GUTTER - 2, this.x(began[i])), width = Math.min(this.x(ends[i]), this.width + 2) - x;
			if (width >= 2) {
				const share = (cpu[at + 1] - cpu[at]) / (wall[at + 1] - wall[at]);

				bins[this.shade(share)].push(x, y, width > 4 ? width - 1 : width);
				if (width > 48 && this.layout.laneHeight >= 12)
					this.labels.push(i, x, y, width);
				at++;
			} else {
				at = this.collectTiny(at, last, x, y, bins);
			}
		}
	}

	/* All that begins within this pixel, as one: as dark as it is busy. Low lanes get coarser ones. */
	collectTiny(at, last, x, y, bins) {
		const { order, wall, cpu } = this.layout, { began } = this.run.rows;
		const grain = this.layout.laneHeight < 4 ? 2 : 1, pixel = Math.floor(x / grain) * grain, edge = this.time(pixel + grain), width = grain / this.scale;
		let next = at + 1, stride = 1;

		while (next + stride < last && began[order[next + stride]] < edge) {
			next += stride;
			stride *= 2;
		}
		next = lowerBound(next, Math.min(last, next + stride), j => began[order[j]] >= edge);
		const covered = wall[next] - wall[at], share = (cpu[next] - cpu[at]) / Math.max(covered, width);
		bins[covered < width / 4 ? 0 : this.shade(share)].push(pixel, y, Math.max(grain, Math.min(2, this.x(this.run.ends[order[next - 1]]) - pixel)));
		return next;
	}

	shade(share) {
		return share > 0.75 ? 3 : share > 0.4 ? 2 : share > 0.1 ? 1 : 0;
	}

	fillBins(bins) {
		const context = this.context, height = this.barHeight();

		bins.forEach((bin, shade) => {
			context.fillStyle = this.theme.shades[shade];
			for (let i = 0; i < bin.length; i += 3)
				context.fillRect(bin[i], bin[i + 1], bin[i + 2], height);
		});
	}

	barHeight() {
		const height = this.layout.laneHeight;

		return height > 5 ? height - 2 : height > 3 ? height - 1 : height;
	}

	/* What still ran has no right end; of what has no known end only the begin is sure. */
	drawOpen(lane, y) {
		const context = this.context, height = this.barHeight(), { openOrder, openStart } = this.layout;

		for (let at = this.firstSeen(openOrder, openStart[lane], openStart[lane + 1]); at < openStart[lane + 1]; at++) {
			const i = openOrder[at], running = this.run.rows.outcome[i] === RUNNING, x = Math.max(GUTTER, this.x(this.run.rows.began[i]));

			if (x > this.width)
				break;
			context.strokeStyle = context.fillStyle = running ? this.theme.running : this.theme.unknown;
			context.fillRect(x, y, 2, height);
			context.setLineDash(running ? [] : [2, 2]);
			context.strokeRect(x + 0.5, y + 0.5, Math.max(8, this.x(this.run.ends[i]) - x) + (running ? 4 : 0), height - 1);
			context.setLineDash([]);
		}
	}

	/* Never less than three pixels wide: a failure is not to be overlooked. */
	drawBad(order, start, lane, y) {
		const context = this.context, height = this.barHeight(), { began, outcome } = this.run.rows;
		let painted = -1;

		for (let at = this.firstBad(order, start, lane); at < start[lane + 1]; at++) {
			const i = order[at], theme = this.theme.bad[outcome[i]];

			if (began[i] > this.view.to)
				break;
			const x = Math.max(GUTTER - 2, this.x(began[i])), width = Math.max(3, Math.min(this.x(this.run.ends[i]), this.width + 2) - x);
			if (x + width < painted + 1)
				continue;
			context.globalAlpha = this.found && !this.found[i] ? 0.35 : 1;
			context.fillStyle = width > 5 ? theme.pattern : theme.colour;
			context.fillRect(x, y, width, height);
			if (this.run.has(i, FLAGS.hidden))
				this.drawHiddenMark(x, y, height);
			painted = x + width;
		}
		context.globalAlpha = 1;
	}

	firstBad(order, start, lane) {
		const { began } = this.run.rows, least = this.view.from, at = this.firstSeen(order, start[lane], start[lane + 1]);

		/* one that is over may still be seen, drawn wider than it is */
		return at > start[lane] && began[order[at - 1]] > least - 3 / this.scale ? at - 1 : at;
	}

	drawHiddenMark(x, y, height) {
		const context = this.context;

		context.fillStyle = this.theme.text;
		context.fillRect(x, y - 1, 1.5, height + 2);
		if (this.layout.laneHeight < 8)
			return;
		context.beginPath();
		context.moveTo(x, y - 1);
		context.lineTo(x + 6, y - 1);
		context.lineTo(x, y + 5);
		context.fill();
	}

	drawFound(lane, y) {
		const context = this.context, height = this.barHeight(), { began } = this.run.rows;
		const order = this.foundOrder, start = this.foundStart;
		let painted = -1;

		context.globalAlpha = 1;
		context.fillStyle = this.theme.found;
		for (let at = this.firstSeen(order, start[lane], start[lane + 1]); at < start[lane + 1]; at++) {
			const i = order[at];

			if (began[i] > this.view.to)
				break;
			const x = Math.max(GUTTER - 2, this.x(began[i])), width = Math.max(2, Math.min(this.x(this.run.ends[i]), this.width + 2) - x);
			if (x + width < painted + 1)
				continue;
			if (!this.run.bad(i))
				context.fillRect(x, y, width, height);
			painted = x + width;
		}
	}

	drawLabels() {
		const context = this.context, y = this.layout.laneHeight / 2;

		context.font = '11px ' + css('--font');
		context.textBaseline = 'middle';
		for (let at = 0; at < this.labels.length && at < 4 * 800; at += 4) {
			const [i, x, top, width] = this.labels.slice(at, at + 4), left = Math.max(x, GUTTER) + 4;
			const room = Math.floor((x + width - left) / 6.2);

			if (room < 4 || this.run.bad(i))
				continue;
			const text = this.run.command(i);
			context.globalAlpha = this.found && !this.found[i] ? 0.3 : 1;
			const busiest = this.shade(this.run.rows.cpu[i] / (this.run.ends[i] - this.run.rows.began[i])) === SHADES - 1;
			context.fillStyle = busiest ? this.theme.bar : this.theme.text;
			context.fillText(text.length > room ? text.slice(0, room - 1) + '…' : text, left, top + y);
		}
		context.globalAlpha = 1;
	}

	/* Above the bars, so that a move of the mouse draws no more than this. */
	drawMarks() {
		const context = this.overlay;

		context.clearRect(0, 0, this.width, this.height);
		context.save();
		context.beginPath();
		context.rect(GUTTER, 0, this.width - GUTTER, this.height);
		context.clip();
		for (const [i, colour, line] of [[this.hovered, this.theme.muted, 1], [this.selected, this.theme.text, 2]]) {
			if (i < 0)
				continue;
			const group = this.groupOf(this.layout.laneOf[i]), y = this.laneY(group, this.layout.laneOf[i]);
			const x = Math.max(GUTTER - 4, this.x(this.run.rows.began[i])), end = Math.min(this.width + 4, this.x(this.run.ends[i]));

			context.strokeStyle = colour;
			context.lineWidth = line;
			context.strokeRect(x - 1.5, y - 1.5, Math.max(4, end - x) + 2, this.barHeight() + 3);
		}
		context.restore();
	}

	/* Left of the bars: who they are, and how many failed. */
	drawNames() {
		const context = this.context;

		context.textBaseline = 'top';
		for (const group of this.layout.groups) {
			const top = this.laneY(group, group.first), y = group.height < 30 ? top : Math.max(top, Math.min(2, top + group.height - 30));

			if (top > this.height || top + group.height < 0)
				continue;
			context.fillStyle = this.theme.line;
			context.fillRect(0, Math.round(top - GROUP_GAP / 2), this.width, 1);
			context.fillStyle = this.theme.text;
			context.font = '600 12px ' + css('--font');
			const colour = this.colourOf(group.name);
			this.textWithin(group.name, colour ? 14 : 0, y + 1, GUTTER - (colour ? 24 : 10));
			if (colour) {
				context.fillStyle = colour;
				context.fillRect(0, y + 3, 9, 9);
			}
			context.font = '11px ' + css('--font');
			context.fillStyle = group.bad ? this.theme.bad[FAILED].colour : this.theme.muted;
			if (group.height >= 30)
				this.textWithin(group.bad ? grouped(group.bad) + ' of ' + grouped(group.count) + ' failed' : plural(group.count, 'program'), colour ? 14 : 0, y + 16, GUTTER - (colour ? 24 : 10));
		}
	}

	textWithin(text, x, y, width) {
		const context = this.context;

		if (context.measureText(text).width > width) {
			while (text.length > 1 && context.measureText(text + '…').width > width)
				text = text.slice(0, -1);
			text += '…';
		}
		context.fillText(text, x, y);
	}

	/* ---- finding ---- */

	groupOf(lane) {
		return this.layout.groups.find(group => lane < group.first + group.lanes);
	}

	rowAt(x, y) {
		const lane = x < GUTTER ? -1 : this.layout.laneAt(y + this.box.scrollTop), { order, start } = this.layout;

		if (lane < 0)
			return -1;
		const time = this.time(x), near = 4 / this.scale, { began } = this.run.rows;
		const at = lowerBound(start[lane], start[lane + 1], j => began[order[j]] > time) - 1;
		let best = -1, distance = near;

		for (let j = Math.max(start[lane], at - 1); j <= at + 1 && j < start[lane + 1]; j++) {
			const i = order[j], away = Math.max(began[i] - time, time - this.run.ends[i], 0);

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
		if (this.words)
			for (let i = 0; i < run.count; i++)
				if (run.matches(i, this.words))
					this.foundRows.push(i);
		this.refind();
		this.draw();
		return this.foundRows.length;
	}

	refind() {
		this.found = null;
		if (!this.words)
			return;
		this.found = new Uint8Array(this.run.count);
		for (const i of this.foundRows)
			this.found[i] = 1;
		[this.foundOrder, this.foundStart] = this.layout.sorted(i => this.found[i]);
	}

	/* Brings a row into sight, large enough to see. */
	reveal(i) {
		const { began } = this.run.rows, wall = this.run.ends[i] - began[i], span = this.view.to - this.view.from;
		const lane = this.layout.laneOf[i], y = this.laneY(this.groupOf(lane), lane);

		this.selected = i;
		if (this.layout.laneHeight < 8) {
			this.stretch(12, 0);
			this.reveal(i);
			return;
		}
		if (y < 0 || y > this.height - 20)
			this.box.scrollTop += y - this.height / 2;
		if (wall * this.scale < 4 || began[i] > this.view.to || this.run.ends[i] < this.view.from)
			this.view.set(began[i] - Math.max(wall * 4, span / 200), this.run.ends[i] + Math.max(wall * 4, span / 200));
		else
			this.draw();
	}

	/* ---- mouse and keys ---- */

	listen() {
		let drag = null;

		this.box.addEventListener('wheel', event => {
			const x = event.clientX - this.box.getBoundingClientRect().left;

			if (event.altKey) {
				event.preventDefault();
				this.stretch(this.layout.laneHeight - Math.sign(event.deltaY), event.clientY - this.box.getBoundingClientRect().top);
			} else if (event.ctrlKey || event.metaKey) {
				event.preventDefault();
				this.view.zoom(Math.exp(event.deltaY * (event.deltaMode ? 0.05 : 0.003)), this.time(Math.max(GUTTER, x)));
			} else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
				event.preventDefault();
				this.view.pan((event.deltaX || event.deltaY) / this.scale);
			}
		}, { passive: false });
		this.canvas.addEventListener('pointerdown', event => {
			if (event.button)
				return;
			drag = { x: event.clientX, y: event.clientY, from: this.view.from, to: this.view.to, top: this.box.scrollTop, moved: false };
			this.canvas.setPointerCapture(event.pointerId);
		});
		this.canvas.addEventListener('pointermove', event => {
			if (!drag) {
				this.hover(event);
				return;
			}
			const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
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
			if (row >= 0)
				this.show(row);
		});
		this.canvas.addEventListener('pointercancel', () => { drag = null; });
		this.canvas.addEventListener('pointerleave', () => this.hover(null));
		this.canvas.addEventListener('dblclick', event => {
			const row = this.rowAt(...this.place(event));

			if (row >= 0)
				this.view.set(this.run.rows.began[row], this.run.ends[row]);
			else
				this.view.zoom(0.5, this.time(this.place(event)[0]));
		});
		this.box.addEventListener('keydown', event => this.key(event));
	}

	place(event) {
		const box = this.canvas.getBoundingClientRect();

		return [event.clientX - box.left, event.clientY - box.top];
	}

	key(event) {
		const step = (this.view.to - this.view.from) / 8;
		const actions = { '+': () => this.view.zoom(0.6), '=': () => this.view.zoom(0.6), '-': () => this.view.zoom(1 / 0.6),
			'0': () => this.view.set(0, this.view.until), Home: () => this.view.pan(-this.view.until), End: () => this.view.pan(this.view.until),
			'[': () => this.stretch(this.layout.laneHeight - 1, 0), ']': () => this.stretch(this.layout.laneHeight + 1, 0),
			ArrowLeft: () => this.view.pan(-step), ArrowRight: () => this.view.pan(step) };

		if (event.ctrlKey || event.metaKey || event.altKey || !actions[event.key])
			return;
		event.preventDefault();
		actions[event.key]();
	}

	hover(event) {
		const row = event ? this.rowAt(...this.place(event)) : -1, tip = byId('tip');

		this.canvas.style.cursor = row >= 0 ? 'pointer' : 'grab';
		tip.hidden = row < 0;
		if (row !== this.hovered) {
			this.hovered = row;
			if (row >= 0)
				tip.replaceChildren(...tipLines(this.run, row));
			this.drawMarks();
		}
		if (row < 0)
			return;
		tip.style.left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8) + 'px';
		tip.style.top = Math.min(event.clientY + 16, window.innerHeight - tip.offsetHeight - 8) + 'px';
	}
}

/* ---- a process in few words ---- */

function tipLines(run, i) {
	const rows = run.rows, facts = [run.ending(i), 'wall ' + figure(run, 'wall', i, duration), 'CPU ' + figure(run, 'cpu', i, duration),
		'peak ' + peakText(run, i), 'pid ' + rows.pid[i]];

	return [element('b', {}, run.command(i)), element('span', {}, facts.join(' · ')),
		run.text(rows.step[i]) ? element('span', { className: 'muted' }, run.text(rows.step[i])) : ''];
}

const figure = (run, column, i, words) => (isNull(run.rows[column][i]) ? '–' : words(run.rows[column][i]));

function peakText(run, i) {
	const { peak, sampled } = run.rows;

	if (!isNull(peak[i]))
		return size(peak[i]);
	return isNull(sampled[i]) ? '–' : '≥ ' + size(sampled[i]);
}
