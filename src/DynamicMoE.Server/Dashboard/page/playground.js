// Text from a prompt, with the quality that the visitor sets.
import { call, events, problem } from './api.js';
import { byId, setText } from './dom.js';
import { count, decimal } from './format.js';
import { TokenText, showLegend } from './tokens.js';

export class Playground {
  #text = new TokenText(byId('answer'), byId('list'));
  #range = { least: 1, most: 2 };
  #running = null;
  #ask;

  // ask(why) resolves when there is another key.
  constructor(ask) {
    this.#ask = ask;
    byId('ask').addEventListener('submit', event => { event.preventDefault(); void this.#generate(); });
    byId('stop').addEventListener('click', () => this.#running?.abort());
    byId('quality').addEventListener('input', () => {
      document.querySelector('input[name=dial][value=own]').checked = true;
      this.#tellQuality();
    });
    byId('ask').addEventListener('change', () => this.#tellQuality());
    this.serve(null);
  }

  // What is served, as /v1/models has it; null: not known yet.
  serve(model) {
    const details = model?.dynamicmoe;
    if (details?.layers.length > 0) {
      const mean = of => details.layers.reduce((sum, layer) => sum + of(layer), 0) / details.layers.length;
      this.#range = { least: mean(layer => layer.min_experts), most: mean(layer => layer.trained_experts) };
      byId('most').max = details.max_positions || 1;
    }
    byId('send').disabled = this.#running !== null || details?.generates === false;
    if (details?.generates === false) this.#fail('What is served routes only; it does not generate text.');
    showLegend(byId('legend'), this.#range);
    this.#tellQuality();
  }

  #dial() {
    return document.querySelector('input[name=dial]:checked').value === 'own' ? Number(byId('quality').value) : null;
  }

  #tellQuality() {
    const quality = this.#dial(), { least, most } = this.#range;
    byId('quality').setAttribute('aria-valuetext', `${byId('quality').value}${quality === null ? ', not in use' : ''}`);
    setText(byId('quality-text'), quality === null ? 'the service decides' : `${decimal(quality)}: about ${decimal(least + (quality * (most - least)))} experts`);
  }

  #fail(why) {
    byId('trouble').hidden = why === null;
    setText(byId('trouble'), why ?? '');
  }

  #busy(running) {
    this.#running = running;
    byId('send').disabled = running !== null;
    byId('stop').disabled = running === null;
    // A button that is switched off loses the focus to nowhere.
    if (document.activeElement === document.body || document.activeElement?.disabled) byId(running ? 'stop' : 'send').focus({ preventScroll: true });
  }

  async #generate() {
    if (this.#running !== null) return;
    const prompt = byId('prompt').value, quality = this.#dial(), stop = new AbortController();
    this.#fail(null);
    this.#busy(stop);
    this.#text.begin(prompt, this.#range);
    setText(byId('answer-facts'), 'waiting for the first token');
    const body = { prompt, max_tokens: Number(byId('most').value), temperature: Number(byId('temperature').value), stream: true, include_experts: true };
    if (quality !== null) body.quality = quality;
    const begun = performance.now();
    let end = '';
    try {
      end = await this.#receive(await call('v1/completions', { body, signal: stop.signal }), begun);
    } catch (error) {
      end = stop.signal.aborted ? 'stopped' : 'broken off';
      if (!stop.signal.aborted) this.#fail(error.message);
      if (error.status === 401) void this.#ask(error.message);
    }
    this.#text.end(end === 'length' || end === 'stop' ? '' : end);
    this.#tell(begun, { length: 'most tokens reached', stop: 'ended by itself' }[end] ?? end);
    this.#busy(null);
  }

  async #receive(response, begun) {
    const ceiling = response.headers.get('DynamicMoE-Experts-Ceiling');
    let end = '', told = 0;
    for await (const event of events(response)) {
      if (event.data === '[DONE]') return end;
      const document = JSON.parse(event.data);
      if (event.name === 'error') throw new Error(problem(document));
      const choice = document.choices?.[0], experts = choice?.dynamicmoe?.experts;
      if (experts?.length > 0) this.#text.add(choice.text, experts.reduce((a, b) => a + b, 0) / experts.length);
      end = choice?.finish_reason ?? end;
      if (performance.now() - told > 200) {
        told = performance.now();
        this.#tell(begun, ceiling === null ? '' : `overload ceiling ${ceiling}`);
      }
    }
    throw new Error('The answer was cut off.');
  }

  #tell(begun, more) {
    const { count: tokens, mean } = this.#text, seconds = (performance.now() - begun) / 1000;
    const parts = [`mean experts ${decimal(mean)}`, `${count(tokens)} tokens`, `${decimal(tokens / seconds, 1)} tokens per second`, more];
    byId('answer-facts').dataset.mean = mean ?? '';
    setText(byId('answer-facts'), parts.filter(part => part !== '').join(' · '));
  }
}
