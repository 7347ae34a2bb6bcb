import { beforeEach, describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDate,
  formatDateLong,
  formatDateTime,
  formatDateTimeExact,
  formatDuration,
  formatList,
  formatPercent,
  formatRelative,
  formatTime,
  setLocale,
} from '.';

/** 2022-01-06 23:30:05 in China, still the day's afternoon in Greenwich. */
const MOMENT = Date.UTC(2022, 0, 6, 15, 30, 5);

describe('in Chinese', () => {
  it('dates are those of the wall clock in China', () => {
    expect(formatDate(MOMENT)).toBe('2022-01-06');
    expect(formatDateLong(MOMENT)).toBe('2022年1月6日');
    expect(formatDateTime(MOMENT)).toBe('2022-01-06 23:30');
    expect(formatDateTimeExact(MOMENT)).toBe('2022-01-06 23:30:05');
    expect(formatTime(MOMENT)).toBe('23:30');
  });

  it('midnight is 00, not 24', () => {
    expect(formatDateTime(Date.UTC(2022, 0, 5, 16, 0))).toBe('2022-01-06 00:00');
  });

  it('a plain date keeps its day', () => {
    expect(formatDate('2022-01-06')).toBe('2022-01-06');
    expect(formatDateLong('2022-12-31')).toBe('2022年12月31日');
  });

  it('no moment is nothing, and what is no moment is shown as it came', () => {
    expect(formatDate(null)).toBe('');
    expect(formatDateTime(undefined)).toBe('');
    expect(formatDate('soon')).toBe('soon');
  });

  it('spans are told in words', () => {
    expect(formatRelative(MOMENT - 3 * 60_000, MOMENT)).toBe('3分钟前');
    expect(formatRelative(MOMENT - 86_400_000, MOMENT)).toBe('昨天');
    expect(formatDuration(90)).toMatch(/2\s?分钟/);
  });

  it('lists are joined by the Chinese comma', () => {
    expect(formatList(['甲', '乙'])).toBe('甲、乙');
  });
});

describe('in English', () => {
  beforeEach(() => setLocale('en'));

  it('dates are the same moments', () => {
    expect(formatDate(MOMENT)).toBe('6 Jan 2022');
    expect(formatDateTime(MOMENT)).toBe('6 Jan 2022, 23:30');
    expect(formatRelative(MOMENT - 3 * 60_000, MOMENT)).toBe('3 minutes ago');
  });
});

describe('numbers', () => {
  it('are grouped', () => {
    expect(formatCount(1_234_567)).toBe('1,234,567');
    expect(formatPercent(0.875)).toBe('87.5%');
  });

  it('of bytes are short, and never show 1,024 of a unit', () => {
    expect(formatBytes(0)).toBe('0 B');
    expect(formatBytes(1023)).toBe('1,023 B');
    expect(formatBytes(1024)).toBe('1 KB');
    expect(formatBytes(1024 * 1024 - 1)).toBe('1 MB');
    expect(formatBytes(3_565_158)).toBe('3.4 MB');
    expect(formatBytes(200 * 1024 * 1024)).toBe('200 MB');
  });
});
