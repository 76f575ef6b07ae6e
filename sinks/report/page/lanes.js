/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of processes, those of them that are folded, and the lanes of what is in view. */
'use strict';

const BOX_HEIGHT = 720,
	LANES_HEIGHT = 640,
	LANE_MIN = 2,
	LANE_MAX = 16,
	PAPER_HEIGHT = 5000, /* what a canvas can be */
	STRIP_HEIGHT = 14,
	GROUP_MIN = 18,
	GROUP_GAP = 8,
	FOLD_HEIGHT = 26;
const GROUPS_MAX = 40,
	SMALL = 0.01, /* of the run's time, and of its CPU */
	PACKED_MAX = 4;

/* All processes of a step, or of a command. */
class Group {
	constructor(name) {
		this.name = name;
		this.count = this.bad = this.time = this.cpu = 0;
		this.until = -Infinity;
	}

	/* Rows come in order of their begin. */
	add(run, i, isSame) {
		const began = run.rows.began[i],
			end = run.ends[i];

		this.count += !isSame;
		this.bad += run.bad(i);
		this.cpu += known(run.rows.cpu[i]);
		this.time += Math.max(0, end - Math.max(began, this.until));
		this.until = Math.max(this.until, end);
	}
}

/* A row that is an image of the process in the row before, in the same group, is not counted again. */
function groupsOf(run, keys, nameOf) {
	const groups = [],
		byKey = new Map(),
		memberOf = new Int32Array(run.count),
		{ image, parent } = run.rows;

	for (let i = 0; i < run.count; i++) {
		if (!byKey.has(keys[i])) {
			byKey.set(keys[i], groups.length);
			groups.push(new Group(nameOf(keys[i])));
		}
		memberOf[i] = byKey.get(keys[i]);
		groups[memberOf[i]].add(run, i, image[i] > 1 && parent[i] && memberOf[parent[i] - 1] === memberOf[i]);
	}
	return [groups, memberOf];
}

/* Groups below 1 % of the run, and the smallest where there are too many; never one with a failure. In a run that hardly
 * uses the CPU, what it takes to start a process would weigh too much: CPU is a share of one core at least. */
function foldedOf(run, groups) {
	const cpu = Math.max(run.until, groups.reduce((sum, group) => sum + group.cpu, 0)),
		share = group => Math.max(group.time / run.until, group.cpu / cpu),
		good = groups.filter(group => !group.bad).sort((a, b) => share(a) - share(b)),
		small = good.filter(group => share(group) < SMALL).length,
		folded = good.slice(0, Math.max(small, groups.length - GROUPS_MAX));

	return { folded: new Set(folded.length > 1 ? folded : []), areSmall: folded.length === small };
}

/* Lanes are packed for a scale: what is narrower than two pixels goes to one strip, the rest gets lanes of its own. Then
 * lanes with nothing in view take no room, and the others share it. */
class Layout {
	constructor(run, keys, nameOf, kind) {
		this.run = run;
		this.kind = kind;
		[this.all, this.memberOf] = groupsOf(run, keys, nameOf);
		Object.assign(this, foldedOf(run, this.all));
		this.wanted = 0; /* height of a lane; 0: what fits */
		this.wholeHeight = 0;
		this.setExpanded(false);
	}

	/* The groups to show: the folded ones are one of them, or come one by one after a row without lanes. */
	setExpanded(expanded) {
		const place = new Map();

		this.expanded = expanded;
		this.groups = this.all.filter(group => !this.folded.has(group));
		if (this.folded.size) {
			this.fold = Object.assign(new Group(this.foldName()), { isFold: true });
			for (const group of this.folded) this.fold.count += group.count;
			this.groups.push(this.fold, ...(expanded ? this.all.filter(group => this.folded.has(group)) : []));
		}
		this.groups.forEach((group, g) => place.set(group, g));
		this.groupOf = this.memberOf.map(m => place.get(this.all[m]) ?? place.get(this.fold));
		this.packed = new Map();
		this.shown = null;
	}

	foldName() {
		return plural(this.folded.size, (this.areSmall ? '' : 'small ') + this.kind) + (this.areSmall ? ' below 1 %' : '');
	}

	/* ---- lanes at a scale ---- */

	pack(unit) {
		const { run, groups, groupOf } = this,
			laneOf = new Int32Array(run.count),
			packers = groups.map(() => new Packer()),
			strip = new Uint8Array(groups.length),
			packed = { laneOf, groups: [], lanes: 0 };

		for (let i = 0; i < run.count; i++) {
			const g = groupOf[i],
				began = run.rows.began[i],
				end = run.ends[i];

			if (end - began < 2 * unit) {
				laneOf[i] = -1;
				strip[g] = 1;
			} else {
				laneOf[i] = packers[g].lane(began, end);
			}
		}
		groups.forEach((_, g) => {
			const first = packed.lanes,
				lanes = packers[g].lanes;

			packed.lanes += lanes + strip[g];
			packed.groups.push({ first, end: packed.lanes, strip: strip[g] ? first + lanes : -1 });
		});
		for (let i = 0; i < run.count; i++) {
			const { first, strip: low } = packed.groups[groupOf[i]];

			laneOf[i] = laneOf[i] < 0 ? low : first + laneOf[i];
		}
		packed.laneTop = new Float64Array(packed.lanes);
		packed.laneSize = new Float64Array(packed.lanes);
		return Object.assign(packed, this.ordersOf(packed));
	}

	ordersOf({ laneOf, lanes }) {
		const { run } = this,
			{ outcome, cpu, cpu_span } = run.rows,
			[order, start] = sortedByLane(laneOf, lanes, () => true),
			[badOrder, badStart] = sortedByLane(laneOf, lanes, i => run.bad(i)),
			[openOrder, openStart] = sortedByLane(
				laneOf,
				lanes,
				i => outcome[i] === RUNNING || run.isLost(i)
			),
			sums = { wall: new Float64Array(run.count + 1), cpu: new Float64Array(run.count + 1),
				span: new Float64Array(run.count + 1) };

		for (let at = 0; at < order.length; at++) {
			const i = order[at];

			sums.wall[at + 1] = sums.wall[at] + run.ends[i] - run.rows.began[i];
			sums.cpu[at + 1] = sums.cpu[at] + known(cpu[i]);
			sums.span[at + 1] = sums.span[at] + known(cpu_span[i]);
		}
		return { order, start, badOrder, badStart, openOrder, openStart, ...sums };
	}

	/* Lanes for this view; whether anything has moved. */
	show(view, width) {
		const level = Math.floor(Math.log2((view.to - view.from) / Math.max(width, 1))),
			shown = [view.from, view.to, level, this.wanted].join();

		if (shown === this.shown) return false;
		this.shown = shown;
		if (!this.packed.has(level)) {
			if (this.packed.size >= PACKED_MAX) this.packed.delete(this.packed.keys().next().value);
			this.packed.set(level, this.pack(2 ** level));
		}
		if (this.packing !== this.packed.get(level)) {
			this.packing = this.packed.get(level);
			this.version = (this.version || 0) + 1; /* of lanes, for what is sorted by them */
			const { groups, ...rest } = this.packing;
			Object.assign(this, rest);
			groups.forEach((group, g) => Object.assign(this.groups[g], group));
		}
		this.place(view);
		if (view.from === 0 && view.to === view.until && !this.wanted) this.wholeHeight = this.height;
		return true;
	}

	/* ---- room ---- */

	isSeen(lane, view) {
		const { order, start, run } = this,
			at = lowerBound(start[lane], start[lane + 1], k => run.ends[order[k]] >= view.from);

		return at < start[lane + 1] && run.rows.began[order[at]] <= view.to;
	}

	/* Lanes of a group share its room; groups with few lanes leave theirs to the others. */
	place(view) {
		let room = LANES_HEIGHT;

		for (const group of this.groups) {
			group.seen = [];
			for (let lane = group.first; lane < group.end; lane++)
				if (this.isSeen(lane, view)) group.seen.push(lane);
			group.hasStrip = group.seen[group.seen.length - 1] === group.strip;
			group.isSeen = group.seen.length > 0 || Boolean(group.isFold && this.expanded);
			if (group.isSeen) room -= GROUP_GAP + (group.hasStrip ? STRIP_HEIGHT : 0);
		}
		const seen = this.groups.filter(group => group.isSeen),
			lanesOf = group => group.seen.length - group.hasStrip;
		[...seen]
			.sort((a, b) => lanesOf(a) - lanesOf(b))
			.forEach((group, k) => {
				const lanes = lanesOf(group),
					fitting = Math.floor(Math.max(0, room) / (seen.length - k) / Math.max(1, lanes));

				group.laneHeight = Math.max(LANE_MIN, Math.min(LANE_MAX, this.wanted || fitting));
				room -= lanes * group.laneHeight;
			});
		this.stack(seen);
	}

	stack(seen) {
		this.height = GROUP_GAP;
		this.laneSize.fill(0);
		for (const group of seen) {
			let y = (group.y = this.height);

			for (const lane of group.seen) {
				this.laneTop[lane] = y;
				this.laneSize[lane] = lane === group.strip ? STRIP_HEIGHT : group.laneHeight;
				y += this.laneSize[lane];
			}
			group.height = Math.max(group.isFold ? FOLD_HEIGHT : GROUP_MIN, y - group.y);
			this.height += group.height + GROUP_GAP;
		}
	}

	laneAt(y) {
		for (const group of this.groups) {
			if (!group.isSeen || y < group.y || y >= group.y + group.height) continue;
			return group.seen.find(lane => y < this.laneTop[lane] + this.laneSize[lane]) ?? -1;
		}
		return -1;
	}
}

/* Rows by lane: those of lane l are order[start[l]] up to order[start[l + 1]], in order of time. */
function sortedByLane(laneOf, lanes, wanted) {
	const start = new Int32Array(lanes + 1);

	for (let i = 0; i < laneOf.length; i++) if (wanted(i)) start[laneOf[i] + 1]++;
	for (let lane = 0; lane < lanes; lane++) start[lane + 1] += start[lane];
	const order = new Int32Array(start[lanes]),
		next = start.slice();
	for (let i = 0; i < laneOf.length; i++) if (wanted(i)) order[next[laneOf[i]]++] = i;
	return [order, start];
}
