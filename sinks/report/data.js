/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the columns that sinks/report/data.h describes: base64 -> inflate -> varints -> typed arrays. */
'use strict';

const FLAGS = { forked: 1, last: 2, root: 4, older: 8, benign: 16, passedOn: 32, core: 64, hidden: 128, cut: 256 };
const OUTCOMES = ['unknown', 'ok', 'failed', 'killed', 'oom', 'running'];
const UNKNOWN = 0,
	OK = 1,
	FAILED = 2,
	KILLED = 3,
	OOM = 4,
	RUNNING = 5;

/* A null number is kept as -1 - reason, which no figure is. */
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
		for (let i = 0; i < this.missing.reason.length; i++)
			this.reasons.set(this.missing.reason[i], this.text(this.missing.text[i]));
		this.ends = this.rows.began.map((began, i) => this.endOf(began, i));
		for (let i = 0; i < this.count; i++) if (this.ends[i] > this.until) this.until = this.ends[i];
	}

	/* Where a bar ends: one that still ran goes on to the end, one whose end is not known has none. */
	endOf(began, i) {
		const wall = this.rows.wall[i];

		if (!isNull(wall)) return began + wall;
		return Math.max(began, this.rows.outcome[i] === RUNNING ? this.runs.until[this.rows.run[i]] : 0);
	}

	bytes(number) {
		return number > 0 ? this.strings[number - 1] : null;
	}

	/* Safe to show; '' where there is none. */
	text(number) {
		if (number <= 0) return '';
		return (this.texts[number - 1] ??= safeText(this.strings[number - 1]));
	}

	reason(value) {
		return this.reasons.get(-1 - value) || 'the reason is not known';
	}

	has(i, flag) {
		return (this.rows.flags[i] & flag) !== 0;
	}

	bad(i) {
		const outcome = this.rows.outcome[i];

		return outcome === FAILED || outcome === KILLED || outcome === OOM;
	}

	/* What it executed, as people read it. */
	command(i) {
		const args = this.rows.args[i];
		const text = args ? this.commandOf(args, this.rows.exe[i]) : '[' + this.text(this.rows.name[i]) + ']';

		return this.has(i, FLAGS.forked) ? 'fork of ' + text : text;
	}

	commandOf(args, exe) {
		return (this.commands_[args] ??= commandText(this.bytes(args), this.bytes(exe)));
	}

	/* What a failure is about: a fork that could not execute its program is about that program. */
	subject(i) {
		return this.has(i, FLAGS.forked) && this.rows.tried[i]
			? this.commandOf(this.rows.tried[i], 0)
			: this.command(i);
	}

	ending(i) {
		const rows = this.rows;

		return endingText(rows.outcome[i], rows.exit_code[i], rows.signal[i], this.text(rows.signal_name[i]));
	}

	/* What a search looks at: the arguments with a blank between, as they are; decoded once. */
	searched(i) {
		const args = this.rows.args[i];

		if (!args) return this.text(this.rows.name[i]).toLowerCase();
		return (this.lower[args] ??= plainText(this.bytes(args)).toLowerCase());
	}

	matches(i, words) {
		return (
			this.searched(i).includes(words) ||
			String(this.rows.pid[i]) === words ||
			(words.includes("'") && this.command(i).toLowerCase().includes(words))
		);
	}
}
