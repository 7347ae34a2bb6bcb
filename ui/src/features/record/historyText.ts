/** Of an entry of a history: when it was made, whether it was delivered, and what about it wants a second look. */
import type { HistoryRow } from '@/bindings/HistoryRow';
import { formatDateTime, hasText, t, type TextKey } from '@/i18n';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How far the bounds of an entry lie apart, in ms; null where there are none yet. */
export function widthOf({ bounds }: HistoryRow): number | null {
  return bounds === null ? null : Math.max(0, bounds.received_ms - bounds.since_ms);
}

/** Within how much nothing is known of a time: the two largest units. */
export function widthText(ms: number): string {
  const days = Math.floor(ms / DAY);
  const hours = Math.floor((ms % DAY) / HOUR);
  const minutes = Math.ceil((ms % HOUR) / MINUTE);
  if (days > 0) return hours > 0 ? t('record.widthDaysHours', { days, hours }) : t('record.widthDays', { days });
  if (hours > 0) return minutes > 0 ? t('record.widthHoursMinutes', { hours, minutes }) : t('record.widthHours', { hours });
  return t('record.widthMinutes', { minutes: Math.max(1, minutes) });
}

/** Between which moments it was made, always with the width: within that nothing is known. */
export function boundsText(row: HistoryRow): string {
  const { bounds } = row;
  const width = widthOf(row);
  if (bounds === null || width === null) return t('record.notReceived');
  return t('record.between', { from: formatDateTime(bounds.since_ms), to: formatDateTime(bounds.received_ms), width: widthText(width) });
}

/** The widest bounds of several entries, in ms; null where none of them was received. */
export function widestOf(rows: HistoryRow[]): number | null {
  return rows.reduce<number | null>((widest, row) => {
    const width = widthOf(row);
    return width === null || (widest !== null && widest >= width) ? widest : width;
  }, null);
}

export interface Doubt {
  tone: 'bad' | 'warn';
  text: string;
  long: string;
}

/** What about an entry wants a second look. */
export function doubtsOf(row: HistoryRow): Doubt[] {
  const doubts: Doubt[] = [];
  const { bounds } = row;
  if (bounds !== null) {
    if (row.claim === 'back_dated') doubts.push({ tone: 'bad', text: t('record.backDated'), long: t('record.backDatedLong', { time: formatDateTime(bounds.since_ms) }) });
    if (row.claim === 'ahead_of_time') doubts.push({ tone: 'warn', text: t('record.aheadOfTime'), long: t('record.aheadOfTimeLong', { time: formatDateTime(bounds.received_ms) }) });
    if (row.claim === 'unproved') doubts.push({ tone: 'warn', text: t('record.unproved'), long: t('record.unprovedLong', { time: formatDateTime(bounds.seen_ms) }) });
  }
  if (row.is_again) doubts.push({ tone: 'warn', text: t('record.againMark'), long: t('record.againText') });
  if (row.is_late) doubts.push({ tone: 'warn', text: t('record.lateMark'), long: t('record.lateText') });
  return doubts;
}

export function isDoubtful(row: HistoryRow): boolean {
  return (row.claim !== 'within' && row.claim !== 'not_received') || row.is_late || row.is_unjudged || row.is_again || row.refused !== null || row.what === 'unreadable';
}

/** Whether an entry has been delivered. */
export function deliveryText({ delivery }: HistoryRow): string {
  const key = `record.delivery.${delivery}`;
  return hasText(key) ? t(key as TextKey) : delivery;
}
