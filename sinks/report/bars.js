/* SPDX-License-Identifier: BSD-2-Clause */
/* All processes over time, on a canvas. What is smaller than a pixel costs one look a pixel, however many
 * processes it is. */
'use strict';

const SHADES = 4; /* from waiting to busy */

/* Draws a layout; what it stands for, and what is done with it, is the timeline's. */
class Bars {
	constructor(run, view) {
		this.run = run;
		this.view = view;
		this.box = byId('lanes');
		this.canvas = byId('bars');
		this.marks = byId('marks');
		this.selected = this.hovered = -1;
		this.found = null;
		this.colourOf = () => null; /* of a group's name, in the curves */
		this.drawMs = 0;
		view.listeners.push(() => this.draw());
		this.box.addEventListener('scroll', () => this.draw(), { passive: true });
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
		const begin = performance.now(),
			context = this.context;

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
		const context = this.context,
			step = niceStep((this.view.to - this.view.from) / ((this.width - GUTTER) / 110));

		context.fillStyle = this.theme.line;
		for (let time = Math.ceil(this.view.from / step) * step; time <= this.view.to; time += step)
			context.fillRect(Math.round(this.x(time)), 0, 1, this.height);
	}

	drawGroup(group) {
		const bins = Array.from({ length: SHADES }, () => []),
			layout = this.layout;

		for (let lane = group.first; lane < group.first + group.lanes; lane++) {
			const y = this.laneY(group, lane);

			if (y + layout.laneHeight > 0 && y < this.height) this.collect(lane, y, bins);
		}
		this.context.globalAlpha = this.found ? 0.25 : 1;
		this.fillBins(bins);
		for (let lane = group.first; lane < group.first + group.lanes; lane++) {
			const y = this.laneY(group, lane);

			if (y + layout.laneHeight <= 0 || y >= this.height) continue;
			this.drawOpen(lane, y);
			this.drawBad(layout.badOrder, layout.badStart, lane, y);
			if (this.found) this.drawFound(lane, y);
		}
	}

	/* First of a lane's rows, between two places in an order, that is not over yet. */
	firstSeen(order, from, to) {
		const ends = this.run.ends,
			least = this.view.from;

		return lowerBound(from, to, at => ends[order[at]] >= least);
	}

	collect(lane, y, bins) {
		const { order, start, wall, cpu } = this.layout,
			{ began } = this.run.rows,
			ends = this.run.ends;
		const last = start[lane + 1],
			until = this.view.to;

		for (let at = this.firstSeen(order, start[lane], last); at < last; ) {
			const i = order[at];

			if (began[i] > until) break;
			const x = Math.max(GUTTER - 2, this.x(began[i])),
				width = Math.min(this.x(ends[i]), this.width + 2) - x;
			if (width >= 2) {
				const share = (cpu[at + 1] - cpu[at]) / (wall[at + 1] - wall[at]);

				bins[this.shade(share)].push(x, y, width > 4 ? width - 1 : width);
				if (width > 48 && this.layout.laneHeight >= 12) this.labels.push(i, x, y, width);
				at++;
			} else {
				at = this.collectTiny(at, last, x, y, bins);
			}
		}
	}

	/* All that begins within this pixel, as one: as dark as it is busy. Low lanes get coarser ones. */
	collectTiny(at, last, x, y, bins) {
		const { order, wall, cpu } = this.layout,
			{ began } = this.run.rows;
		const grain = this.layout.laneHeight < 4 ? 2 : 1,
			pixel = Math.floor(x / grain) * grain,
			edge = this.time(pixel + grain),
			width = grain / this.scale;
		let next = at + 1,
			stride = 1;

		while (next + stride < last && began[order[next + stride]] < edge) {
			next += stride;
			stride *= 2;
		}
		next = lowerBound(next, Math.min(last, next + stride), j => began[order[j]] >= edge);
		const covered = wall[next] - wall[at],
			share = (cpu[next] - cpu[at]) / Math.max(covered, width);
		bins[covered < width / 4 ? 0 : this.shade(share)].push(
			pixel,
			y,
			Math.max(grain, Math.min(2, this.x(this.run.ends[order[next - 1]]) - pixel))
		);
		return next;
	}

	shade(share) {
		return share > 0.75 ? 3 : share > 0.4 ? 2 : share > 0.1 ? 1 : 0;
	}

	fillBins(bins) {
		const context = this.context,
			height = this.barHeight();

		bins.forEach((bin, shade) => {
			context.fillStyle = this.theme.shades[shade];
			for (let i = 0; i < bin.length; i += 3) context.fillRect(bin[i], bin[i + 1], bin[i + 2], height);
		});
	}

	barHeight() {
		const height = this.layout.laneHeight;

		return height > 5 ? height - 2 : height > 3 ? height - 1 : height;
	}

	/* What still ran has no right end; of what has no known end only the begin is sure. */
	drawOpen(lane, y) {
		const context = this.context,
			height = this.barHeight(),
			{ openOrder, openStart } = this.layout;

		for (let at = this.firstSeen(openOrder, openStart[lane], openStart[lane + 1]); at < openStart[lane + 1]; at++) {
			const i = openOrder[at],
				running = this.run.rows.outcome[i] === RUNNING,
				x = Math.max(GUTTER, this.x(this.run.rows.began[i]));

			if (x > this.width) break;
			context.strokeStyle = context.fillStyle = running ? this.theme.running : this.theme.unknown;
			context.fillRect(x, y, 2, height);
			context.setLineDash(running ? [] : [2, 2]);
			context.strokeRect(
				x + 0.5,
				y + 0.5,
				Math.max(8, this.x(this.run.ends[i]) - x) + (running ? 4 : 0),
				height - 1
			);
			context.setLineDash([]);
		}
	}

	/* Never less than three pixels wide: a failure is not to be overlooked. */
	drawBad(order, start, lane, y) {
		const context = this.context,
			height = this.barHeight(),
			{ began, outcome } = this.run.rows;
		let painted = -1;

		for (let at = this.firstBad(order, start, lane); at < start[lane + 1]; at++) {
			const i = order[at],
				theme = this.theme.bad[outcome[i]];

			if (began[i] > this.view.to) break;
			const x = Math.max(GUTTER - 2, this.x(began[i])),
				width = Math.max(3, Math.min(this.x(this.run.ends[i]), this.width + 2) - x);
			if (x + width < painted + 1) continue;
			context.globalAlpha = this.found && !this.found[i] ? 0.35 : 1;
			context.fillStyle = width > 5 ? theme.pattern : theme.colour;
			context.fillRect(x, y, width, height);
			if (this.run.has(i, FLAGS.hidden)) this.drawHiddenMark(x, y, height);
			painted = x + width;
		}
		context.globalAlpha = 1;
	}

	firstBad(order, start, lane) {
		const { began } = this.run.rows,
			least = this.view.from,
			at = this.firstSeen(order, start[lane], start[lane + 1]);

		/* one that is over may still be seen, drawn wider than it is */
		return at > start[lane] && began[order[at - 1]] > least - 3 / this.scale ? at - 1 : at;
	}

	drawHiddenMark(x, y, height) {
		const context = this.context;

		context.fillStyle = this.theme.text;
		context.fillRect(x, y - 1, 1.5, height + 2);
		if (this.layout.laneHeight < 8) return;
		context.beginPath();
		context.moveTo(x, y - 1);
		context.lineTo(x + 6, y - 1);
		context.lineTo(x, y + 5);
		context.fill();
	}

	drawFound(lane, y) {
		const context = this.context,
			height = this.barHeight(),
			{ began } = this.run.rows;
		const order = this.foundOrder,
			start = this.foundStart;
		let painted = -1;

		context.globalAlpha = 1;
		context.fillStyle = this.theme.found;
		for (let at = this.firstSeen(order, start[lane], start[lane + 1]); at < start[lane + 1]; at++) {
			const i = order[at];

			if (began[i] > this.view.to) break;
			const x = Math.max(GUTTER - 2, this.x(began[i])),
				width = Math.max(2, Math.min(this.x(this.run.ends[i]), this.width + 2) - x);
			if (x + width < painted + 1) continue;
			if (!this.run.bad(i)) context.fillRect(x, y, width, height);
			painted = x + width;
		}
	}

	drawLabels() {
		const context = this.context,
			y = this.layout.laneHeight / 2;

		context.font = '11px ' + css('--font');
		context.textBaseline = 'middle';
		for (let at = 0; at < this.labels.length && at < 4 * 800; at += 4) {
			const [i, x, top, width] = this.labels.slice(at, at + 4),
				left = Math.max(x, GUTTER) + 4;
			const room = Math.floor((x + width - left) / 6.2);

			if (room < 4 || this.run.bad(i)) continue;
			const text = this.run.command(i);
			context.globalAlpha = this.found && !this.found[i] ? 0.3 : 1;
			const busiest =
				this.shade(this.run.rows.cpu[i] / (this.run.ends[i] - this.run.rows.began[i])) === SHADES - 1;
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
		for (const [i, colour, line] of [
			[this.hovered, this.theme.muted, 1],
			[this.selected, this.theme.text, 2]
		]) {
			if (i < 0) continue;
			const group = this.groupOf(this.layout.laneOf[i]),
				y = this.laneY(group, this.layout.laneOf[i]);
			const x = Math.max(GUTTER - 4, this.x(this.run.rows.began[i])),
				end = Math.min(this.width + 4, this.x(this.run.ends[i]));

			context.strokeStyle = colour;
			context.lineWidth = line;
			context.strokeRect(x - 1.5, y - 1.5, Math.max(4, end - x) + 2, this.barHeight() + 3);
		}
		context.restore();
	}

	/* Left of the bars: which they are, and how many failed. */
	drawNames() {
		const context = this.context;

		context.textBaseline = 'top';
		for (const group of this.layout.groups) {
			const top = this.laneY(group, group.first),
				y = group.height < 30 ? top : Math.max(top, Math.min(2, top + group.height - 30));

			if (top > this.height || top + group.height < 0) continue;
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
				this.textWithin(
					group.bad
						? grouped(group.bad) + ' of ' + grouped(group.count) + ' failed'
						: plural(group.count, 'program'),
					colour ? 14 : 0,
					y + 16,
					GUTTER - (colour ? 24 : 10)
				);
		}
	}

	textWithin(text, x, y, width) {
		const context = this.context;

		if (context.measureText(text).width > width) {
			while (text.length > 1 && context.measureText(text + '…').width > width) text = text.slice(0, -1);
			text += '…';
		}
		context.fillText(text, x, y);
	}

	groupOf(lane) {
		return this.layout.groups.find(group => lane < group.first + group.lanes);
	}
}
