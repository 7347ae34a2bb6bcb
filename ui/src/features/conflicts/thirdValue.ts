/** How a person may write a value that is none of the rival ones: it depends on what the field holds. */
import type { RivalValue } from '@/bindings/RivalValue';
import type { TextKey } from '@/i18n';

export type ThirdValue =
  | { kind: 'text'; multiline: boolean }
  | { kind: 'choice'; options: { value: string; text: TextKey }[] }
  | { kind: 'region' }
  | { kind: 'day' }
  | { kind: 'moment' }
  | { kind: 'joined'; value: unknown[] }
  | { kind: 'none' };

function choice(prefix: string, words: readonly string[]): ThirdValue {
  return { kind: 'choice', options: words.map((value) => ({ value, text: `terms.${prefix}.${value}` as TextKey })) };
}

const CHOICES: Record<string, ThirdValue> = {
  result: choice('result', ['conforms', 'nonconforming', 'not_applicable', 'not_checked', 'to_verify']),
  subject_kind: choice('subjectKind', ['training_institution', 'exam_institution', 'enterprise']),
  inspection_kind: choice('inspectionKind', ['enforcement', 'cross', 'self', 'reinspection']),
  state: choice('findingState', ['open', 'ordered', 'rectified', 'verified', 'overdue', 'escalated']),
};

/** Fields that name something else: a value that is not one of the rivals would name nothing. */
const REFERENCES = new Set(['subject', 'inspection', 'pack', 'pack_version', 'pack_hash', 'checklist', 'phase', 'number', 'item']);
const LONG = 24;

function joined(values: RivalValue[]): unknown[] {
  const seen = new Map<string, unknown>();
  for (const { value } of values) {
    for (const one of Array.isArray(value) ? value : []) seen.set(JSON.stringify(one), one);
  }
  return [...seen.values()];
}

export function thirdValueOf(field: string, values: RivalValue[]): ThirdValue {
  const last = field.slice(field.lastIndexOf('/') + 1);
  const present = values.map(({ value }) => value).filter((value) => value !== null && value !== undefined);
  if (REFERENCES.has(last)) return { kind: 'none' };
  const known = CHOICES[last];
  if (known) return known;
  if (last === 'region') return { kind: 'region' };
  if (last === 'due') return { kind: 'day' };
  if (last === 'started_at' || last === 'ended_at') return { kind: 'moment' };
  if (present.length > 0 && present.every(Array.isArray)) return { kind: 'joined', value: joined(values) };
  if (present.every((value) => typeof value === 'string')) {
    return { kind: 'text', multiline: present.some((value) => value.length > LONG || value.includes('\n')) };
  }
  return { kind: 'none' };
}
