/** The list of findings: which are wanted, in which order. Stays as it was when the person comes back to the list. */
import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import type { FindingFilter } from '@/bindings/FindingFilter';
import type { FindingRow } from '@/bindings/FindingRow';
import type { RecordId } from '@/bindings/RecordId';
import type { RowsPage, RowsRequest, TableSort } from '@/composables/pagedRows';
import { call } from '@/core/call';
import { dayAfter, today } from '@/days';

/** Every state but "verified": what still asks for something. The list begins with these. */
export const NOT_VERIFIED = 'not_verified';

export const FINDING_STATES = ['open', 'ordered', 'rectified', 'overdue', 'escalated', 'verified'] as const;

/** A choice of deadlines, and how many days from today the first day lies that it leaves out. */
export const DUE_CHOICES = { overdue: 0, week: 8, month: 31 } as const;
export type DueChoice = keyof typeof DUE_CHOICES;

/** A filter that lets everything pass. */
export function emptyFindingFilter(): FindingFilter {
  return { query: null, org: null, region: null, item: null, state: null, due_before: null, subject: null };
}

export const useFindingList = defineStore('finding-list', () => {
  const query = ref('');
  const state = ref(NOT_VERIFIED);
  const region = ref('');
  const due = ref<DueChoice | ''>('');
  const sort = ref<TableSort | null>({ key: 'due', descending: false });
  const total = ref<number | null>(null);
  const chosen = ref<ReadonlySet<RecordId>>(new Set());

  const filter = computed<FindingFilter>(() => ({
    ...emptyFindingFilter(),
    query: query.value || null,
    state: state.value || null,
    region: region.value || null,
    due_before: due.value ? dayAfter(today(), DUE_CHOICES[due.value]) : null,
  }));
  const isFiltered = computed(() => state.value !== NOT_VERIFIED || [query, region, due].some(({ value }) => value !== ''));

  async function fetch({ offset, limit, sort: order }: RowsRequest): Promise<RowsPage<FindingRow>> {
    return await call('findings_list', {
      filter: filter.value,
      sort: order?.key ?? 'due',
      descending: order?.descending ?? false,
      window: { offset, limit },
    });
  }

  function clear(): void {
    query.value = '';
    state.value = NOT_VERIFIED;
    region.value = '';
    due.value = '';
  }

  return { query, state, region, due, sort, total, chosen, filter, isFiltered, fetch, clear };
});
