/** Where a finding is looked at: its inspection, at the item that it is about. */
import type { RouteLocationRaw } from 'vue-router';
import type { FindingRow } from '@/bindings/FindingRow';

export function placeOfFinding({ inspection, record, item }: FindingRow): RouteLocationRaw {
  return { name: 'record', params: { record: inspection ?? record }, query: { item } };
}
