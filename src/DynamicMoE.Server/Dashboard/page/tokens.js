// Generated tokens, each with the experts that it used: as colour, as underline, as title and as a row of a table.
import { make } from './dom.js';
import { decimal } from './format.js';

const levels = 5;

// Level of a mean number of experts between the fewest and those of the training.
export const level = (experts, range) => range.most > range.least
  ? Math.max(0, Math.min(levels - 1, Math.round((levels - 1) * (experts - range.least) / (range.most - range.least))))
  : 0;

export function showLegend(box, range) {
  const steps = range.most > range.least ? Array.from({ length: levels }, (_, i) => range.least + ((range.most - range.least) * i / (levels - 1))) : [range.least];
  box.replaceChildren(...steps.map(experts => make('span', { className: `token level-${level(experts, range)}`, textContent: decimal(experts) })));
}

export class TokenText {
  #box; #list; #range;
  #waiting = [];
  #sum = 0;
  #count = 0;
  #frame = 0;

  constructor(box, list) {
    [this.#box, this.#list] = [box, list];
  }

  get count() { return this.#count; }

  get mean() { return this.#count === 0 ? null : this.#sum / this.#count; }

  begin(prompt, range) {
    cancelAnimationFrame(this.#frame);
    [this.#range, this.#waiting, this.#sum, this.#count, this.#frame] = [range, [], 0, 0, 0];
    this.#box.replaceChildren(make('span', { className: 'asked', textContent: prompt }));
    this.#list.replaceChildren();
  }

  // text may be empty: a character can be made of several tokens.
  add(text, experts) {
    this.#count++;
    this.#sum += experts;
    this.#waiting.push({ text, experts, number: this.#count });
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.flush());
  }

  flush() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const follow = this.#box.scrollTop + this.#box.clientHeight >= this.#box.scrollHeight - 30;
    const parts = this.#waiting.splice(0);
    this.#box.append(...parts.filter(part => part.text !== '').map(({ text, experts, number }) =>
      make('span', { className: `token level-${level(experts, this.#range)}`, title: `token ${number}: ${decimal(experts)} experts`, textContent: text })));
    this.#list.append(...parts.map(({ text, experts, number }) =>
      make('tr', {}, make('td', { textContent: `${number}` }), make('td', { textContent: visible(text) }), make('td', { textContent: decimal(experts) }))));
    if (follow) this.#box.scrollTop = this.#box.scrollHeight;
  }

  end(mark) {
    this.flush();
    if (mark) this.#box.append(make('span', { className: 'mark', textContent: ` [${mark}]` }));
  }
}

const visible = text => text === '' ? '(part of a character)' : text.replace(/\n/g, '⏎').replace(/\t/g, '⇥').replace(/ /g, '␣');
