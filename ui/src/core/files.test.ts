import { beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '@/platform';
import { sourceOf } from './files';

interface Piece {
  offset: number;
  data: string;
}

const pieces: Piece[] = [];

beforeEach(() => {
  pieces.length = 0;
  vi.spyOn(platform, 'rpc').mockImplementation(async (name, request) => {
    if (name === 'upload_begin') return { upload: 'u1' };
    pieces.push(request as Piece);
    return {};
  });
});

/** Bytes that repeat nowhere near a piece's length. */
function bytes(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8)) & 255);
}

describe('a chosen file', () => {
  it('with a path is not sent through the screen', async () => {
    expect(await sourceOf({ kind: 'path', path: 'D:\\照片\\1.jpg', name: '1.jpg' })).toEqual({ from: 'path', path: 'D:\\照片\\1.jpg' });
    expect(pieces).toEqual([]);
  });

  it('without one arrives piece by piece, byte for byte', async () => {
    const content = bytes(1_000_003);
    const seen: number[] = [];
    const source = await sourceOf(
      { kind: 'content', name: 'a.jpg', file: new File([content], 'a.jpg') },
      { onProgress: (done) => seen.push(done) },
    );
    expect(source).toEqual({ from: 'upload', upload: 'u1' });
    const arrived = Buffer.concat(pieces.map(({ data }) => Buffer.from(data, 'base64')));
    expect(arrived.equals(Buffer.from(content))).toBe(true);
    expect(pieces.map(({ offset }) => offset)).toEqual([0, 393_216, 786_432]);
    expect(Math.max(...pieces.map(({ data }) => data.length))).toBeLessThanOrEqual(1_048_576);
    expect(seen.at(-1)).toBe(1_000_003);
  });

  it('is no longer sent once the person has changed their mind', async () => {
    const controller = new AbortController();
    const sending = sourceOf(
      { kind: 'content', name: 'a.jpg', file: new File([bytes(1_000_000)], 'a.jpg') },
      { signal: controller.signal, onProgress: () => controller.abort() },
    );
    await expect(sending).rejects.toThrow();
    expect(pieces).toHaveLength(1);
  });
});
