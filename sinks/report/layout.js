/* SPDX-License-Identifier: BSD-2-Clause */
/* Where things stand: the part of the run that is seen, and the lane of each process. */
'use strict';

const GUTTER = 148; /* left of the plots: names of groups, axes of the curves */
const LANES_HEIGHT = 560,
	BOX_HEIGHT = 720,
	LANE_MIN = 2,
	LANE_MAX = 16,
	GROUP_MIN = 18,
	GROUP_GAP = 8;
const GROUPS_MAX = 40;

/* The part of the run that is seen, shared by all that has a time axis. */
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

/* A step of 1, 2 or 5 times a power of ten, or of a clock, about `least` long. */
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

/* Each row, in order of its begin, gets the uppermost lane of its group that is free. */
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

/* Rows by lane: those of lane l are order[start[l]] up to order[start[l + 1]], in order of time. */
class Layout {
	constructor(run, keyOf, nameOf) {
		const counts = new Map(),
			local = new Int32Array(run.count),
			groupOf = new Int32Array(run.count);

		this.run = run;
		for (let i = 0; i < run.count; i++) {
			const key = keyOf(i);

			counts.set(key, (counts.get(key) || 0) + 1);
		}
		this.others = counts.size > GROUPS_MAX ? this.pickOthers(counts) : null;
		this.groups = [];
		const byKey = new Map();
		for (let i = 0; i < run.count; i++) {
			let key = keyOf(i);

			if (this.others && this.others.has(key)) key = -1;
			if (!byKey.has(key)) {
				byKey.set(key, this.groups.length);
				this.groups.push({
					name: key < 0 ? plural(this.others.size, 'other') : nameOf(key),
					count: 0,
					bad: 0,
					packer: new Packer()
				});
			}
			const group = this.groups[(groupOf[i] = byKey.get(key))];
			group.count++;
			group.bad += run.bad(i);
			local[i] = group.packer.lane(run.rows.began[i], run.ends[i]);
		}
		this.arrange(local, groupOf);
	}

	pickOthers(counts) {
		const keys = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));

		return new Set(keys.slice(GROUPS_MAX - 1));
	}

	arrange(local, groupOf) {
		let lanes = 0;

		for (const group of this.groups) {
			group.first = lanes;
			group.lanes = group.packer.lanes;
			group.packer = null;
			lanes += group.lanes;
		}
		this.lanes = lanes;
		this.laneOf = local.map((lane, i) => this.groups[groupOf[i]].first + lane);
		[this.order, this.start] = this.sorted(() => true);
		[this.badOrder, this.badStart] = this.sorted(i => this.run.bad(i));
		[this.openOrder, this.openStart] = this.sorted(
			i => this.run.rows.outcome[i] === RUNNING || this.run.rows.outcome[i] === UNKNOWN
		);
		this.wall = new Float64Array(this.order.length + 1);
		this.cpu = new Float64Array(this.order.length + 1);
		for (let at = 0; at < this.order.length; at++) {
			const i = this.order[at];

			this.wall[at + 1] = this.wall[at] + this.run.ends[i] - this.run.rows.began[i];
			this.cpu[at + 1] = this.cpu[at] + known(this.run.rows.cpu[i]);
		}
		this.place();
	}

	/* By counting: rows are in order of time already. */
	sorted(wanted) {
		const start = new Int32Array(this.lanes + 1),
			laneOf = this.laneOf;

		for (let i = 0; i < laneOf.length; i++) if (wanted(i)) start[laneOf[i] + 1]++;
		for (let lane = 0; lane < this.lanes; lane++) start[lane + 1] += start[lane];
		const order = new Int32Array(start[this.lanes]),
			next = start.slice();
		for (let i = 0; i < laneOf.length; i++) if (wanted(i)) order[next[laneOf[i]]++] = i;
		return [order, start];
	}

	/* All in sight at once, unless lanes would be too low, or another height is wanted. */
	place(wanted) {
		const fitting = Math.floor((LANES_HEIGHT - this.groups.length * GROUP_GAP) / this.lanes);

		this.laneHeight = Math.max(LANE_MIN, Math.min(LANE_MAX, wanted || fitting));
		this.height = GROUP_GAP;
		for (const group of this.groups) {
			group.y = this.height;
			group.height = Math.max(GROUP_MIN, group.lanes * this.laneHeight);
			this.height += group.height + GROUP_GAP;
		}
	}

	laneAt(y) {
		for (const group of this.groups) {
			const lane = Math.floor((y - group.y) / this.laneHeight);

			if (y >= group.y && lane < group.lanes) return group.first + lane;
		}
		return -1;
	}
}
