// Snapshots of the service, for as long as the page is open.
import { call, events } from './api.js';

const interval = 500, shortest = 500, longest = 8000, silence = 5000;

// take(stats) gets each snapshot; tell('live' | 'away', why) hears of the connection; ask() resolves when there is another key.
export async function follow(take, tell, ask) {
  for (let wait = shortest; ;) {
    const ended = new AbortController();
    let why = 'The stream ended.', watch = 0;
    const expect = () => { clearTimeout(watch); watch = setTimeout(() => ended.abort(), silence + interval); };
    try {
      expect();
      const response = await call(`v1/stats/stream?interval=${interval}`, { signal: ended.signal });
      for await (const event of events(response)) {
        expect();
        tell('live');
        wait = shortest;
        take(JSON.parse(event.data));
      }
    } catch (error) {
      why = error.name === 'AbortError' ? 'Nothing came for a while.' : error.message;
      if (error.status === 401) {
        tell('away', why);
        await ask(why);
        continue;
      }
      if (error.retryAfter > 0) wait = Math.max(wait, 1000 * error.retryAfter);
    } finally {
      clearTimeout(watch);
    }
    tell('away', why);
    await new Promise(resume => setTimeout(resume, wait));
    wait = Math.min(longest, 2 * wait);
  }
}
