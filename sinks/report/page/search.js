/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds processes by what they are called, how they ended, exit codes, signals and pids. */
'use strict';

const SEARCH_HELP =
	'Name, argument, step or pid; failed, killed, oom, hidden, suspected, retried, ignored, muted, timed out, running, not seen, ' +
	'ok; exit:127 or 127; SIGSEGV or signal:11; "words together". What is separated by blanks must all match.';

/* Words for how a process ended. They also match a name or an argument, but only as a whole word. */
const ENDINGS = {
	failed: (run, i) => run.bad(i),
	killed: (run, i) => run.rows.outcome[i] === KILLED,
	oom: (run, i) => run.rows.outcome[i] === OOM,
	'out of memory': (run, i) => run.rows.outcome[i] === OOM,
	running: (run, i) => run.rows.outcome[i] === RUNNING,
	unknown: (run, i) => run.isLost(i),
	'not seen': (run, i) => run.isLost(i),
	replaced: (run, i) => !run.has(i, FLAGS.last),
	ok: (run, i) => run.rows.outcome[i] === OK,
	hidden: (run, i) => run.has(i, FLAGS.hidden),
	suspected: (run, i) => run.has(i, FLAGS.suspected),
	retried: (run, i) => run.has(i, FLAGS.retried),
	muted: (run, i) => run.has(i, FLAGS.muted),
	ignored: (run, i) => run.has(i, FLAGS.ignored),
	'core dumped': (run, i) => run.has(i, FLAGS.core),
	'passed on': (run, i) => run.has(i, FLAGS.propagated),
	'timed out': (run, i) => run.text(run.rows.how[i]).includes('timed out')
};

/* "exit:127" and what the page shows, "exit 127". */
const FIELDS = {
	exit: (run, i, value) => String(run.rows.exit_code[i]) === value,
	pid: (run, i, value) => String(run.rows.pid[i]) === value,
	signal: (run, i, value) => {
		const name = run.text(run.rows.signal_name[i]).toLowerCase();

		return run.rows.signal[i] > 0 && (String(run.rows.signal[i]) === value || name === value || name === 'sig' + value);
	}
};

const TERM = new RegExp(
	'"([^"]*)"?|\\b(' + Object.keys(ENDINGS).join('|') + ')(?=\\s|$)|' +
		'\\b(' + Object.keys(FIELDS).join('|') + ')(?::| (?=\\d))(\\S+)|(\\S+)',
	'g'
);

const isWordIn = (text, word) => (' ' + text + ' ').split(/[^\p{L}\p{N}_]+/u).includes(word);

/* Its arguments, or its step and which execution of that; a quote is of the command as the page shows it. */
function hasText(run, i, words, test) {
	return (
		test(run.searched(i), words) ||
		test(run.step(i).toLowerCase(), words) ||
		(words.includes("'") && test(run.command(i).toLowerCase(), words))
	);
}

const includes = (text, words) => text.includes(words);

function termOf(run, [, phrase, ending, field, value, word]) {
	if (phrase !== undefined) return i => hasText(run, i, phrase, includes);
	if (ending) return i => ENDINGS[ending](run, i) || hasText(run, i, ending, ending.includes(' ') ? includes : isWordIn);
	if (field) return i => FIELDS[field](run, i, value);
	if (/^\d+$/.test(word))
		return i => FIELDS.exit(run, i, word) || FIELDS.pid(run, i, word) || hasText(run, i, word, isWordIn);
	if (/^sig[a-z]+/.test(word))
		return i =>
			FIELDS.signal(run, i, word) ||
			isWordIn(run.text(run.rows.how[i]).toLowerCase(), word) ||
			hasText(run, i, word, isWordIn);
	return i => hasText(run, i, word, includes);
}

/* Whether process i, by its last program, or one that this replaced, matches. */
function processMatcherOf(run, words) {
	const matches = matcherOf(run, words);

	return (
		matches &&
		(i => {
			for (; i >= 0; i = run.before(i)) if (matches(i)) return true;
			return false;
		})
	);
}

/* Whether row i matches; null if there is nothing to search. */
function matcherOf(run, words) {
	const terms = Array.from(words.trim().toLowerCase().matchAll(TERM), found => termOf(run, found));

	return terms.length ? i => terms.every(term => term(i)) : null;
}

/* The box of the timeline, beside it the number of matches, which lists them in the table. */
function searchBox(run, timeline, tabs) {
	const box = byId('search'),
		matches = byId('matches'),
		none = byId('no-match');
	let next = 0,
		waiting = 0;

	byId('search-help').textContent = SEARCH_HELP;
	const find = () => {
		clearTimeout(waiting);
		waiting = 0;
		const words = box.value.trim(),
			count = timeline.find(words);

		next = 0;
		matches.hidden = !count;
		matches.textContent = count === 1 ? '1 match' : grouped(count) + ' matches';
		none.textContent = words && !count ? 'No process matches “' + words + '”.' : '';
	};
	box.addEventListener('input', () => {
		clearTimeout(waiting);
		waiting = setTimeout(find, run.count > 20000 ? 150 : 0);
	});
	box.addEventListener('keydown', event => {
		if (event.key !== 'Enter') return;
		if (waiting) find();
		if (!timeline.foundRows?.length) return;
		timeline.show(timeline.foundRows[next++ % timeline.foundRows.length], false);
		box.focus();
	});
	matches.title = 'List them in the table';
	matches.onclick = () => tabs.show('processes', box.value);
}
