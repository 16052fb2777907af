// The numbers of the heat map as a table, for those who cannot see it or want to copy them.
import { make, setText } from './dom.js';
import { count, percent } from './format.js';

export class HeatTable {
  #box; #button;
  #shape = '';
  #drawn = 0;

  constructor(box, button, refresh) {
    [this.#box, this.#button] = [box, button];
    button.addEventListener('click', () => {
      box.hidden = !box.hidden;
      button.setAttribute('aria-expanded', String(!box.hidden));
      setText(button, box.hidden ? 'Show table' : 'Hide table');
      this.#drawn = 0;
      refresh();
    });
  }

  show(rows) {
    // Thousands of cells: only while somebody looks, and not for every snapshot.
    if (this.#box.hidden || performance.now() - this.#drawn < 1900) return;
    this.#drawn = performance.now();
    const experts = Math.max(0, ...rows.map(row => row.shares.length)), shape = `${rows.length}x${experts}`;
    if (shape !== this.#shape) this.#build(rows, experts);
    this.#shape = shape;
    const lines = this.#box.querySelectorAll('tbody tr');
    rows.forEach((row, l) => {
      setText(lines[l].children[1], count(row.routes));
      row.shares.forEach((share, e) => setText(lines[l].children[e + 2], percent(share)));
    });
  }

  #build(rows, experts) {
    const head = make('tr', {}, ...['Layer', 'Routes', ...Array.from({ length: experts }, (_, e) => `Expert ${e}`)].map(text => make('th', { scope: 'col', textContent: text })));
    const body = rows.map(row => make('tr', {}, make('th', { scope: 'row', textContent: `${row.index}` }), ...Array.from({ length: experts + 1 }, () => make('td'))));
    this.#box.replaceChildren(make('table', {}, make('caption', { className: 'unseen', textContent: 'Share of routes per expert' }), make('thead', {}, head), make('tbody', {}, ...body)));
  }
}
