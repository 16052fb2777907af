// Asks for the key when the service wants one.
import { hasKey, setKey } from './api.js';
import { byId, setText } from './dom.js';

export class KeyBox {
  #box = byId('key-box');
  #waiting = [];

  constructor() {
    byId('key-form').addEventListener('submit', event => {
      event.preventDefault();
      setKey(byId('key').value.trim());
      this.#done();
    });
    byId('key-later').addEventListener('click', () => this.#box.close());
    byId('forget').addEventListener('click', () => {
      setKey(null);
      location.reload();
    });
    // Escape closes the box too; without a key nothing goes on, so that it can be opened again.
    this.#box.addEventListener('close', () => { if (this.#waiting.length > 0) byId('enter-key').hidden = false; });
    byId('enter-key').addEventListener('click', () => this.#box.showModal());
    byId('forget').hidden = !hasKey();
  }

  // Resolves when there is a new key.
  ask(why) {
    setText(byId('key-why'), `${why} The key is kept until this tab is closed.`);
    if (!this.#box.open) this.#box.showModal();
    return new Promise(resume => this.#waiting.push(resume));
  }

  #done() {
    byId('key').value = '';
    byId('forget').hidden = false;
    byId('enter-key').hidden = true;
    const waiting = this.#waiting.splice(0);
    this.#box.close();
    waiting.forEach(resume => resume());
  }
}
