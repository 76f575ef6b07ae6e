/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of any length that sort and filter: only visible rows are elements. */
'use strict';

const ROW_HEIGHT = 28,
	ROWS_AROUND = 8,
	ROWS_PRINTED = 60,
	ROWS_WRAPPED = 100; /* at first */

/* A column: label, value(i) to sort by, and text(i) or content(i) to show; `left` for words. */
class Table {
	constructor(name, columns, rows, options) {
		Object.assign(this, {
			name,
			columns,
			all: rows,
			rows,
			sortBy: options.sortBy,
			down: true,
			textOf: options.textOf,
			matcher: options.matcher,
			wrap: options.wrap, /* rows of any height; all are elements, as far as they are shown */
			choose: options.choose,
			classOf: options.classOf
		});
		this.active = 0;
		this.words = '';
		this.limit = ROWS_WRAPPED;
		this.build();
		this.sort();
	}

	build() {
		this.heads = this.columns.map((column, c) => {
			const button = element('button', { type: 'button', onclick: () => this.sortOn(c) }, column.label);

			return element(
				'th',
				{ scope: 'col', className: column.left ? 'left' : '', title: column.help || '' },
				button
			);
		});
		this.body = element('tbody');
		this.table = element(
			'table',
			{ 'aria-label': this.name },
			element(
				'colgroup',
				{},
				...this.columns.map(column => {
					const col = element('col');

					if (column.width) col.style.width = column.width + 'px';
					return col;
				})
			),
			element('thead', {}, element('tr', {}, ...this.heads)),
			this.body
		);
		this.box = element('div', { className: this.wrap ? 'table wrap' : 'table', tabIndex: -1 }, this.table);
		if (!this.wrap) this.box.addEventListener('scroll', () => this.later(), { passive: true });
		this.box.addEventListener('keydown', event => this.key(event));
		this.table.style.minWidth = this.columns.reduce((sum, column) => sum + (column.width || 260), 0) + 'px';
	}

	sortOn(c) {
		this.down = this.sortBy === c ? !this.down : !this.columns[c].left;
		this.sortBy = c;
		this.sort();
		this.box.scrollTop = 0;
	}

	sort() {
		const column = this.columns[this.sortBy],
			sign = this.down ? -1 : 1;

		this.heads.forEach((head, c) =>
			head.setAttribute('aria-sort', c !== this.sortBy ? 'none' : this.down ? 'descending' : 'ascending')
		);
		if (column.left) {
			const order = new Intl.Collator('en', { numeric: true });

			this.rows = Array.from(this.rows).sort(
				(a, b) => sign * order.compare(column.value(a), column.value(b)) || a - b
			);
		} else {
			this.rows = Array.from(this.rows).sort((a, b) => sign * (column.value(a) - column.value(b)) || a - b);
		}
		this.render();
	}

	filter(words) {
		const matches = this.matcher ? this.matcher(words) : this.everyWord(words);

		this.words = words;
		this.rows = matches ? this.all.filter(matches) : this.all;
		this.active = 0;
		this.box.scrollTop = 0;
		this.sort();
	}

	everyWord(words) {
		const wanted = words
			.toLowerCase()
			.split(/\s+/)
			.filter(word => word);

		return i => {
			const text = this.textOf(i);
			return wanted.every(word => text.includes(word));
		};
	}

	later() {
		this.pending ??= requestAnimationFrame(() => {
			this.pending = null;
			this.render();
		});
	}

	/* The row that has the focus keeps it, if it is drawn again. */
	render() {
		const focused = this.body.contains(document.activeElement);

		if (this.wrap) this.renderWrapped();
		else this.renderSeen();
		this.table.setAttribute('aria-rowcount', this.rows.length + 1);
		if (!this.rows.length)
			this.body.append(
				element(
					'tr',
					{ className: 'empty' },
					element('td', { colSpan: this.columns.length }, this.words ? 'Nothing matches.' : 'None.')
				)
			);
		if (focused) this.body.querySelector('tr[tabindex="0"]')?.focus({ preventScroll: true });
	}

	renderWrapped() {
		const shown = Math.min(this.limit, this.rows.length),
			more = () => {
				this.limit += 10 * ROWS_WRAPPED;
				this.render();
			};

		this.body.replaceChildren(...Array.from({ length: shown }, (_, at) => this.row(at)));
		if (shown < this.rows.length)
			this.body.append(
				element(
					'tr',
					{ className: 'empty' },
					element(
						'td',
						{ colSpan: this.columns.length },
						element('button', { type: 'button', onclick: more }, grouped(this.rows.length - shown) + ' more')
					)
				)
			);
	}

	renderSeen() {
		const height = this.box.clientHeight || 480,
			first = Math.max(0, Math.floor(this.box.scrollTop / ROW_HEIGHT) - ROWS_AROUND);
		const last = Math.min(this.rows.length, first + Math.ceil(height / ROW_HEIGHT) + 2 * ROWS_AROUND),
			shown = [];

		for (let at = first; at < last; at++) shown.push(this.row(at));
		this.body.replaceChildren(this.spacer(first), ...shown, this.spacer(this.rows.length - last));
	}

	spacer(rows) {
		const cell = element('td', { colSpan: this.columns.length }),
			made = element('tr', { className: 'spacer', 'aria-hidden': 'true' }, cell);

		cell.style.height = rows * ROW_HEIGHT + 'px';
		made.hidden = !rows;
		return made;
	}

	row(at) {
		const i = this.rows[at],
			cells = this.columns.map((column, c) =>
				element(
					column.head ? 'th' : 'td',
					{
						className: (column.left ? 'left' : '') + (column.mono ? ' mono' : ''),
						...(column.head ? { scope: 'row' } : {})
					},
					column.content ? column.content(i) : column.text(i)
				)
			);

		const made = element(
			'tr',
			{ 'aria-rowindex': at + 2, className: this.classOf ? this.classOf(i) : '' },
			...cells
		);
		if (this.choose) {
			made.tabIndex = at === this.active ? 0 : -1;
			made.onclick = () => {
				this.active = at;
				this.choose(i);
			};
		}
		return made;
	}

	key(event) {
		const page = Math.max(1, Math.floor(this.box.clientHeight / ROW_HEIGHT) - 2);
		const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };

		if (!this.choose || !event.target.closest('tbody')) return;
		if (event.key === 'Enter' || event.key === ' ') {
			event.preventDefault();
			this.choose(this.rows[this.active]);
		} else if (event.key in moves) {
			event.preventDefault();
			this.active = Math.max(0, Math.min(this.rows.length - 1, this.active + moves[event.key]));
			this.showActive();
		}
	}

	showActive() {
		if (this.wrap) {
			this.limit = Math.max(this.limit, this.active + 1);
			this.render();
			this.body.querySelector('tr[tabindex="0"]')?.focus();
			return;
		}
		const top = this.active * ROW_HEIGHT,
			height = this.box.clientHeight - 2 * ROW_HEIGHT;

		if (top < this.box.scrollTop) this.box.scrollTop = top;
		else if (top > this.box.scrollTop + height) this.box.scrollTop = top - height;
		this.render();
		this.body.querySelector('tr[tabindex="0"]')?.focus();
	}

	/* For printing: all failures, and of the others the first rows in the current order. */
	printed() {
		const rows = this.wrap ? this.rows : this.rows.slice(0, ROWS_PRINTED),
			more = this.rows.length - rows.length;

		return element(
			'section',
			{},
			element('h2', {}, this.name),
			element(
				'table',
				{},
				element(
					'thead',
					{},
					element(
						'tr',
						{},
						...this.columns.map(column =>
							element('th', { className: column.left ? 'left' : '' }, column.label)
						)
					)
				),
				element('tbody', {}, ...rows.map((_, at) => this.row(at)))
			),
			more ? element('p', { className: 'note' }, 'and ' + grouped(more) + ' more') : ''
		);
	}
}
