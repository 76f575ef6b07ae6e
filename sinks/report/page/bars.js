/* SPDX-License-Identifier: BSD-2-Clause */
/* All processes over time, on a canvas. Bars smaller than a pixel are merged: the cost is per pixel, not per
 * process. */
'use strict';

const SHADES = 4; /* from waiting to busy */

/* Draws a layout; the timeline handles its meaning and events. */
class Bars {
	constructor(run, view) {
		this.run = run;
		this.view = view;
		this.box = byId('lanes');
		this.canvas = byId('bars');
		this.marks = byId('marks');
		this.selected = this.hovered = -1;
		this.found = null;
		this.colourOf = () => null; /* of a group's name, as in the curves */
		this.drawMs = 0;
		view.listeners.push(() => this.draw());
		this.box.addEventListener('scroll', () => this.draw(), { passive: true });
	}

	resize() {
		this.width = this.box.clientWidth;
		this.height = 0;
		this.layout.shown = null;
		this.theme = readTheme();
		this.draw();
	}

	/* The box keeps the height that the whole run needs, or what is below it would jump at each zoom. */
	fitBox() {
		const content = this.layout.height,
			height = isPrinting()
				? Math.min(content, PAPER_HEIGHT)
				: Math.min(Math.max(content, this.layout.wholeHeight), BOX_HEIGHT);

		byId('lanes-space').style.height = Math.max(0, content - height) + 'px';
		if (height === this.height) return;
		this.height = height;
		this.box.style.height = height + 1 + 'px'; /* and its border */
		this.context = fit(this.canvas, this.width, height);
		this.overlay = fit(this.marks, this.width, height);
		this.marks.style.marginTop = -height + 'px';
	}

	/* Lays out what is in view; the group at the top of the box stays there. */
	arrange() {
		const top = this.box.scrollTop,
			group = top ? this.layout.groups.find(group => group.isSeen && group.y + group.height > top) : null,
			offset = group ? top - group.y : 0;

		if (!this.layout.show(this.view, this.width - GUTTER)) return;
		this.fitBox();
		if (group?.isSeen) this.box.scrollTop = Math.max(0, group.y + Math.min(offset, group.height));
		this.arranged();
	}

	x(time) {
		return GUTTER + (time - this.view.from) * this.scale;
	}

	time(x) {
		return this.view.from + (x - GUTTER) / this.scale;
	}

	laneY(lane) {
		return this.layout.laneTop[lane] - this.box.scrollTop;
	}

	isVisible(y, height) {
		return y < this.height && y + height > 0;
	}

	draw() {
		const begin = performance.now();

		this.arrange();
		const context = this.context;
		this.scale = (this.width - GUTTER) / (this.view.to - this.view.from);
		context.clearRect(0, 0, this.width, this.height);
		this.drawGrid();
		this.drawGaps();
		context.save();
		context.beginPath();
		context.rect(GUTTER, 0, this.width - GUTTER, this.height);
		context.clip();
		this.labels = [];
		for (const group of this.layout.groups)
			if (group.isSeen && this.isVisible(group.y - this.box.scrollTop, group.height)) this.drawGroup(group);
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

	/* When records were lost, through all lanes. */
	drawGaps() {
		const { from, until } = this.run.gaps,
			context = this.context;

		context.fillStyle = this.theme.loss;
		context.globalAlpha = 0.35;
		for (let k = 0; k < from.length; k++) {
			const x = Math.max(GUTTER, this.x(from[k])),
				end = Math.min(this.width, Math.max(this.x(until[k]), x + 2));

			if (end > x) context.fillRect(x, 0, end - x, this.height);
		}
		context.globalAlpha = 1;
	}

	drawGroup(group) {
		const bins = Array.from({ length: SHADES }, () => []),
			layout = this.layout,
			lanes = group.seen.filter(lane => this.isVisible(this.laneY(lane), layout.laneSize[lane]));

		for (const lane of lanes) {
			if (lane === group.strip) this.collectStrip(lane, bins);
			else this.collect(lane, this.laneY(lane), bins);
		}
		this.context.globalAlpha = this.found ? 0.25 : 1;
		this.fillBins(bins);
		for (const lane of lanes) {
			const y = this.laneY(lane);

			this.drawOpen(lane, y);
			this.drawBad(layout.badOrder, layout.badStart, lane, y);
			if (this.found) this.drawFound(lane, y);
		}
	}

	/* The first of a lane's rows, between two indexes of an order, that has not ended. */
	firstSeen(order, from, to) {
		const ends = this.run.ends,
			least = this.view.from;

		return lowerBound(from, to, at => ends[order[at]] >= least);
	}

	collect(lane, y, bins) {
		const { order, start, laneSize } = this.layout,
			{ began } = this.run.rows,
			ends = this.run.ends;
		const last = start[lane + 1],
			until = this.view.to,
			height = this.barHeight(lane),
			grain = laneSize[lane] < 4 ? 2 : 1;

		for (let at = this.firstSeen(order, start[lane], last); at < last; ) {
			const i = order[at];

			if (began[i] > until) break;
			const x = Math.max(GUTTER - 2, this.x(began[i])),
				width = Math.min(this.x(ends[i]), this.width + 2) - x;
			if (width >= 2) {
				bins[this.shade(this.run.busy(i))].push(x, y, width > 4 ? width - 1 : width, height);
				if (width > 48 && laneSize[lane] >= 12) this.labels.push(i, x, y, width);
				at++;
			} else {
				const [next, pixel, shade] = this.mergeTiny(at, last, x, grain);

				bins[shade].push(
					pixel,
					y,
					Math.max(grain, Math.min(2, this.x(ends[order[next - 1]]) - pixel)),
					height
				);
				at = next;
			}
		}
	}

	/* What is too narrow for a lane of its own: the higher, the more begin there. */
	collectStrip(lane, bins) {
		const { order, start, laneSize } = this.layout,
			{ began } = this.run.rows,
			last = start[lane + 1],
			bottom = this.laneY(lane) + this.barHeight(lane),
			columns = [];
		let most = 1;

		for (let at = this.firstSeen(order, start[lane], last); at < last && began[order[at]] <= this.view.to; ) {
			const [next, pixel, shade] = this.mergeTiny(at, last, Math.max(GUTTER - 2, this.x(began[order[at]])), 2);

			columns.push([pixel, shade, next - at]);
			most = Math.max(most, next - at);
			at = next;
		}
		for (const [pixel, shade, count] of columns) {
			const height = 4 + (laneSize[lane] - 6) * (count / most);

			bins[shade].push(pixel, bottom - height, 2, height);
		}
	}

	/* Merges all that begins within this pixel, darker if busier: where the next one is, the pixel and the shade. */
	mergeTiny(at, last, x, grain) {
		const { order, wall, cpu, span } = this.layout,
			{ began } = this.run.rows;
		const pixel = Math.floor(x / grain) * grain,
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
			share = (cpu[next] - cpu[at]) / Math.max(span[next] - span[at], width);
		return [next, pixel, covered < width / 4 ? 0 : this.shade(share)];
	}

	shade(share) {
		return share > 0.75 ? 3 : share > 0.4 ? 2 : share > 0.1 ? 1 : 0;
	}

	fillBins(bins) {
		const context = this.context;

		bins.forEach((bin, shade) => {
			context.fillStyle = this.theme.shades[shade];
			for (let i = 0; i < bin.length; i += 4) context.fillRect(bin[i], bin[i + 1], bin[i + 2], bin[i + 3]);
		});
	}

	barHeight(lane) {
		const height = this.layout.laneSize[lane];

		return height > 5 ? height - 2 : height > 3 ? height - 1 : height;
	}

	/* A running process has no right edge; if the end is not known, only the begin is solid. */
	drawOpen(lane, y) {
		const context = this.context,
			height = this.barHeight(lane),
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

	/* At least three pixels wide: a failure must be visible. */
	drawBad(order, start, lane, y) {
		const context = this.context,
			height = this.barHeight(lane),
			{ began, outcome } = this.run.rows;
		let painted = -1;

		for (let at = this.firstBad(order, start, lane); at < start[lane + 1]; at++) {
			const i = order[at],
				theme = this.theme.bad[outcome[i]];

			if (began[i] > this.view.to) break;
			const x = Math.max(GUTTER - 2, Math.min(this.x(began[i]), this.width - 4)),
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

		/* one that has ended may still be visible: bars are drawn wider */
		return at > start[lane] && began[order[at - 1]] > least - 3 / this.scale ? at - 1 : at;
	}

	drawHiddenMark(x, y, height) {
		const context = this.context;

		context.fillStyle = this.theme.text;
		context.fillRect(x, y - 1, 1.5, height + 2);
		if (height < 7) return;
		context.beginPath();
		context.moveTo(x, y - 1);
		context.lineTo(x + 6, y - 1);
		context.lineTo(x, y + 5);
		context.fill();
	}

	drawFound(lane, y) {
		const context = this.context,
			height = this.barHeight(lane),
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
		const context = this.context;

		context.font = '11px ' + css('--font');
		context.textBaseline = 'middle';
		for (let at = 0; at < this.labels.length && at < 4 * 800; at += 4) {
			const [i, x, top, width] = this.labels.slice(at, at + 4),
				left = Math.max(x, GUTTER) + 4;
			const room = Math.floor((x + width - left) / 6.2);

			if (room < 4 || this.run.bad(i)) continue;
			const text = this.run.command(i);
			context.globalAlpha = this.found && !this.found[i] ? 0.3 : 1;
			const busiest = this.shade(this.run.busy(i)) === SHADES - 1;
			context.fillStyle = this.found?.[i] ? this.theme.foundText : busiest ? this.theme.bar : this.theme.text;
			const middle = top + this.layout.laneSize[this.layout.laneOf[i]] / 2;
			context.fillText(text.length > room ? text.slice(0, room - 1) + '…' : text, left, middle);
		}
		context.globalAlpha = 1;
	}

	/* Above the bars: moving the mouse redraws only this. */
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
			const lane = this.layout.laneOf[i],
				y = this.laneY(lane);
			if (!this.layout.laneSize[lane]) continue;
			const x = Math.max(GUTTER - 4, this.x(this.run.rows.began[i])),
				end = Math.min(this.width + 4, this.x(this.run.ends[i]));

			context.strokeStyle = colour;
			context.lineWidth = line;
			context.strokeRect(x - 1.5, y - 1.5, Math.max(4, end - x) + 2, this.barHeight(lane) + 3);
		}
		context.restore();
	}

	/* Left of the bars: names, and how many failed. */
	drawNames() {
		const context = this.context;

		context.textBaseline = 'top';
		for (const group of this.layout.groups) {
			if (!group.isSeen) continue;
			const top = group.y - this.box.scrollTop,
				y = group.height < 30 ? top : Math.max(top, Math.min(2, top + group.height - 30));

			if (!this.isVisible(top, group.height)) continue;
			context.fillStyle = this.theme.line;
			context.fillRect(0, Math.round(top - GROUP_GAP / 2), this.width, 1);
			if (group.isFold) continue; /* its name is a button */
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
						: processes(group.count),
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
}
