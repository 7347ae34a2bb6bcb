import { describe, expect, it } from 'vitest';
import { creditCodeState, tidyCode } from './creditCode';

describe('a credit code', () => {
  it('is good when its check character fits', () => {
    // The example of GB 32100-2015.
    expect(creditCodeState('91350100M000100Y43')).toBe('good');
  });

  it('shows a slip of one character', () => {
    expect(creditCodeState('91350100M000100Y44')).toBe('check');
    expect(creditCodeState('91350100M000101Y43')).toBe('check');
  });

  it('knows the characters that no code has, and its length', () => {
    expect(creditCodeState('9135O100M000100Y43')).toBe('character');
    expect(creditCodeState('91350100M000100Y4')).toBe('length');
    expect(creditCodeState('')).toBe('empty');
  });

  it('is read in wide characters, lower case and with blanks as well', () => {
    expect(tidyCode(' ９１３５０１００m000100y43 ')).toBe('91350100M000100Y43');
  });
});
