// What the page says in words and numbers.
import { facts } from './dom.js';
import { count, decimal, duration, known, milliseconds, percent, words } from './format.js';

export function showTiles(list, stats, recent) {
  const { queue, requests } = stats, open = requests.accepted - requests.answered - requests.failed - requests.cancelled;
  facts(list, [
    ['tokens per second', recent.seconds > 0 ? count(recent.batchTokens / recent.seconds) : '–'],
    ['experts per token', decimal(realised(stats, recent))],
    ['median latency', milliseconds(stats.latency.p50)],
    ['in work', count(open)],
    ['queued', count(queue.requests)],
    ['overload level', queue.overload_level === 0 ? '0, none' : `${queue.overload_level}`],
    ['answered', count(requests.answered)],
    ['uptime', duration(stats.uptime_seconds)],
  ]);
}

// Mean experts per token of what ran in the window, whatever its budget was.
export function realised(stats, recent) {
  const tokens = recent.tokens.reduce((sum, n) => sum + n, 0);
  return tokens > 0 ? recent.tokens.reduce((sum, n, k) => sum + (n * k), 0) / tokens : stats.budget?.realised ?? null;
}

export function showBudget(list, { budget, queue }) {
  facts(list, budget === null ? [['budget', 'none: nothing that is served has one']] : [
    ['target', decimal(budget.target)],
    ['in force', decimal(budget.effective)],
    ['realised', decimal(budget.realised)],
    ['decided by', words(budget.decided_by)],
    ['overload ceiling', known(queue.experts_ceiling) ? decimal(queue.experts_ceiling) : 'none'],
    ['target is', budget.attainable ? words(budget.health) : 'not attainable'],
  ]);
}

export function showLatency(list, { latency, requests }) {
  facts(list, [
    ['p50', milliseconds(latency.p50)],
    ['p95', milliseconds(latency.p95)],
    ['p99', milliseconds(latency.p99)],
    ['requests', count(latency.count)],
    ['failed', count(requests.failed)],
    ['cancelled', count(requests.cancelled)],
  ]);
}

export function showQueue(list, { queue, requests }) {
  facts(list, [
    ['waiting', `${count(queue.requests)} of ${count(queue.capacity)}`],
    ['tokens waiting', count(queue.tokens)],
    ['sequences', count(queue.sequences)],
    ['overload level', queue.overload_level === 0 ? '0, none' : `${queue.overload_level}, ceiling ${decimal(queue.experts_ceiling)}`],
    ['tokens per batch', queue.batches > 0 ? decimal(queue.batch_tokens / queue.batches, 1) : '–'],
    ['waits for company', `${count(queue.delay_microseconds)} µs`],
    ['refused', count(requests.rejected)],
  ]);
}

export function showGuards(list, { cache, circuit_breaker: breaker, guardrail, frozen }) {
  facts(list, [
    ['cache', cache === null ? 'none' : words(cache.state)],
    ...(cache === null ? [] : [
      ['cache hits', `${percent(cache.hit_rate)} (${count(cache.hit_count)})`],
      ['cache rows', `${count(cache.size)} of ${count(cache.max_size)}`],
      ['cache pays', cache.pays === null ? 'not measured' : cache.pays ? 'yes' : 'no'],
    ]),
    ['circuit breaker', breaker === null ? 'none' : words(breaker)],
    ['adaptation', frozen ? 'frozen' : 'running'],
    ['drift guardrail', guardrail === null ? 'none' : guardrail.samples === 0 ? 'no sample yet' : `drift ${percent(guardrail.drift, 2)}`],
    ...(guardrail === null ? [] : [
      ['KL divergence', known(guardrail.divergence) ? `${decimal(guardrail.divergence, 4)} nats` : '–'],
      ['guardrail samples', count(guardrail.samples)],
      ['guardrail floor', known(guardrail.floor) ? decimal(guardrail.floor) : 'none'],
    ]),
  ]);
}

export function histogram(tokens) {
  const sum = tokens.reduce((a, b) => a + b, 0), most = Math.max(1, ...tokens);
  return {
    sum,
    rows: tokens.map((n, k) => ({ name: k === 1 ? '1 expert' : `${k} experts`, share: n / most, text: sum > 0 ? `${percent(n / sum)} (${count(n)})` : '–', k })).filter(row => row.k > 0),
  };
}

export function distinct(layers) {
  return layers.map(layer => {
    const experts = layer.expert_shares.length;
    return { name: `layer ${layer.index}`, share: known(layer.distinct_experts) ? layer.distinct_experts / experts : 0, text: known(layer.distinct_experts) ? `${decimal(layer.distinct_experts, 1)} of ${experts}` : '–' };
  });
}
