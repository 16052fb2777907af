export const byId = id => document.getElementById(id);

// Text is set only where it changed, so that a screen reader and the layout are left alone.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// A list of terms: facts(list, [['Queue', '3'], ...]).
export function facts(list, pairs) {
  while (list.children.length > pairs.length) list.lastChild.remove();
  while (list.children.length < pairs.length) list.append(make('div', {}, make('dt'), make('dd')));
  pairs.forEach(([term, text], i) => {
    setText(list.children[i].firstChild, term);
    setText(list.children[i].lastChild, text);
  });
}

// A colour of the style sheet, in the theme that is in force.
export const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const theme = matchMedia('(prefers-color-scheme: dark)');
export const onThemeChange = run => theme.addEventListener('change', run);

// The drawing surface of a canvas in CSS pixels, sharp on any screen; null while it is not shown.
export function surface(canvas, height = canvas.clientHeight) {
  const width = canvas.clientWidth, ratio = window.devicePixelRatio || 1;
  if (width === 0 || height === 0) return null;
  const across = Math.round(width * ratio), down = Math.round(height * ratio);
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  const draw = canvas.getContext('2d');
  draw.setTransform(ratio, 0, 0, ratio, 0, 0);
  draw.clearRect(0, 0, width, height);
  draw.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return { draw, width, height };
}
