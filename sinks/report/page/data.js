/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the columns that sinks/report/data.h describes: base64 -> inflate -> varints -> typed arrays. */
'use strict';

const FLAGS = { forked: 1, last: 2, endsRun: 4, preexisting: 8, benign: 16, propagated: 32, core: 64, hidden: 128, cut: 256,
	retried: 512, muted: 1024, subshell: 2048, ignored: 4096, suspected: 8192 };
const OUTCOMES = ['unknown', 'ok', 'failed', 'killed', 'oom', 'running'];
const UNKNOWN = 0,
	OK = 1,
	FAILED = 2,
	KILLED = 3,
	OOM = 4,
	RUNNING = 5;

/* enum stream_life */
const LIFE = { ended: 0, unknown: 1, crashed: 2, running: 3 };

/* A null is kept as -1 - reason: figures are never negative. */
const isNull = value => value < 0;
const known = value => (value < 0 ? 0 : value);

async function inflate(base64) {
	const text = atob(base64),
		bytes = new Uint8Array(text.length);

	for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
	const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
	return new Uint8Array(await new Response(stream).arrayBuffer());
}

class Reader {
	constructor(bytes) {
		this.bytes = bytes;
		this.at = 0;
	}

	number() {
		let byte = this.bytes[this.at++],
			value = byte & 127,
			unit = 128;

		while (byte > 127) {
			byte = this.bytes[this.at++];
			value += (byte & 127) * unit;
			unit *= 128;
		}
		return value;
	}

	string() {
		const length = this.number();

		this.at += length;
		return this.bytes.subarray(this.at - length, this.at);
	}

	numbers(count) {
		const values = new Float64Array(count);

		for (let i = 0; i < count; i++) {
			const coded = this.number();

			values[i] = coded % 2 ? -1 - (coded - 1) / 2 : coded / 2;
		}
		return values;
	}

	deltas(count) {
		const values = new Float64Array(count);
		let value = 0;

		for (let i = 0; i < count; i++) {
			const coded = this.number();

			value += coded % 2 ? -(coded + 1) / 2 : coded / 2;
			values[i] = value;
		}
		return values;
	}

	strings(count) {
		return Array.from({ length: count }, () => this.string());
	}
}

/* Tables of columns by name: tables.rows.cpu[i]. */
function readTables(bytes) {
	const reader = new Reader(bytes),
		tables = {},
		ascii = new TextDecoder();

	while (reader.at < bytes.length) {
		const [table, ...column] = ascii.decode(reader.string()).split('.');
		const kind = String.fromCharCode(bytes[reader.at++]),
			count = reader.number();
		const values =
			kind === 's' ? reader.strings(count) : kind === 'd' ? reader.deltas(count) : reader.numbers(count);

		tables[table] ??= {};
		if (column.length) tables[table][column.join('_')] = values;
		else tables[table] = values;
	}
	return tables;
}

/* The run as the rest of the page sees it. */
class Run {
	constructor(tables) {
		Object.assign(this, tables);
		this.count = this.rows.began.length;
		this.texts = new Array(this.strings.length);
		this.commands_ = [];
		this.lower = [];
		this.until = 1000;
		this.reasons = new Map();
		this.taskOf = new Map(Array.from(this.tasks.number, (number, t) => [this.taskKey(this.tasks.run[t], number), t]));
		for (let i = 0; i < this.missing.reason.length; i++)
			this.reasons.set(this.missing.reason[i], this.text(this.missing.text[i]));
		this.next = this.nextOf(this.rows);
		this.ends = this.rows.began.map((began, i) => this.endOf(began, i));
		for (let i = 0; i < this.count; i++) if (this.ends[i] > this.until) this.until = this.ends[i];
	}

	/* Of each program that an exec replaced in its process, the number of the one that did; 0 of the last. */
	nextOf({ image, parent }) {
		const next = new Uint32Array(this.count);

		for (let i = 0; i < this.count; i++) if (image[i] > 1 && parent[i]) next[parent[i] - 1] = i + 1;
		return next;
	}

	/* The last program of i's process. */
	lastOf(i) {
		while (this.next[i]) i = this.next[i] - 1;
		return i;
	}

	/* The program that it replaced; -1 if it is the first, or that one is not in this report. */
	before(i) {
		return this.rows.image[i] > 1 ? this.rows.parent[i] - 1 : -1;
	}

	/* The programs that its process executed before it, the latest first. */
	*earlier(i) {
		for (let k = this.before(i); k >= 0; k = this.before(k)) yield k;
	}

	/* Where a bar ends: at the run's end if still running; at its begin if the end is not known. */
	endOf(began, i) {
		const wall = this.rows.wall[i];

		if (!isNull(wall)) return began + wall;
		return Math.max(began, this.rows.outcome[i] === RUNNING ? this.runs.until[this.rows.run[i]] : 0);
	}

	bytes(number) {
		return number > 0 ? this.strings[number - 1] : null;
	}

	/* Safe to show; '' if there is none. */
	text(number) {
		if (number <= 0) return '';
		return (this.texts[number - 1] ??= safeText(this.strings[number - 1]));
	}

	taskKey(run, number) {
		return run * 2 ** 32 + number;
	}

	/* Which execution of its step: as its rule names it, else ''. */
	taskId(i) {
		return this.ofTask(i, this.tasks.id);
	}

	ofTask(i, column) {
		const t = this.taskOf.get(this.taskKey(this.rows.run[i], this.rows.task[i]));

		return t === undefined ? '' : this.text(column[t]);
	}

	/* Its step, and which execution of it; then those around it. */
	step(i) {
		const id = this.taskId(i),
			step = this.text(this.rows.step[i]),
			within = this.ofTask(i, this.tasks.within);

		return step + (id && id !== step && id !== step + ':' ? ' (' + id + ')' : '') + (within ? ', within ' + within : '');
	}

	reason(value) {
		return this.reasons.get(-1 - value) || 'the reason is not known';
	}

	/* Its end was not seen; that of a program which another one replaced is known. */
	isLost(i) {
		return this.rows.outcome[i] === UNKNOWN && this.has(i, FLAGS.last);
	}

	has(i, flag) {
		return (this.rows.flags[i] & flag) !== 0;
	}

	bad(i) {
		const outcome = this.rows.outcome[i];

		return (
			(outcome === FAILED || outcome === KILLED || outcome === OOM) &&
			!this.has(i, FLAGS.retried | FLAGS.ignored | FLAGS.suspected)
		);
	}

	/* CPUs busy on average while its CPU time was counted; negative: not known. */
	busy(i) {
		const { cpu, cpu_span } = this.rows;

		return isNull(cpu[i]) || isNull(cpu_span[i]) || !cpu_span[i] ? -1 : cpu[i] / cpu_span[i];
	}

	/* The command, in short: at most COMMAND_MAX characters. */
	command(i) {
		const { args, exe } = this.rows;

		return this.called(i, (this.commands_[args[i]] ??= this.wholeOf(args[i], exe[i], COMMAND_MAX)));
	}

	/* The same, whole: of a failure nothing is cut. */
	whole(i) {
		return this.called(i, this.wholeOf(this.rows.args[i], this.rows.exe[i]));
	}

	called(i, text) {
		text ||= '[' + this.text(this.rows.name[i]) + ']';
		if (!this.has(i, FLAGS.forked)) return text;
		return (this.has(i, FLAGS.subshell) ? 'a subshell of ' : 'fork of ') + text;
	}

	wholeOf(args, exe, most = Infinity) {
		return args ? commandText(this.bytes(args), this.bytes(exe), most) : '';
	}

	/* The command of a failure: of a fork that could not execute its program, that program. */
	subject(i) {
		return this.has(i, FLAGS.forked) && this.rows.tried[i] ? this.wholeOf(this.rows.tried[i], 0) : this.whole(i);
	}

	ending(i) {
		const rows = this.rows;

		if (!this.has(i, FLAGS.last)) return 'replaced';
		return endingText(rows.outcome[i], rows.exit_code[i], rows.signal[i], this.text(rows.signal_name[i]));
	}

	/* The text to search: the arguments, separated by blanks; decoded once. */
	searched(i) {
		const args = this.rows.args[i];

		if (!args) return this.text(this.rows.name[i]).toLowerCase();
		return (this.lower[args] ??= plainText(this.bytes(args)).toLowerCase());
	}
}
