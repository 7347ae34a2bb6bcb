/** Of an entry of a history: when it was made, whether it was delivered, and what about it wants a second look. */
import type { HistoryRow } from '@/bindings/HistoryRow';
import { formatDateTime, hasText, t, type TextKey } from '@/i18n';

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
