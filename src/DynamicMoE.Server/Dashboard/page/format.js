// Numbers as people read them. What is not there (null) is a dash.
const dash = '–';
const whole = new Intl.NumberFormat('en');

export const known = value => typeof value === 'number' && Number.isFinite(value);

export const count = value => known(value) ? whole.format(Math.round(value)) : dash;

export const decimal = (value, digits = 2) => known(value) ? value.toFixed(digits) : dash;

export const percent = (share, digits = 1) => known(share) ? `${(100 * share).toFixed(digits)} %` : dash;

export function milliseconds(value) {
  if (!known(value)) return dash;
  const [size, unit] = value >= 1000 ? [value / 1000, 's'] : [value, 'ms'];
  return `${size >= 100 ? size.toFixed(0) : Number(size.toPrecision(3))} ${unit}`;
}

export function duration(seconds) {
  if (!known(seconds)) return dash;
  const s = Math.floor(seconds), pad = n => String(n).padStart(2, '0');
  const days = Math.floor(s / 86400), clock = `${pad(Math.floor(s / 3600) % 24)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
  return days > 0 ? `${days} d ${clock.slice(0, 5)}` : clock;
}

export const words = name => typeof name === 'string'
  ? name.replace(/_/g, ' ').replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
  : dash;
