/* SPDX-License-Identifier: BSD-2-Clause */
/* The page's address names the process that is open: #process=PID-START, and -IMAGE if it is not the last program of it. */
'use strict';

/* Its start on the boot clock, as in the streams; exact, also where a double is not. */
function startOf(run, i) {
	const { began, age } = run.rows,
		r = run.rows.run[i];

	return BigInt(run.text(run.runs.first[r])) + BigInt(began[i] - age[i] - run.runs.began[r]);
}

function linkOf(run, i) {
	return (
		'#process=' + run.rows.pid[i] + '-' + startOf(run, i) + (run.has(i, FLAGS.last) ? '' : '-' + run.rows.image[i])
	);
}

/* The row that an address names: -1 for none, -2 for one that is not in this report. */
function linkedRow(run, hash) {
	const named = /^#process=(\d+)-(\d+)(?:-(\d+))?$/.exec(hash);

	if (!named) return -1;
	for (let i = 0; i < run.count; i++)
		if (String(run.rows.pid[i]) === named[1] && linkOf(run, i) === hash) return i;
	return -2;
}

/* Keeps the address and the pane in step, with back and forward. */
class Links {
	constructor(run, detail, reveal) {
		this.run = run;
		this.detail = detail;
		this.reveal = reveal;
		detail.onClose = () => this.push(location.pathname + location.search);
		addEventListener('hashchange', () => this.follow());
	}

	push(address) {
		if (location.href !== new URL(address, location.href).href) history.pushState(null, '', address);
	}

	open(i) {
		this.push(linkOf(this.run, i));
		this.reveal(i);
		this.detail.show(i);
	}

	/* Shows what the address names. */
	follow() {
		const i = linkedRow(this.run, location.hash);

		if (i >= 0) {
			byId('time').scrollIntoView({ block: 'start' });
			this.reveal(i);
			this.detail.show(i);
		} else if (i === -2) {
			this.detail.showMissing(location.hash.slice('#process='.length));
		} else {
			this.detail.hide();
		}
	}
}
