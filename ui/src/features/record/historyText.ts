/** What an entry of a history says, in words. Values come from the core as text. */
import type { HistoryRow } from '@/bindings/HistoryRow';
import { fieldName, fieldTitle, valueText } from '@/fieldNames';
import { formatDateTime, hasText, t, type TextKey } from '@/i18n';

/** The name of a field or of a place where evidence lies: `answers/TI-1.4` is the item itself. */
export function placeTitle(path: string): string {
  if (path === '') return '';
  const [, item] = /^answers\/([^/]+)$/.exec(path) ?? [];
  return item ?? fieldTitle(path);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Text that a person wrote and that only looks like a list.
    return text;
  }
}

/** A value that came as text, as a person reads it. Empty text stays empty. */
export function storedText(path: string, text: string, regionName?: (code: string) => string): string {
  if (text === '') return '';
  if (/_at$/.test(path) && /^\d{11,14}$/.test(text)) return formatDateTime(Number(text));
  if (text === 'true' || text === 'false') return valueText(path, text === 'true');
  return valueText(path, path === 'inspectors' ? parsed(text) : text, regionName);
}

/** What was done, as a verb. */
export function whatText({ what, value }: HistoryRow): string {
  const key = what === 'set' && value === '' ? 'record.what.cleared' : `record.what.${what}`;
  return hasText(key) ? t(key) : what;
}

/** What an entry is about; a signature or an annulment is about the whole record. */
export function aboutText({ what, field }: HistoryRow): string {
  if (what === 'number_voided') return fieldName('number');
  return placeTitle(field);
}

/** Between which moments it was made. */
export function bracketText({ bracket }: HistoryRow): string {
  const { not_before_ms: from, not_after_ms: to } = bracket;
  if (from !== null && to !== null) return t('record.between', { from: formatDateTime(from), to: formatDateTime(to) });
  if (from !== null) return `${t('record.notBefore', { time: formatDateTime(from) })} · ${t('record.noAfter')}`;
  if (to !== null) return `${t('record.noBefore')} · ${t('record.notAfter', { time: formatDateTime(to) })}`;
  return t('record.noAfter');
}

export interface Doubt {
  tone: 'bad' | 'warn';
  text: string;
  long: string;
}

/** What about an entry wants a second look. */
export function doubtsOf(row: HistoryRow): Doubt[] {
  const doubts: Doubt[] = [];
  const { not_before_ms: from, not_after_ms: to } = row.bracket;
  if (row.claim === 'back_dated') doubts.push({ tone: 'bad', text: t('record.backDated'), long: t('record.backDatedLong', { time: formatDateTime(from) }) });
  if (row.claim === 'ahead_of_time') doubts.push({ tone: 'warn', text: t('record.aheadOfTime'), long: t('record.aheadOfTimeLong', { time: formatDateTime(to) }) });
  if (row.is_late) doubts.push({ tone: 'warn', text: t('record.lateMark'), long: t('record.lateText') });
  return doubts;
}

export function isDoubtful(row: HistoryRow): boolean {
  return row.claim !== 'fits' || row.is_late || row.refused !== null || row.what === 'unreadable';
}

/** Whether an entry has been delivered. */
export function deliveryText({ delivery }: HistoryRow): string {
  const key = `record.delivery.${delivery}`;
  return hasText(key) ? t(key as TextKey) : delivery;
}
