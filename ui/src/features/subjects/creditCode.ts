/**
 * Looks at a unified social credit code while it is typed (GB 32100-2015), so that a slip is seen at once. Whether
 * one is taken over is the core's decision.
 */

const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const LENGTH = 18;

export type CodeState = 'empty' | 'length' | 'character' | 'check' | 'good';

/** One spelling: no blanks, narrow and upper-case letters. */
export function tidyCode(typed: string): string {
  return typed.normalize('NFKC').replace(/\s/g, '').toUpperCase();
}

export function creditCodeState(code: string): CodeState {
  if (code === '') return 'empty';
  const values = [...code].map((character) => ALPHABET.indexOf(character));
  if (values.includes(-1)) return 'character';
  if (values.length !== LENGTH) return 'length';
  let weight = 1;
  let sum = 0;
  for (const value of values.slice(0, -1)) {
    sum += value * weight;
    weight = (weight * 3) % 31;
  }
  return (31 - (sum % 31)) % 31 === values.at(-1) ? 'good' : 'check';
}
