import { describe, expect, it } from 'vitest';
import { found, pageOf } from './localRows';

const rows = [
  { name: '张三', contact: 5 as number | null },
  { name: '李四', contact: null },
  { name: '王五', contact: 9 },
];
const request = { offset: 0, limit: 10, signal: new AbortController().signal };

describe('lists that are here whole', () => {
  it('find rows in which every word stands somewhere', () => {
    expect(found(rows, '三 张', (row) => [row.name]).map((row) => row.name)).toEqual(['张三']);
    expect(found(rows, '', (row) => [row.name])).toEqual(rows);
  });

  it('sort both ways, and what has no value stays last', () => {
    const names = (descending: boolean): string[] =>
      pageOf(rows, { ...request, sort: { key: 'contact', descending } }, (row) => row.contact).rows.map((row) => row.name);
    expect(names(false)).toEqual(['张三', '王五', '李四']);
    expect(names(true)).toEqual(['王五', '张三', '李四']);
  });

  it('give the stretch that is asked for and say how many there are', () => {
    const page = pageOf(rows, { ...request, offset: 1, limit: 1, sort: null }, () => null);
    expect(page).toEqual({ total: 3, rows: [rows[1]] });
  });
});
