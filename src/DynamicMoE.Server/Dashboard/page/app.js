// The page of the service: snapshots come in, what is shown follows.
import { call } from './api.js';
import { showBars } from './bars.js';
import { byId, setText } from './dom.js';
import { follow } from './feed.js';
import { distinct, histogram, realised, showBudget, showGuards, showLatency, showQueue, showTiles } from './figures.js';
import { count, decimal, known, milliseconds, words } from './format.js';
import { HeatMap } from './heatmap.js';
import { HeatTable } from './heattable.js';
import { KeyBox } from './key.js';
import { LineChart } from './linechart.js';
import { Playground } from './playground.js';
import { Recent } from './recent.js';

const recent = new Recent(), keys = new KeyBox(), playground = new Playground(why => keys.ask(why));
const heat = new HeatMap({ canvas: byId('heat'), scale: byId('scale'), readout: byId('readout'), low: byId('scale-low'), high: byId('scale-high') });
const table = new HeatTable(byId('heat-table'), byId('heat-switch'), () => show());
const minutes = 5;
const charts = [
  new LineChart(byId('budget'), [
    { name: 'target', stroke: 3, dash: 'dashed', of: s => s.budget?.target },
    { name: 'in force', stroke: 2, dash: 'dotted', of: s => s.budget?.effective },
    { name: 'realised, last 10 s', stroke: 1, dash: 'solid', of: s => known(s.realised) ? s.realised : null },
  ], { name: 'Experts per token', minutes, floor: 0, least: 2, label: value => decimal(value, 1) }),
  new LineChart(byId('latency'), [
    { name: 'p50', stroke: 1, dash: 'solid', of: s => s.latency.p50 },
    { name: 'p95', stroke: 2, dash: 'dashed', of: s => s.latency.p95 },
    { name: 'p99', stroke: 3, dash: 'dotted', of: s => s.latency.p99 },
  ], { name: 'Latency', minutes, least: 1, label: milliseconds }),
  new LineChart(byId('queue'), [
    { name: 'requests waiting', stroke: 1, dash: 'solid', of: s => s.queue.requests },
    { name: 'sequences', stroke: 2, dash: 'dashed', of: s => s.queue.sequences },
  ], { name: 'Queue', minutes, least: 4, label: count }),
];

let stats = null, paused = false, frame = 0, shown = { state: '', model: '' };

function take(snapshot) {
  const now = performance.now();
  recent.add(now, snapshot);
  const short = recent.since(10);
  const tokens = short.tokens.reduce((sum, n) => sum + n, 0);
  snapshot.realised = tokens > 0 ? realised(snapshot, short) : null;
  charts.forEach(chart => chart.add(now, snapshot));
  stats = snapshot;
  if (!paused && !document.hidden) show();
}

// A snapshot comes twice a second: nothing is drawn more often, however busy the service is.
function show() {
  cancelAnimationFrame(frame);
  if (stats !== null) frame = requestAnimationFrame(draw);
}

function draw() {
  const seconds = Number(byId('window').value), past = recent.since(seconds);
  showState();
  showTiles(byId('tiles'), stats, recent.since(10));
  heat.show(past.layers, seconds === 0 ? 'since the start' : `last ${seconds === 60 ? 'minute' : `${seconds} seconds`}`);
  table.show(past.layers);
  const { rows, sum } = histogram(past.tokens);
  showBars(byId('histogram'), rows);
  setText(byId('histogram-note'), sum > 0 ? `${count(sum)} tokens in the window above; a generated token counts at its mean over layers, rounded.` : 'No tokens in the window above.');
  showBars(byId('distinct'), distinct(stats.layers));
  charts.forEach(chart => chart.show());
  showBudget(byId('budget-facts'), stats);
  showLatency(byId('latency-facts'), stats);
  showQueue(byId('queue-facts'), stats);
  showGuards(byId('guards'), stats);
}

const tones = { running: 'good', starting: 'idle', draining: 'warn', stopped: 'warn', failed: 'bad' };

function showState() {
  pill(byId('state'), words(stats.state), tones[stats.state] ?? 'idle');
  if (stats.state !== shown.state) setText(byId('announce'), `The service is ${words(stats.state)}.`);
  const model = `${stats.state} ${stats.model}`;
  if (model !== shown.model) void showModel();
  shown = { state: stats.state, model };
}

async function showModel() {
  try {
    const model = (await (await call('v1/models')).json()).data[0];
    const { family, format, layers } = model?.dynamicmoe ?? { layers: [] };
    const size = layers.length > 0 ? `${layers.length} layers × ${layers[0].experts} experts, trained with ${layers[0].trained_experts}` : null;
    setText(byId('model'), [model?.id ?? stats.model, family, format, size].filter(part => part).join(' · ') || 'no model yet');
    playground.serve(model ?? null);
  } catch {
    setText(byId('model'), stats.model || 'no model yet');
  }
}

function pill(element, text, tone) {
  setText(element, text);
  element.dataset.tone = tone;
}

function tellLink(state, why) {
  if (byId('link').dataset.link === state) return;
  byId('link').dataset.link = state;
  pill(byId('link'), state === 'live' ? 'live' : 'reconnecting', state === 'live' ? 'good' : 'warn');
  byId('link').title = why ?? '';
  setText(byId('announce'), state === 'live' ? 'Connected.' : `Connection lost. ${why}`);
  // The process that answers again may serve another model.
  shown.model = '';
}

byId('window').addEventListener('change', show);
document.addEventListener('visibilitychange', () => { if (!document.hidden && !paused) show(); });
byId('pause').addEventListener('click', () => {
  paused = !paused;
  byId('pause').setAttribute('aria-pressed', String(paused));
  if (!paused) show();
});

void follow(take, tellLink, why => keys.ask(why));
