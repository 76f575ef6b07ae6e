/* SPDX-License-Identifier: BSD-2-Clause */
/* The visible part of the run, steps of its axis, and how processes are packed into lanes. */
'use strict';

/* Left of the plots: names of groups, axes of the curves. Less on a narrow screen. */
let GUTTER = 148;

function setGutter() {
	const wanted = document.body.clientWidth < 600 ? 100 : 148,
		isOther = wanted !== GUTTER;

	GUTTER = wanted;
	document.documentElement.style.setProperty('--gutter', GUTTER + 'px');
	return isOther;
}

/* The visible part of the run, shared by everything with a time axis. */
class View {
	constructor(until) {
		this.until = until;
		this.from = 0;
		this.to = until;
		this.listeners = [];
		this.pending = false;
	}

	set(from, to) {
		const least = Math.max(this.until / 1e7, 200),
			span = Math.min(this.until, Math.max(least, to - from));

		from = Math.max(0, Math.min(from - (span - (to - from)) / 2, this.until - span));
		this.from = from;
		this.to = from + span;
		this.changed();
	}

	zoom(factor, at) {
		at ??= (this.from + this.to) / 2;
		this.set(at - (at - this.from) * factor, at + (this.to - at) * factor);
	}

	pan(by) {
		const span = this.to - this.from,
			from = Math.max(0, Math.min(this.from + by, this.until - span));

		this.set(from, from + span);
	}

	changed() {
		if (this.pending) return;
		this.pending = true;
		requestAnimationFrame(() => {
			this.pending = false;
			this.listeners.forEach(listener => listener());
		});
	}
}

/* A step of 1, 2 or 5 times a power of ten, or of clock units, about `least` long. */
function niceStep(least) {
	const clock = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

	if (least > 30e9) return (clock.find(s => s * 1e9 >= least) || Math.ceil(least / 864e11) * 86400) * 1e9;
	const power = 10 ** Math.floor(Math.log10(least));
	return power * ([1, 2, 5].find(f => f * power >= least) || 10);
}

function lowerBound(from, to, isRight) {
	while (from < to) {
		const middle = (from + to) >> 1;

		if (isRight(middle)) to = middle;
		else from = middle + 1;
	}
	return from;
}

/* ---- lanes ---- */

class Heap {
	constructor(less) {
		this.less = less;
		this.items = [];
	}

	push(item) {
		const items = this.items;
		let i = items.push(item) - 1;

		for (let up; i && this.less(item, items[(up = (i - 1) >> 1)]); i = up) items[i] = items[up];
		items[i] = item;
	}

	pop() {
		const items = this.items,
			top = items[0],
			last = items.pop();
		let i = 0;

		if (!items.length) return top;
		for (let next; (next = 2 * i + 1) < items.length; i = next) {
			if (next + 1 < items.length && this.less(items[next + 1], items[next])) next++;
			if (!this.less(items[next], last)) break;
			items[i] = items[next];
		}
		items[i] = last;
		return top;
	}
}

/* Each row, in order of its begin, gets the uppermost free lane of its group. */
class Packer {
	constructor() {
		this.lanes = 0;
		this.busy = new Heap((a, b) => a.end < b.end);
		this.free = new Heap((a, b) => a < b);
	}

	lane(began, end) {
		while (this.busy.items.length && this.busy.items[0].end <= began) this.free.push(this.busy.pop().lane);
		const lane = this.free.items.length ? this.free.pop() : this.lanes++;

		this.busy.push({ end: Math.max(end, began + 1), lane });
		return lane;
	}
}
