// A list of bars with their numbers as text.
import { make, setText } from './dom.js';

// rows: [{ name, share (0..1 of the track), text }].
export function showBars(list, rows) {
  while (list.children.length > rows.length) list.lastChild.remove();
  while (list.children.length < rows.length) {
    list.append(make('li', {}, make('span'), make('span', { className: 'track', ariaHidden: 'true' }, make('span', { className: 'fill' })), make('span', { className: 'value' })));
  }
  rows.forEach((row, i) => {
    const [name, track, value] = list.children[i].children;
    setText(name, row.name);
    setText(value, row.text);
    track.firstChild.style.width = `${(100 * Math.max(0, Math.min(1, row.share))).toFixed(1)}%`;
  });
}
