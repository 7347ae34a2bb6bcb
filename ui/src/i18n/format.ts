/**
 * Dates, numbers and sizes as a person reads them.
 *
 * Everything is shown in China's one time zone, wherever the laptop believes it is: a record must read the same
 * on every screen. Moments are milliseconds since 1970, a `Date`, or an RFC 3339 string; plain dates
 * (`2022-01-06`) have no time zone and are shown as they are.
 */
import { ref } from 'vue';

export type Moment = number | string | Date;

const ZONE = 'Asia/Shanghai';

/** Reactive, so that templates that format are drawn again when the language changes. */
const formatLocale = ref<'zh-CN' | 'en'>('zh-CN');

export function setFormatLocale(locale: 'zh-CN' | 'en'): void {
  formatLocale.value = locale;
}

const cache = new Map<string, Intl.DateTimeFormat>();

function formatter(key: string, locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = `${locale}/${key}`;
  let found = cache.get(id);
  if (!found) {
    found = new Intl.DateTimeFormat(locale, { timeZone: ZONE, hourCycle: 'h23', ...options });
    cache.set(id, found);
  }
  return found;
}

const PLAIN_DATE = /^\d{4}-\d{2}-\d{2}$/;

function toDate(moment: Moment): Date | null {
  // A plain date is taken at noon in the display zone, so that it stays the same day.
  const date =
    typeof moment === 'string' && PLAIN_DATE.test(moment)
      ? new Date(`${moment}T12:00:00+08:00`)
      : new Date(moment);
  return Number.isNaN(date.getTime()) ? null : date;
}

type Part = Intl.DateTimeFormatPartTypes;

function numericParts(date: Date): Record<Part, string> {
  // `sv-SE` is only used to take the numbers apart; no Swedish is shown.
  const parts = formatter('numeric', 'sv-SE', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(date);
  return Object.fromEntries(parts.map((part) => [part.type, part.value])) as Record<Part, string>;
}

function show(moment: Moment | null | undefined, zh: (p: Record<Part, string>) => string, en: Intl.DateTimeFormatOptions, key: string): string {
  if (moment === null || moment === undefined) return '';
  const date = toDate(moment);
  if (!date) return String(moment);
  if (formatLocale.value === 'zh-CN') return zh(numericParts(date));
  return formatter(key, 'en-GB', en).format(date);
}

/** `2022-01-06` · `6 Jan 2022`. Empty for no moment; what cannot be read as one is shown as it is. */
export function formatDate(moment: Moment | null | undefined): string {
  return show(moment, (p) => `${p.year}-${p.month}-${p.day}`, { year: 'numeric', month: 'short', day: 'numeric' }, 'date');
}

/** `2022年1月6日` · `6 January 2022`: for headings and sentences. */
export function formatDateLong(moment: Moment | null | undefined): string {
  return show(
    moment,
    (p) => `${p.year}年${Number(p.month)}月${Number(p.day)}日`,
    { year: 'numeric', month: 'long', day: 'numeric' },
    'date-long',
  );
}

/** `2022-01-06 14:30` · `6 Jan 2022, 14:30`. */
export function formatDateTime(moment: Moment | null | undefined): string {
  return show(
    moment,
    (p) => `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}`,
    { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' },
    'date-time',
  );
}

/** The same with seconds: for receipts and histories. */
export function formatDateTimeExact(moment: Moment | null | undefined): string {
  return show(
    moment,
    (p) => `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`,
    { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' },
    'date-time-exact',
  );
}

/** `14:30`. */
export function formatTime(moment: Moment | null | undefined): string {
  return show(moment, (p) => `${p.hour}:${p.minute}`, { hour: '2-digit', minute: '2-digit' }, 'time');
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** `3 分钟前` · `3 minutes ago`, as seen from `now`. */
export function formatRelative(moment: Moment | null | undefined, now: Moment = Date.now()): string {
  if (moment === null || moment === undefined) return '';
  const date = toDate(moment);
  const seen = toDate(now);
  if (!date || !seen) return String(moment);
  const seconds = (date.getTime() - seen.getTime()) / 1000;
  const relative = new Intl.RelativeTimeFormat(formatLocale.value, { numeric: 'auto' });
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return relative.format(0, 'second');
}

/** `12,345`. */
export function formatCount(count: number): string {
  return new Intl.NumberFormat(formatLocale.value).format(count);
}

/** `87.5%`; `share` is 0 to 1. */
export function formatPercent(share: number, digits = 1): string {
  return new Intl.NumberFormat(formatLocale.value, { style: 'percent', maximumFractionDigits: digits }).format(share);
}

const SIZES = ['B', 'KB', 'MB', 'GB', 'TB'];

/** `3.4 MB`, in steps of 1024 as Windows shows them. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let step = 0;
  // 1023.95 would be shown as "1,024.0 KB".
  while (value >= 1023.95 && step < SIZES.length - 1) {
    value /= 1024;
    step += 1;
  }
  const digits = step === 0 || value >= 100 ? 0 : 1;
  return `${new Intl.NumberFormat(formatLocale.value, { maximumFractionDigits: digits }).format(value)} ${SIZES[step]}`;
}

/** `约 3 分钟` style spans in words: `3 分钟` · `3 min`. */
export function formatDuration(seconds: number): string {
  const unit = seconds >= 3600 ? 'hour' : seconds >= 60 ? 'minute' : 'second';
  const value = unit === 'hour' ? seconds / 3600 : unit === 'minute' ? seconds / 60 : seconds;
  return new Intl.NumberFormat(formatLocale.value, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: unit === 'hour' ? 1 : 0,
  }).format(value);
}

/** `a、b、c` · `a, b, c`. */
export function formatList(items: readonly string[]): string {
  return items.join(formatLocale.value === 'zh-CN' ? '、' : ', ');
}
