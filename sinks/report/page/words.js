/* SPDX-License-Identifier: BSD-2-Clause */
/* Formats words and numbers, and makes untrusted strings safe to show. */
'use strict';

/* ---- numbers ---- */

const grouped = count => String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
const plural = (count, word) => grouped(count) + ' ' + word + (count === 1 ? '' : 's');
const short = (text, most) => (text.length > most ? text.slice(0, most - 1) + '…' : text);
const processes = count => grouped(count) + (count === 1 ? ' process' : ' processes');

function duration(ns) {
	const pad = number => String(number).padStart(2, '0');
	const s = Math.round(ns / 1e9),
		us = Math.round(ns / 1e3);

	if (!ns) return '0 s';
	if (us < 1000) return us + ' µs';
	if (ns < 9.95e6) return (ns / 1e6).toFixed(1) + ' ms';
	if (ns < 9.995e8) return Math.round(ns / 1e6) + ' ms';
	if (ns < 5.995e10) return (ns / 1e9).toFixed(1) + ' s';
	if (s < 3600) return Math.floor(s / 60) + 'm ' + pad(s % 60) + 's';
	if (s < 86400) return Math.floor(s / 3600) + 'h ' + pad(Math.floor(s / 60) % 60) + 'm';
	return Math.floor(s / 86400) + 'd ' + pad(Math.floor(s / 3600) % 24) + 'h';
}

function size(bytes) {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
	let i = 0;

	while (i < 6 && Math.round(bytes) >= 1024) {
		bytes /= 1024;
		i++;
	}
	return (i && bytes < 9.95 ? bytes.toFixed(1) : Math.round(bytes)) + ' ' + units[i];
}

const cores = value => (value < 0.995 ? value.toFixed(2) : value < 9.95 ? value.toFixed(1) : String(Math.round(value)));

/* A point in time: enough digits to distinguish it from its neighbours `step` away. */
function instant(ns, step) {
	const s = ns / 1e9;

	if (step < 1e3) return (ns / 1e3).toFixed(step < 100 ? 2 : 1) + ' µs';
	if (step < 1e6 || (step < 1e8 && s < 1))
		return +(ns / 1e6).toFixed(step < 1e4 ? 3 : step < 1e5 ? 2 : step < 1e6 ? 1 : 0) + ' ms';
	if (step < 1e9 && s < 60) return s.toFixed(step < 1e7 ? 3 : step < 1e8 ? 2 : 1) + ' s';
	const pad = number => String(number).padStart(2, '0');
	const whole = step < 1e9 ? Math.floor(s) : Math.round(s),
		rest = (s - whole).toFixed(step < 1e8 ? 2 : 1).slice(1);
	const clock = (Math.floor(whole / 60) % 60) + ':' + pad(whole % 60) + (step < 1e9 ? rest : '');

	if (s < 60) return whole + ' s';
	return whole < 3600 ? clock : Math.floor(whole / 3600) + ':' + clock.padStart(step < 1e9 ? 8 : 5, '0');
}

function when(realNs) {
	const date = new Date(realNs / 1e6);

	return isNaN(date) ? '' : date.toISOString().replace('T', ' ').slice(0, 19) + ' UTC';
}

/* ---- how it ended, in the summary's words ---- */

function endingText(outcome, code, signal, name) {
	const killed = !isNull(signal) && signal > 0;

	if (outcome === OOM) return 'OOM';
	if (killed) return /^[A-Z0-9+]+$/.test(name) ? name : 'signal ' + signal;
	if (!isNull(code)) return 'exit ' + code;
	return outcome === RUNNING ? 'running' : 'not seen';
}

/* ---- untrusted strings ---- */

/* Control characters, those that reverse or hide text, line separators, and noncharacters. */
const UNSAFE = new RegExp(
	'[\\0-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f' +
		'\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ue000-\\uf8ff\\ufdd0-\\ufdef\\ufe00-\\ufe0f\\ufeff' +
		'\\uffa0\\ufff0-\\uffff\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{10ffff}]',
	'gu'
);
const exact = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const hex = (number, width) => number.toString(16).padStart(width, '0');

function escaped(character) {
	const code = character.codePointAt(0);

	if (code === 10) return '\\n';
	if (code === 9) return '\\t';
	return code < 128 ? '\\x' + hex(code, 2) : code < 65536 ? '\\u' + hex(code, 4) : '\\U' + hex(code, 8);
}

/* Splits bytes into pieces of valid UTF-8 and single invalid bytes. */
function* pieces(bytes) {
	for (let at = 0; at < bytes.length; ) {
		const lead = bytes[at],
			length = lead < 128 ? 1 : lead >= 240 ? 4 : lead >= 224 ? 3 : 2;

		try {
			yield [exact.decode(bytes.subarray(at, at + length)), null];
			at += length;
		} catch {
			yield [null, lead];
			at++;
		}
	}
}

/* Puts a backslash before `quote`, as in a shell's $'...'. */
function safeText(bytes, quote) {
	const clean = text => (quote ? text.replace(quote, '\\$&') : text).replace(UNSAFE, escaped);

	try {
		return clean(exact.decode(bytes));
	} catch {
		let out = '';

		for (const [text, byte] of pieces(bytes)) out += text === null ? '\\x' + hex(byte, 2) : clean(text);
		return out;
	}
}

/* The items of a list, one a line. */
function safeLines(bytes) {
	return splitList(bytes)
		.map(item => safeText(item))
		.join('\n');
}

function isSafe(bytes) {
	try {
		return exact.decode(bytes).search(UNSAFE) < 0;
	} catch {
		return false;
	}
}

/* A shell argument: plain, 'quoted', or $'with \x1b escapes'. */
function shellWord(bytes) {
	if (!isSafe(bytes) || bytes.includes(39)) return "$'" + safeText(bytes, /['\\]/g) + "'";
	const text = exact.decode(bytes);

	return /^[\w@%+=:,./\u0080-\u{10ffff}-]+$/u.test(text) ? text : "'" + text + "'";
}

/* Splits concatenated strings, each ended by a NUL. */
function splitList(bytes) {
	const list = [];

	for (let from = 0, to; from < bytes.length; from = to + 1) {
		to = bytes.indexOf(0, from);
		to = to < 0 ? bytes.length : to;
		list.push(bytes.subarray(from, to));
	}
	return list;
}

/* For searching only: loses what is not UTF-8. */
const lossy = new TextDecoder();
const plainText = bytes => lossy.decode(bytes).replaceAll('\0', ' ');

const shellCommand = bytes => splitList(bytes).map(shellWord).join(' ');

function sameBytes(a, b) {
	return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const COMMAND_MAX = 600; /* more than a person reads in a table */

/* In short: without the program's folders, and a script's interpreter. */
function commandText(args, exe, most) {
	let list = splitList(args.subarray(0, 4 * most));

	for (let i = 1; exe && i < 3 && i < list.length; i++) {
		if (sameBytes(list[i], exe)) {
			list = list.slice(i);
			break;
		}
	}
	if (!list.length) return '';
	const slash = list[0].lastIndexOf(47);

	if (slash >= 0 && slash + 1 < list[0].length) list[0] = list[0].subarray(slash + 1);
	const text = list.map(shellWord).join(' ');
	return text.length > most || args.length > 4 * most ? text.slice(0, most) + '…' : text;
}

/* ---- elements ---- */

/* Text is only ever set as text: element('p', { className: 'note' }, 'some text', otherElement). */
function element(tag, properties, ...children) {
	const made = document.createElement(tag);

	for (const [name, value] of Object.entries(properties || {})) {
		if (name.includes('-') || name === 'role' || name === 'scope') made.setAttribute(name, value);
		else made[name] = value;
	}
	made.append(...children.filter(child => child !== null && child !== undefined && child !== ''));
	return made;
}

const byId = id => document.getElementById(id);
