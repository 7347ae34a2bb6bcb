/**
 * What a field of a record is called, and how a stored value reads: for conflicts, histories and lists of what is
 * missing. A field that this version does not know is shown by its own name.
 */
import { formatDate, formatDateTime, formatList, hasText, t } from './i18n';

export interface FieldPlace {
  /** The checklist item, where the field belongs to one. */
  item: string | null;
  /** The field's name without the item, e.g. `finding/due`. */
  field: string;
}

/** `answers/TI-1.1/finding/due` → item `TI-1.1`, field `finding/due`. */
export function placeOf(path: string): FieldPlace {
  const [, item, field] = /^answers\/([^/]+)\/(.+)$/.exec(path) ?? [];
  return item && field ? { item, field } : { item: null, field: path };
}

/** The name of a field, without the item that it belongs to. */
export function fieldName(path: string): string {
  const { field } = placeOf(path);
  const key = `terms.field.${field.replaceAll('/', '_')}`;
  return hasText(key) ? t(key) : field;
}

/** The name of a field with its item in front: `TI-1.1 · 检查结果`. */
export function fieldTitle(path: string): string {
  const { item } = placeOf(path);
  return item === null ? fieldName(path) : `${item} · ${fieldName(path)}`;
}

const WORDS: Record<string, string> = {
  result: 'terms.result',
  subject_kind: 'terms.subjectKind',
  kind: 'terms.subjectKind',
  inspection_kind: 'terms.inspectionKind',
  state: 'terms.findingState',
};

/** The Chinese or English word for a stored word; the stored word where there is none. */
export function word(list: 'subjectKind' | 'inspectionKind' | 'stage' | 'result' | 'findingState' | 'recordKind' | 'orgKind', value: string): string {
  const key = `terms.${list}.${value}`;
  return hasText(key) ? t(key) : value;
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function inspectorText(one: unknown): string {
  if (typeof one !== 'object' || one === null) return String(one);
  const { name, certificate } = one as { name?: unknown; certificate?: unknown };
  const number = typeof certificate === 'string' && certificate !== '' ? ` (${certificate})` : '';
  return `${typeof name === 'string' ? name : ''}${number}`;
}

/** A stored value as text. An empty one reads as "not filled in". */
export function valueText(path: string, value: unknown, regionName: (code: string) => string = (code) => code): string {
  if (value === null || value === undefined || value === '') return t('common.notFilled');
  const last = lastPart(path);
  if (typeof value === 'boolean') return value ? t('common.yes') : t('common.no');
  if (typeof value === 'number') return last.endsWith('_at') ? formatDateTime(value) : String(value);
  if (Array.isArray(value)) return formatList(value.map(inspectorText));
  if (typeof value !== 'string') return JSON.stringify(value);
  if (last === 'region') return regionName(value);
  if (last === 'due') return formatDate(value);
  const list = WORDS[last];
  const key = list ? `${list}.${value}` : '';
  return hasText(key) ? t(key) : value;
}
