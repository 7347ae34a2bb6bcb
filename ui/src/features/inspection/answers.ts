/** What the list at the side and the card show of an item: its answer, and what is still to be done about it. */
import type { InspectionView } from '@/bindings/InspectionView';
import type { MissingView } from '@/bindings/MissingView';
import type { PlacedItem } from './store';

export const RESULTS = ['conforms', 'nonconforming', 'not_applicable', 'not_checked', 'to_verify'] as const;
export type Result = (typeof RESULTS)[number];

export const RESULT_TONE: Record<Result, string> = {
  conforms: 'good',
  nonconforming: 'bad',
  not_applicable: '',
  not_checked: 'warn',
  to_verify: 'info',
};

export const RESULT_SIGN: Record<Result, string> = {
  conforms: '✓',
  nonconforming: '✗',
  not_applicable: '—',
  not_checked: '…',
  to_verify: '?',
};

export const FILTERS = ['all', 'open', 'nonconforming', 'to_verify', 'lacking'] as const;
export type ItemFilter = (typeof FILTERS)[number];

export interface ItemLine {
  id: string;
  question: string;
  section: string;
  sectionTitle: string;
  result: Result | null;
  /** The core says that this visit has to answer it. */
  isAsked: boolean;
  /** How many things are missing at it. */
  lacks: number;
  hasConflict: boolean;
  evidence: number;
}

export function textOf(view: InspectionView, field: string): string {
  const value = view.fields[field]?.value;
  return typeof value === 'string' ? value : '';
}

export function resultOf(view: InspectionView, item: string): Result | null {
  const value = view.fields[`answers/${item}/result`]?.value;
  return RESULTS.find((one) => one === value) ?? null;
}

export function itemLines(items: PlacedItem[], view: InspectionView, missing: MissingView[]): ItemLine[] {
  const asked = new Set(view.asked);
  const lacks = new Map<string, number>();
  for (const { item, lack } of missing) if (item !== null && lack !== 'result') lacks.set(item, (lacks.get(item) ?? 0) + 1);
  const evidence = new Map<string, number>();
  for (const { place, removed } of view.evidence) if (removed === null) evidence.set(place, (evidence.get(place) ?? 0) + 1);
  const inConflict = new Set(view.conflicts.map((field) => /^answers\/([^/]+)\//.exec(field)?.[1]));
  return items.map(({ item, section, sectionTitle }) => ({
    id: item.id,
    question: item.question,
    section,
    sectionTitle,
    result: resultOf(view, item.id),
    isAsked: asked.has(item.id),
    lacks: lacks.get(item.id) ?? 0,
    hasConflict: inConflict.has(item.id),
    evidence: evidence.get(`answers/${item.id}`) ?? 0,
  }));
}

export function passes(line: ItemLine, filter: ItemFilter, words: string): boolean {
  const text = words.trim().toLowerCase();
  if (text !== '' && !`${line.id} ${line.question}`.toLowerCase().includes(text)) return false;
  switch (filter) {
    case 'all':
      return true;
    case 'open':
      return line.isAsked && line.result === null;
    case 'nonconforming':
    case 'to_verify':
      return line.result === filter;
    case 'lacking':
      return line.lacks > 0 || line.hasConflict;
  }
}

/** The next item after `from` that has to be answered and is not, going round. */
export function nextOpen(lines: ItemLine[], from: string): string | null {
  const at = lines.findIndex(({ id }) => id === from);
  const round = [...lines.slice(at + 1), ...lines.slice(0, at + 1)];
  return round.find(({ isAsked, result }) => isAsked && result === null)?.id ?? null;
}
