// Lines over the last minutes, one point per snapshot.
import { colour, make, onThemeChange, setText, surface } from './dom.js';

const dashes = { solid: [], dashed: [7, 5], dotted: [2, 4] }, svg = 'http://www.w3.org/2000/svg';
const right = 8, bottom = 18, topSpace = 8;

export class LineChart {
  #canvas; #series; #options;
  #points = [];

  // series: [{ name, stroke (1..3), dash, of(stats) }]; options: { name, minutes, least, floor, label(value) }.
  constructor(box, series, options) {
    [this.#series, this.#options] = [series, options];
    this.#canvas = make('canvas', { role: 'img', ariaLabel: `${options.name}: no data yet` });
    box.append(make('ul', { className: 'keys' }, ...series.map(key)), this.#canvas);
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
    onThemeChange(() => this.#draw());
  }

  add(now, stats) {
    this.#points.push({ time: now, values: this.#series.map(line => line.of(stats) ?? NaN) });
    const oldest = now - (60000 * this.#options.minutes) - 2000;
    while (this.#points[0].time < oldest) this.#points.shift();
  }

  show() {
    this.#draw();
    const last = this.#points.at(-1), label = this.#options.label;
    if (!last) return;
    const said = this.#series.map((line, s) => `${line.name} ${Number.isFinite(last.values[s]) ? label(last.values[s]) : 'none'}`).join(', ');
    if (this.#canvas.dataset.said === said) return;
    this.#canvas.dataset.said = said;
    this.#canvas.setAttribute('aria-label', `${this.#options.name} over the last ${this.#options.minutes} minutes. Now: ${said}.`);
  }

  #draw() {
    const on = surface(this.#canvas);
    if (on === null) return;
    const { draw, width, height } = on, { least, floor = 0, minutes, label } = this.#options;
    const values = this.#points.flatMap(point => point.values).filter(Number.isFinite);
    const ticks = scale(floor, Math.max(least, floor, ...values)), high = ticks.at(-1), span = 60000 * minutes, end = this.#points.at(-1)?.time ?? 0;
    const left = 8 + Math.max(...ticks.map(tick => draw.measureText(label(tick)).width));
    const y = value => topSpace + ((height - topSpace - bottom) * (1 - ((value - floor) / (high - floor))));
    const x = time => left + ((width - left - right) * (1 - ((end - time) / span)));
    draw.textBaseline = 'middle';
    for (const tick of ticks) {
      draw.fillStyle = colour('--line');
      draw.fillRect(left, Math.round(y(tick)), width - left - right, 1);
      draw.fillStyle = colour('--muted');
      draw.textAlign = 'right';
      draw.fillText(label(tick), left - 5, y(tick));
    }
    draw.textAlign = 'left';
    draw.fillText(`${minutes} min ago`, left, height - 7);
    draw.textAlign = 'right';
    draw.fillText('now', width - right, height - 7);
    draw.lineWidth = 2;
    this.#series.forEach((line, s) => {
      draw.strokeStyle = colour(`--line-${line.stroke}`);
      draw.setLineDash(dashes[line.dash]);
      draw.beginPath();
      let open = false, last = 0;
      for (const { time, values: at } of this.#points) {
        // Where there was no value, or no snapshot, there is no line.
        open = open && Number.isFinite(at[s]) && time - last < 15000;
        if (Number.isFinite(at[s]) && x(time) >= left) {
          draw[open ? 'lineTo' : 'moveTo'](x(time), y(at[s]));
          open = true;
        }
        last = time;
      }
      draw.stroke();
    });
    draw.setLineDash([]);
  }
}

function key({ name, stroke, dash }) {
  const sample = document.createElementNS(svg, 'svg'), line = document.createElementNS(svg, 'line');
  for (const [attribute, value] of Object.entries({ x1: 0, x2: 28, y1: 5, y2: 5, 'stroke-dasharray': dashes[dash].join(' '), class: `stroke-${stroke}` })) line.setAttribute(attribute, value);
  sample.setAttribute('viewBox', '0 0 28 10');
  sample.setAttribute('aria-hidden', 'true');
  sample.append(line);
  const item = make('li', {}, sample, make('span'));
  setText(item.lastChild, name);
  return item;
}

// Three to five round numbers from floor to above high.
function scale(floor, high) {
  const rough = (high - floor) / 3 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map(n => n * power).find(n => n >= rough * 0.999);
  const ticks = [floor];
  while (ticks.at(-1) < high - (step * 0.001)) ticks.push(floor + (ticks.length * step));
  return ticks;
}
