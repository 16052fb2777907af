// Layers down, experts across; a cell is an expert's share of its layer's routes.
import { colour, onThemeChange, setText, surface } from './dom.js';
import { count, percent } from './format.js';

const left = 34, top = 18, stops = 5;

export class HeatMap {
  #canvas; #scale; #readout; #low; #high;
  #rows = [];
  #span = '';
  #pointer = null;
  #described = 0;

  constructor({ canvas, scale, readout, low, high }) {
    [this.#canvas, this.#scale, this.#readout, this.#low, this.#high] = [canvas, scale, readout, low, high];
    canvas.addEventListener('pointermove', e => { this.#pointer = [e.offsetX, e.offsetY]; this.#tell(); });
    canvas.addEventListener('pointerleave', () => { this.#pointer = null; this.#tell(); });
    new ResizeObserver(() => this.#draw()).observe(canvas);
    onThemeChange(() => this.#draw());
  }

  // rows: [{ index, routes, counts, shares }]; span: in words.
  show(rows, span) {
    const again = rows.length !== this.#rows.length;
    [this.#rows, this.#span] = [rows, span];
    this.#draw();
    this.#tell();
    // A screen reader that stands on the picture is not interrupted twice a second.
    if (again || performance.now() - this.#described > 5000) this.#describe();
  }

  #cells() {
    const experts = Math.max(1, ...this.#rows.map(row => row.shares.length)), layers = this.#rows.length;
    const height = Math.max(6, Math.min(28, Math.floor(440 / Math.max(1, layers))));
    return { experts, layers, height, width: (this.#canvas.clientWidth - left) / experts };
  }

  #draw() {
    const { experts, layers, height, width } = this.#cells();
    const tall = top + (height * Math.max(1, layers));
    if (this.#canvas.clientHeight !== tall) this.#canvas.style.height = `${tall}px`;
    const on = surface(this.#canvas, tall);
    if (on === null) return;
    const { draw } = on, palette = ramp(), most = Math.max(1 / experts, ...this.#rows.map(row => Math.max(...row.shares)));
    const gap = width > 8 && height > 8 ? 1 : 0, muted = colour('--muted');
    draw.textBaseline = 'middle';
    draw.textAlign = 'center';
    draw.fillStyle = muted;
    const every = Math.max(1, Math.ceil(26 / width));
    for (let e = 0; e < experts; e += every) draw.fillText(`${e}`, left + ((e + 0.5) * width), top / 2);
    const each = Math.max(1, Math.ceil(13 / height));
    this.#rows.forEach((row, l) => {
      const y = top + (l * height);
      row.shares.forEach((share, e) => {
        const step = Math.round(share / most * (palette.length - 1));
        draw.fillStyle = palette[step].fill;
        draw.fillRect(left + (e * width), y, width - gap, height - gap);
        if (width < 40 || height < 16 || row.routes === 0) return;
        draw.fillStyle = palette[step].ink;
        draw.fillText(percent(share, 0), left + ((e + 0.5) * width), y + (height / 2));
      });
      if (l % each !== 0) return;
      draw.fillStyle = muted;
      draw.fillText(`L${row.index}`, left / 2, y + (height / 2));
    });
    setText(this.#low, '0 %');
    setText(this.#high, `${percent(most)} of a layer's routes (even: ${percent(1 / experts)})`);
    this.#drawScale(palette);
  }

  #drawScale(palette) {
    const on = surface(this.#scale);
    if (on === null) return;
    palette.forEach(({ fill }, i) => {
      on.draw.fillStyle = fill;
      on.draw.fillRect(i * on.width / palette.length, 0, Math.ceil(on.width / palette.length), on.height);
    });
  }

  #tell() {
    const { height, width } = this.#cells();
    const [x, y] = this.#pointer ?? [-1, -1], row = this.#rows[Math.floor((y - top) / height)], e = Math.floor((x - left) / width);
    if (this.#pointer && x >= left && row && e < row.shares.length) {
      setText(this.#readout, `layer ${row.index}, expert ${e}: ${percent(row.shares[e])}, ${count(row.counts[e])} of ${count(row.routes)} routes`);
    } else {
      setText(this.#readout, this.#rows.some(row => row.routes > 0) ? `${count(this.#rows.reduce((sum, row) => sum + row.routes, 0))} routes, ${this.#span}` : `no routes, ${this.#span}`);
    }
  }

  #describe() {
    this.#described = performance.now();
    const cells = this.#rows.flatMap(row => row.shares.map((share, e) => ({ layer: row.index, e, share })));
    if (!this.#rows.some(row => row.routes > 0)) {
      this.#canvas.setAttribute('aria-label', `Heat map of experts: no routes, ${this.#span}.`);
      return;
    }
    const best = cells.reduce((a, b) => b.share > a.share ? b : a), idle = cells.filter(cell => cell.share === 0).length;
    this.#canvas.setAttribute('aria-label', `Heat map of experts, ${this.#rows.length} layers, ${this.#span}. Most used: expert ${best.e} of layer ${best.layer} with `
      + `${percent(best.share)} of its routes. ${idle} of ${cells.length} experts unused. The table has every number.`);
  }
}

// Sixty-four steps between the colours of the style sheet, with ink that can be read on each.
let cached = { key: '', palette: [] };
function ramp() {
  const named = Array.from({ length: stops }, (_, i) => colour(`--heat-${i}`)), key = named.join();
  if (cached.key === key) return cached.palette;
  const points = named.map(hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16)));
  const palette = Array.from({ length: 64 }, (_, i) => {
    const at = i / 63 * (stops - 1), from = Math.min(stops - 2, Math.floor(at));
    const rgb = points[from].map((c, j) => Math.round(c + ((points[from + 1][j] - c) * (at - from))));
    return { fill: `rgb(${rgb})`, ink: luminance(rgb) > 0.18 ? '#0c1420' : '#ffffff' };
  });
  cached = { key, palette };
  return palette;
}

// WCAG's relative luminance: above 0.18 black is the better contrast.
const luminance = rgb => rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + (c * [0.2126, 0.7152, 0.0722][i]), 0);
