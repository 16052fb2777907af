// Calls of the API. The key, if the service wants one, is kept by the tab and sent as a header only.
const slot = 'dynamicmoe.key';
let key = sessionStorage.getItem(slot);

export const hasKey = () => key !== null;

export function setKey(value) {
  key = value;
  if (value === null) sessionStorage.removeItem(slot);
  else sessionStorage.setItem(slot, value);
}

export class ApiError extends Error {
  constructor(status, message, retryAfter) {
    super(message);
    Object.assign(this, { status, retryAfter });
  }
}

export async function call(path, { body, signal } = {}) {
  const headers = key === null ? {} : { Authorization: `Bearer ${key}` };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const response = await fetch(path, { method: body === undefined ? 'GET' : 'POST', headers, body: body === undefined ? undefined : JSON.stringify(body), signal });
  if (response.ok) return response;
  throw new ApiError(response.status, await reason(response), Number(response.headers.get('Retry-After')) || 0);
}

// Server-sent events of an answer: { name, data } each.
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split('\n\n');
      rest = parts.pop();
      for (const part of parts) yield parse(part);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

// What a problem document says, in RFC 9457's shape or in OpenAI's.
export const problem = document => document?.error?.message ?? document?.detail ?? document?.title ?? 'The service gave no reason.';

function parse(part) {
  const event = { name: 'message', data: '' };
  for (const line of part.split('\n')) {
    if (line.startsWith('event: ')) event.name = line.slice(7);
    if (line.startsWith('data: ')) event.data += line.slice(6);
  }
  return event;
}

async function reason(response) {
  try {
    return problem(await response.json());
  } catch {
    return `The service answered ${response.status}.`;
  }
}
