import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { commitAllTexts, DurableWriter, hasUnsettledText, type DurableState } from './durableWriter';

interface Write {
  kind: 'draft' | 'commit';
  text: string;
  basis: string;
  done: (basis?: string) => Promise<void>;
  fail: (error?: unknown) => Promise<void>;
}

/** Finishes what a test has left open: the texts on the screen are known to all tests. */
const leftOpen: (() => Promise<void>)[] = [];

/** A writer whose writes the test finishes by hand. */
function writer(value = '', withDraft = true) {
  const writes: Write[] = [];
  const states: DurableState[] = [];
  const adopted: string[] = [];
  const record = (kind: Write['kind']) => (text: string, basis: string) =>
    new Promise<string | void>((resolve, reject) => {
      writes.push({
        kind,
        text,
        basis,
        done: async (next) => {
          resolve(next);
          await settle();
        },
        fail: async (error = new Error('disk')) => {
          reject(error);
          await settle();
        },
      });
    });
  const subject = new DurableWriter<string>({
    value,
    basis: 'b0',
    draft: withDraft ? record('draft') : undefined,
    commit: record('commit'),
    onState: (state) => states.push(state),
    onAdopt: (text) => adopted.push(text),
  });
  leftOpen.push(async () => {
    subject.commit();
    for (let at = 0; at < writes.length; at += 1) await writes[at]?.done();
  });
  const write = (at: number): Write => {
    const found = writes[at];
    if (!found) throw new Error(`no write ${at}; there are ${writes.length}`);
    return found;
  };
  return { subject, writes, write, states, adopted, state: () => states.at(-1) };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(async () => {
  for (const finish of leftOpen.splice(0)) await finish();
  vi.useRealTimers();
});

describe('typing', () => {
  it('drafts the first key at once and says saved only when the core has answered', async () => {
    const { subject, write, state } = writer();
    subject.input('现');
    expect(write(0)).toMatchObject({ kind: 'draft', text: '现' });
    expect(state()).toBe('saving');
    await write(0).done();
    expect(state()).toBe('saved');
  });

  it('has one write under way, and only the newest text waits', async () => {
    const { subject, writes, write, state } = writer();
    subject.input('a');
    subject.input('ab');
    subject.input('abc');
    expect(writes).toHaveLength(1);
    await write(0).done();
    expect(state()).toBe('saving');
    expect(write(1)).toMatchObject({ kind: 'draft', text: 'abc' });
    await write(1).done();
    expect(writes).toHaveLength(2);
    expect(state()).toBe('saved');
  });

  it('commits after a pause of one and a half seconds, counted from the last key', async () => {
    const { subject, writes, write } = writer();
    subject.input('a');
    await write(0).done();
    vi.advanceTimersByTime(1_000);
    subject.input('ab');
    await write(1).done();
    vi.advanceTimersByTime(1_499);
    expect(writes).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(write(2)).toMatchObject({ kind: 'commit', text: 'ab' });
  });

  it('writes nothing when nothing changed', () => {
    const { subject, writes } = writer('a');
    subject.focus();
    subject.input('a');
    subject.blur();
    vi.advanceTimersByTime(10_000);
    expect(writes).toHaveLength(0);
  });

  it('works without drafts', async () => {
    const { subject, writes, write, state } = writer('', false);
    subject.input('a');
    expect(writes).toHaveLength(0);
    expect(state()).toBe('saving');
    subject.blur();
    await write(0).done();
    expect(write(0).kind).toBe('commit');
    expect(state()).toBe('saved');
  });
});

describe('leaving', () => {
  it('the field commits after the draft that is under way', async () => {
    const { subject, writes, write } = writer();
    subject.focus();
    subject.input('a');
    subject.blur();
    expect(writes).toHaveLength(1);
    await write(0).done();
    expect(write(1)).toMatchObject({ kind: 'commit', text: 'a' });
  });

  it('the page commits at once, beside whatever is under way', () => {
    const { subject, write } = writer();
    subject.input('a');
    subject.input('ab');
    subject.commitAtOnce();
    expect(write(1)).toMatchObject({ kind: 'commit', text: 'ab' });
  });

  it('waits for every text on the screen, and knows when one could not be written', async () => {
    const good = writer();
    const bad = writer();
    good.subject.input('a');
    bad.subject.input('b');
    expect(hasUnsettledText()).toBe(true);
    const all = commitAllTexts();
    await good.write(0).done();
    await bad.write(0).done();
    await good.write(1).done();
    await bad.write(1).fail();
    expect(await all).toBe(false);
    bad.subject.retry();
    await bad.write(2).done();
    expect(await commitAllTexts()).toBe(true);
    expect(hasUnsettledText()).toBe(false);
  });
});

describe('a failure', () => {
  it('keeps the text, says so, and tries again by itself, ever more slowly', async () => {
    const { subject, writes, write, state } = writer();
    subject.input('a');
    subject.blur();
    await write(0).fail();
    expect(state()).toBe('failed');
    vi.advanceTimersByTime(999);
    expect(writes).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(write(1)).toMatchObject({ kind: 'commit', text: 'a' });
    await write(1).fail();
    vi.advanceTimersByTime(1_999);
    expect(writes).toHaveLength(2);
    vi.advanceTimersByTime(1);
    await write(2).done();
    expect(state()).toBe('saved');
  });

  it('is followed at once by the next key, with the newest text', async () => {
    const { subject, write } = writer();
    subject.input('a');
    await write(0).fail();
    subject.input('ab');
    expect(write(1)).toMatchObject({ kind: 'draft', text: 'ab' });
  });

  it('does not turn a commit into a draft', async () => {
    const { subject, write } = writer();
    subject.input('a');
    await write(0).done();
    subject.blur();
    await write(1).fail();
    subject.input('ab');
    expect(write(2)).toMatchObject({ kind: 'commit', text: 'ab' });
  });
});

describe('a newer value from elsewhere', () => {
  it('is shown when nobody is typing', () => {
    const { subject, adopted } = writer('old');
    subject.offer('new', 'b1');
    expect(adopted).toEqual(['new']);
  });

  it('never replaces what is being typed, and the commit still names what the person saw', async () => {
    const { subject, write, adopted } = writer('old');
    subject.focus();
    subject.input('old and mine');
    subject.offer('theirs', 'b1');
    await write(0).done();
    subject.blur();
    expect(adopted).toEqual([]);
    expect(write(1)).toMatchObject({ kind: 'commit', text: 'old and mine', basis: 'b0' });
  });

  it('waits until the person has left a field that they only look at', () => {
    const { subject, adopted } = writer('old');
    subject.focus();
    subject.offer('new', 'b1');
    expect(adopted).toEqual([]);
    subject.blur();
    expect(adopted).toEqual(['new']);
  });

  it('that won against ours is shown once ours is written', async () => {
    const { subject, write, adopted } = writer('old');
    subject.focus();
    subject.input('mine');
    subject.blur();
    await write(0).done();
    await write(1).done('b1');
    subject.offer('theirs', 'b2');
    expect(adopted).toEqual(['theirs']);
  });
});

describe('the echo of what was written here', () => {
  it('moves the basis on and leaves the text alone', async () => {
    const { subject, write, adopted } = writer('old', false);
    subject.focus();
    subject.input('one');
    subject.commit();
    await write(0).done();
    subject.input('one two');
    subject.offer('one', 'b1');
    subject.commit();
    expect(adopted).toEqual([]);
    expect(write(1)).toMatchObject({ text: 'one two', basis: 'b1' });
  });

  it('of an earlier commit does not bring back the earlier text', async () => {
    const { subject, write, adopted } = writer('', false);
    subject.input('one');
    subject.commit();
    await write(0).done('b1');
    subject.input('two');
    subject.commit();
    await write(1).done('b2');
    subject.offer('one', 'b1');
    subject.offer('two', 'b2');
    expect(adopted).toEqual([]);
  });

  it('is not needed when the write itself says what the next one replaces', async () => {
    const { subject, write } = writer('', false);
    subject.input('one');
    subject.commit();
    await write(0).done('b1');
    subject.input('two');
    subject.commit();
    expect(write(1).basis).toBe('b1');
  });
});
