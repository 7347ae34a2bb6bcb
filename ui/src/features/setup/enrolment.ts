/** What people compare and copy when they enrol: fingerprints and one-time codes. */

const GROUP = 4;
/** Characters of an enrolment code without its dashes. */
export const CODE_CHARACTERS = 16;
/** A clock that is further off makes the times in records doubtful. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

function inGroups(text: string): string[] {
  return text.match(new RegExp(`.{1,${GROUP}}`, 'g')) ?? [];
}

/** Only the digits of a fingerprint, however it was written, wide characters included. */
function digitsOf(fingerprint: string): string {
  return fingerprint.normalize('NFKC').toUpperCase().replace(/[^0-9A-F]/g, '');
}

/** The groups in which a fingerprint is shown and compared. */
export function fingerprintGroups(fingerprint: string): string[] {
  return inGroups(digitsOf(fingerprint));
}

export interface Comparison {
  state: 'empty' | 'incomplete' | 'same' | 'differs';
  /** Groups that differ, counted from 1. */
  groups: number[];
}

/** Compares what the administrator gave with what the server shows. A wrong group is told before all are there. */
export function compareFingerprints(server: string, given: string): Comparison {
  const expected = digitsOf(server);
  const found = digitsOf(given);
  if (found === '') return { state: 'empty', groups: [] };
  if (found === expected) return { state: 'same', groups: [] };
  const groups: number[] = [];
  const expectedGroups = inGroups(expected);
  inGroups(found).forEach((group, at) => {
    const other = expectedGroups[at] ?? '';
    const isWhole = group.length === GROUP;
    if (isWhole ? group !== other : !other.startsWith(group)) groups.push(at + 1);
  });
  return { state: groups.length > 0 ? 'differs' : 'incomplete', groups };
}

/** The one spelling of an enrolment code, in groups: what looks alike is taken for the same (Crockford's base 32). */
export function spellCode(typed: string): string {
  const symbols = typed
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  return inGroups(symbols).join('-');
}

/** How many characters of a code are there. */
export function codeLength(typed: string): number {
  return spellCode(typed).replaceAll('-', '').length;
}

/** Whether the clock is so far off that records would carry wrong times. */
export function isClockOff(aheadMs: number): boolean {
  return Math.abs(aheadMs) > CLOCK_TOLERANCE_MS;
}
