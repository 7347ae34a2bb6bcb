import { describe, expect, it } from 'vitest';
import { textDifference, type Piece } from './textDiff';

const marked = (pieces: Piece[]) => pieces.map(({ text, same }) => (same ? text : `[${text}]`)).join('');

describe('the difference of two texts', () => {
  it('marks single Chinese characters', () => {
    const { before, after } = textDifference('实操教室面积不足六十平方米', '实操教室面积不足八十平方米，未设标识');
    expect(marked(before)).toBe('实操教室面积不足[六]十平方米');
    expect(marked(after)).toBe('实操教室面积不足[八]十平方米[，未设标识]');
  });

  it('marks whole numbers and words, not their letters', () => {
    const { before, after } = textDifference('签到 128 人, signed', '签到 123 人, sealed');
    expect(marked(before)).toBe('签到 [128] 人, [signed]');
    expect(marked(after)).toBe('签到 [123] 人, [sealed]');
  });

  it('loses no character of either text, whatever they hold', () => {
    const texts = ['', '甲', '甲乙丙\n丁', '𠮷野家 a1甲b2', '  \t', '一样', 'emoji 👩‍🏫 测试'];
    for (const before of texts) {
      for (const after of texts) {
        const difference = textDifference(before, after);
        expect(difference.before.map(({ text }) => text).join('')).toBe(before);
        expect(difference.after.map(({ text }) => text).join('')).toBe(after);
        if (before === after) expect(difference.before.every(({ same }) => same)).toBe(true);
      }
    }
  });

  it('stays quick for very long texts and still finds their common ends', () => {
    const long = '未按规定组织实操培训。'.repeat(2_000);
    const started = performance.now();
    const { before } = textDifference(`开头${long}结尾`, `开头${long.split('').reverse().join('')}结尾`);
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(before.at(0)?.same).toBe(true);
    expect(before.at(-1)?.same).toBe(true);
  });
});
