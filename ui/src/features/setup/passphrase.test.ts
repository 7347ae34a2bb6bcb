import { describe, expect, it } from 'vitest';
import { judgePassphrase } from './passphrase';

describe('judging a passphrase', () => {
  it('calls everything below eight characters too short, counting characters and not bytes', () => {
    expect(judgePassphrase('Ab3$xyz')).toEqual({ score: 0, weakness: 'weakShort' });
    expect(judgePassphrase('海州湾的早晨')).toEqual({ score: 0, weakness: 'weakShort' });
  });

  it.each([
    ['12345678', 'weakCommon'],
    ['Password1', 'weakCommon'],
    ['aaaaaaaaaa', 'weakRepeated'],
    ['abcdefghijkl', 'weakSequence'],
    ['asdfghjklpoiu', 'weakSequence'],
    ['73912846', 'weakOneKind'],
  ])('calls %s weak and says why', (passphrase, weakness) => {
    const judged = judgePassphrase(passphrase);
    expect(judged.score).toBeLessThanOrEqual(2);
    expect(judged.weakness).toBe(weakness);
  });

  it('calls a Chinese sentence or a long mixed phrase very good', () => {
    expect(judgePassphrase('连岛的灯塔夜里最亮')).toEqual({ score: 4, weakness: null });
    expect(judgePassphrase('kite7 Marble$ onion')).toEqual({ score: 4, weakness: null });
  });
});
