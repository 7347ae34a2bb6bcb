/**
 * How hard a passphrase is to guess, for the person who is choosing one.
 *
 * An estimate that errs on the low side: characters that follow from the one before (repeated, counted up, beside
 * it on the keyboard) count for nothing. Whether a passphrase is accepted is the core's decision, not this one's.
 */
import type { Catalogue } from '@/i18n';

/** What the core asks for. */
export const LEAST_CHARACTERS = 8;

export type Weakness = Extract<keyof Catalogue['setup'], `weak${string}`>;

export interface Judgement {
  /** 0 too short, 1 weak … 4 very good. */
  score: 0 | 1 | 2 | 3 | 4;
  /** What would make it better; `null` when it is good. */
  weakness: Weakness | null;
}

const KEYBOARD_ROWS = ['1234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm'];
const COMMON = [
  'password',
  'passw0rd',
  'p@ssw0rd',
  'admin123',
  'administrator',
  '12345678',
  '123456789',
  '87654321',
  '11111111',
  '88888888',
  '66666666',
  'woaini1314',
  '5201314',
  'iloveyou',
  'abc12345',
  'a1234567',
  'qwer1234',
  '1qaz2wsx',
];

interface Alphabet {
  holds: RegExp;
  size: number;
}

const ALPHABETS: Alphabet[] = [
  { holds: /[0-9]/, size: 10 },
  { holds: /[a-z]/, size: 26 },
  { holds: /[A-Z]/, size: 26 },
  // Only the characters that people would use.
  { holds: /[\u3400-\u9fff]/, size: 2_000 },
  { holds: /[^0-9a-zA-Z\u3400-\u9fff]/, size: 30 },
];

function isBeside(a: string, b: string): boolean {
  return KEYBOARD_ROWS.some((row) => {
    const at = row.indexOf(a);
    const next = row.indexOf(b);
    return at >= 0 && next >= 0 && Math.abs(at - next) === 1;
  });
}

function followsFrom(before: string, character: string): boolean {
  const step = (character.codePointAt(0) ?? 0) - (before.codePointAt(0) ?? 0);
  return Math.abs(step) === 1 || isBeside(before, character);
}

function isCommon(text: string): boolean {
  return COMMON.some((common) => text.includes(common) && text.length - common.length < 4);
}

export function judgePassphrase(passphrase: string): Judgement {
  const characters = [...passphrase];
  if (characters.length < LEAST_CHARACTERS) return { score: 0, weakness: 'weakShort' };
  const lower = passphrase.toLowerCase();
  if (isCommon(lower)) return { score: 1, weakness: 'weakCommon' };

  let repeated = 0;
  let counted = 0;
  const small = [...lower];
  for (let at = 1; at < small.length; at += 1) {
    const before = small[at - 1] ?? '';
    const character = small[at] ?? '';
    if (before === character) repeated += 1;
    else if (followsFrom(before, character)) counted += 1;
  }

  const used = ALPHABETS.filter(({ holds }) => holds.test(passphrase));
  const pool = used.reduce((sum, { size }) => sum + size, 0);
  const bits = (characters.length - repeated - counted) * Math.log2(pool);
  const score = bits < 36 ? 1 : bits < 50 ? 2 : bits < 68 ? 3 : 4;

  const many = characters.length / 3;
  if (score >= 3) return { score, weakness: null };
  if (repeated >= many) return { score, weakness: 'weakRepeated' };
  if (counted >= many) return { score, weakness: 'weakSequence' };
  return { score, weakness: used.length === 1 ? 'weakOneKind' : 'weakShort' };
}
