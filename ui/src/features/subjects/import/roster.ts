/** What the screens know of rosters: the fields that a column may hold, and naming columns and problems. */
import type { RosterProblem } from '@/bindings/RosterProblem';
import type { RosterSheet } from '@/bindings/RosterSheet';
import { hasText, t } from '@/i18n';

/** In the order of the forms. */
export const ROSTER_FIELDS = [
  'name',
  'credit_code',
  'kind',
  'region',
  'address',
  'legal_representative',
  'phone',
  'industry',
  'contact',
] as const;

export type RosterField = (typeof ROSTER_FIELDS)[number];

const SAMPLES = 3;

/** The letters by which spreadsheet programs name a column: 0 is A, 26 is AA. */
export function columnLetters(index: number): string {
  let letters = '';
  for (let rest = index + 1; rest > 0; rest = Math.floor((rest - 1) / 26)) {
    letters = String.fromCharCode(65 + ((rest - 1) % 26)) + letters;
  }
  return letters;
}

/** The first values of a column, so that a person sees what it holds. */
export function columnSamples(sheet: RosterSheet, column: number): string[] {
  return sheet.sample
    .map((row) => row[column] ?? '')
    .filter((value) => value !== '')
    .slice(0, SAMPLES);
}

/** Two fields that take the same column: nearly always a slip. */
export function sharedColumn(mapping: Record<string, number>): [RosterField, RosterField] | null {
  const taken = new Map<number, RosterField>();
  for (const field of ROSTER_FIELDS) {
    const column = mapping[field];
    if (column === undefined) continue;
    const other = taken.get(column);
    if (other) return [other, field];
    taken.set(column, field);
  }
  return null;
}

/** What is to be known about a file: `key` or `key:detail`. */
export function noteText(note: string): string {
  const [code = '', ...rest] = note.split(':');
  const key = `subjects.notes.${code}`;
  return hasText(key) ? t(key, { detail: rest.join(':').trim() }) : note;
}

export function problemText({ code, detail }: RosterProblem): string {
  const key = `subjects.problem.${code}`;
  return hasText(key) ? t(key, { detail }) : [code, detail].filter(Boolean).join(' ');
}

/** The core may name a field as the ledger does. */
export function rosterField(name: string): string {
  return name === 'subject_kind' ? 'kind' : name;
}
