/** What an inspection answered, in the order of its checklist. */
import type { BasisView } from '@/bindings/BasisView';
import type { ChecklistView } from '@/bindings/ChecklistView';
import type { EvidenceView } from '@/bindings/EvidenceView';
import type { InspectionView } from '@/bindings/InspectionView';

export interface FindingField {
  path: string;
  text: string;
}

export interface Answer {
  item: string;
  /** Empty where the checklist does not know the item, or is not here. */
  question: string;
  certainty: string;
  result: string;
  facts: string;
  reason: string;
  /** Filled in fields of the finding, in the order of the form. */
  finding: FindingField[];
  bases: BasisView[];
  evidence: EvidenceView[];
  isConflict: boolean;
}

export interface AnswerGroup {
  id: string;
  title: string;
  answers: Answer[];
}

const FINDING = ['description', 'measure', 'responsible', 'due', 'basis', 'penalty'];

function answeredItems(view: InspectionView): string[] {
  const items = Object.keys(view.fields).flatMap((path) => /^answers\/([^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(items)];
}

function answerOf(view: InspectionView, item: string, checklist: ChecklistView | null): Answer {
  const text = (rest: string): string => {
    const value = view.fields[`answers/${item}/${rest}`]?.value;
    return typeof value === 'string' ? value : '';
  };
  const known = checklist?.sections.flatMap(({ items }) => items).find(({ id }) => id === item);
  return {
    item,
    question: known?.question ?? '',
    certainty: known?.certainty ?? '',
    result: text('result'),
    facts: text('facts'),
    reason: text('reason'),
    finding: FINDING.map((rest) => ({ path: `answers/${item}/finding/${rest}`, text: text(`finding/${rest}`) })).filter((one) => one.text !== ''),
    bases: known?.bases ?? [],
    evidence: view.evidence.filter(({ place }) => place === `answers/${item}`),
    isConflict: view.conflicts.some((path) => path.startsWith(`answers/${item}/`)),
  };
}

/**
 * Every item that was asked or answered, by section. Items that the checklist does not know come last, under an
 * empty id.
 */
export function groupsOf(view: InspectionView, checklist: ChecklistView | null): AnswerGroup[] {
  const wanted = new Set([...view.asked, ...answeredItems(view)]);
  const groups = (checklist?.sections ?? []).map(({ id, title, items }) => ({
    id,
    title,
    answers: items.filter((item) => wanted.delete(item.id)).map((item) => answerOf(view, item.id, checklist)),
  }));
  groups.push({ id: '', title: '', answers: [...wanted].map((item) => answerOf(view, item, checklist)) });
  return groups.filter(({ answers }) => answers.length > 0);
}

/** What does not conform stands before everything else, in its own order. */
export function nonconformingFirst(groups: AnswerGroup[], title: string): AnswerGroup[] {
  const isBad = ({ result }: Answer): boolean => result === 'nonconforming';
  const bad = groups.flatMap(({ answers }) => answers.filter(isBad));
  const rest = groups.map((group) => ({ ...group, answers: group.answers.filter((one) => !isBad(one)) }));
  return [{ id: 'nonconforming', title, answers: bad }, ...rest].filter(({ answers }) => answers.length > 0);
}

export interface AnswerFilter {
  nonconforming: boolean;
  withEvidence: boolean;
  text: string;
}

export function filterGroups(groups: AnswerGroup[], { nonconforming, withEvidence, text }: AnswerFilter): AnswerGroup[] {
  const sought = text.trim().toLowerCase();
  const passes = (one: Answer): boolean =>
    (!nonconforming || one.result === 'nonconforming') &&
    (!withEvidence || one.evidence.length > 0) &&
    (sought === '' || [one.item, one.question, one.facts, one.reason, ...one.finding.map((f) => f.text)].some((words) => words.toLowerCase().includes(sought)));
  return groups.map((group) => ({ ...group, answers: group.answers.filter(passes) })).filter(({ answers }) => answers.length > 0);
}

/** How a result looks. */
export function resultTone(result: string): string {
  return { conforms: 'good', nonconforming: 'bad', to_verify: 'warn', not_checked: 'warn' }[result] ?? '';
}
