import { describe, expect, it, vi } from 'vitest';
import { httpPlatform } from './http';

function answers(response: Response | Error) {
  const fetch = vi.fn((_url: string, _init?: RequestInit) =>
    response instanceof Error ? Promise.reject(response) : Promise.resolve(response),
  );
  vi.stubGlobal('fetch', fetch);
  return fetch;
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status });
}

describe('the core behind HTTP', () => {
  it('gets the call by its name and gives back the answer', async () => {
    const fetch = answers(json({ ok: 1 }));
    expect(await httpPlatform.rpc('app_status', {})).toEqual({ ok: 1 });
    expect(fetch.mock.calls[0]?.[0]).toBe('/rpc/app_status');
  });

  it('hands its errors on with code and values', async () => {
    answers(json({ code: 'frozen', params: { record: 'r1' } }, 400));
    await expect(httpPlatform.rpc('field_set', {})).rejects.toMatchObject({ code: 'frozen', params: { record: 'r1' } });
  });

  it('that is not there, or answers nonsense, is one clear error', async () => {
    answers(new TypeError('failed to fetch'));
    await expect(httpPlatform.rpc('app_status', {})).rejects.toMatchObject({ code: 'host_unreachable' });
    answers(new Response('<html>502</html>', { status: 502 }));
    await expect(httpPlatform.rpc('app_status', {})).rejects.toMatchObject({ code: 'host_unreachable', params: { status: 502 } });
  });

  it('still gets text that is being written while the window closes', async () => {
    const fetch = answers(json({}));
    await httpPlatform.rpc('draft_put', { text: 'a' });
    expect(fetch.mock.calls[0]?.[1]?.keepalive).toBe(true);
    // A browser refuses large bodies for that, so they go the ordinary way.
    const large = answers(json({}));
    await httpPlatform.rpc('draft_put', { text: 'a'.repeat(100_000) });
    expect(large.mock.calls[0]?.[1]?.keepalive).toBe(false);
  });

  it('gives each form of a piece of evidence an address of its own', () => {
    expect(httpPlatform.evidenceUrl('ab12', 'thumb')).toBe('/evidence/ab12?size=thumb');
  });
});
