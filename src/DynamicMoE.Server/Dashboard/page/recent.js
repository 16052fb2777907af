// Counts of the recent past: the difference between a snapshot and an older one. One snapshot a second is kept.
const kept = 61;

export class Recent {
  #past = [];

  add(now, stats) {
    const sample = {
      time: now,
      layers: stats.layers.map(layer => ({ index: layer.index, counts: layer.expert_shares.map(share => share * layer.routes), routes: layer.routes })),
      tokens: [...stats.experts_per_token],
      batchTokens: stats.queue.batch_tokens,
    };
    const newest = this.#past.at(-1);
    if (newest && !continues(newest, sample)) this.#past = [];
    if (this.#past.length === 0 || now - this.#past.at(-1).time >= 950) {
      this.#past.push(sample);
      if (this.#past.length > kept + 1) this.#past.shift();
    }
    this.#newest = sample;
  }

  #newest = null;

  // What happened in the last so many seconds; 0: all.
  since(seconds) {
    const last = this.#newest;
    if (last === null) return null;
    const first = seconds === 0 ? null : this.#from(last.time - (1000 * seconds));
    return {
      seconds: first ? (last.time - first.time) / 1000 : null,
      layers: last.layers.map((layer, l) => share(layer, first?.layers[l])),
      tokens: last.tokens.map((n, k) => n - (first?.tokens[k] ?? 0)),
      batchTokens: last.batchTokens - (first?.batchTokens ?? 0),
    };
  }

  #from(time) {
    let found = this.#past[0];
    for (const sample of this.#past) {
      if (sample.time > time) break;
      found = sample;
    }
    return found;
  }
}

// Whether a snapshot counts on from an older one: the same model of the same process.
const continues = (older, newer) => newer.batchTokens >= older.batchTokens && newer.layers.length === older.layers.length
  && newer.layers.every((layer, l) => layer.counts.length === older.layers[l].counts.length && layer.routes >= older.layers[l].routes);

function share(layer, before) {
  const routes = layer.routes - (before?.routes ?? 0);
  const counts = layer.counts.map((n, e) => Math.max(0, Math.round(n - (before?.counts[e] ?? 0))));
  return { index: layer.index, routes, counts, shares: counts.map(n => routes > 0 ? n / routes : 0) };
}
