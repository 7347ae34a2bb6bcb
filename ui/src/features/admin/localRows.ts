/** Lists that are here whole: searched and sorted on the screen, and handed to the table page by page. */
import type { RowsPage, RowsRequest } from '@/composables/pagedRows';

export type Value = string | number | boolean | null;

const collator = new Intl.Collator(['zh-Hans-CN', 'en'], { numeric: true });

function compare(a: Value, b: Value): number {
  if (a === b) return 0;
  // What has no value comes last, whichever way the list is sorted.
  if (a === null) return 1;
  if (b === null) return -1;
  return typeof a === 'string' && typeof b === 'string' ? collator.compare(a, b) : Number(a) - Number(b);
}

/** Rows in which every word of `query` stands somewhere. */
export function found<T>(rows: readonly T[], query: string, texts: (row: T) => (string | null)[]): T[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    const text = texts(row).join('\n').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** A stretch of rows in the order that is asked for. */
export function pageOf<T>(rows: readonly T[], { offset, limit, sort }: RowsRequest, value: (row: T, key: string) => Value): RowsPage<T> {
  const sorted = sort
    ? [...rows].sort((a, b) => {
        const [left, right] = [value(a, sort.key), value(b, sort.key)];
        const order = compare(left, right);
        return sort.descending && left !== null && right !== null ? -order : order;
      })
    : rows;
  return { total: sorted.length, rows: sorted.slice(offset, offset + limit) };
}
