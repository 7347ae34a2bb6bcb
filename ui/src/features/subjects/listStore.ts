/** The list of subjects: which are wanted, in which order. Stays as it was when the person comes back to the list. */
import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import type { FileOut } from '@/bindings/FileOut';
import type { RecordId } from '@/bindings/RecordId';
import type { SubjectFilter } from '@/bindings/SubjectFilter';
import type { SubjectRow } from '@/bindings/SubjectRow';
import type { RowsPage, RowsRequest, TableSort } from '@/composables/pagedRows';
import { call } from '@/core/call';

/** Enough to see whether a name or code is taken. */
const LOOK_UP = 20;

export const useSubjectList = defineStore('subject-list', () => {
  const query = ref('');
  const kind = ref('');
  const region = ref('');
  const sort = ref<TableSort | null>({ key: 'name', descending: false });
  const total = ref<number | null>(null);
  const chosen = ref<ReadonlySet<RecordId>>(new Set());

  const filter = computed<SubjectFilter>(() => ({
    query: query.value || null,
    kind: kind.value || null,
    region: region.value || null,
    org: null,
  }));
  const isFiltered = computed(() => query.value !== '' || kind.value !== '' || region.value !== '');

  async function fetch({ offset, limit, sort: order }: RowsRequest): Promise<RowsPage<SubjectRow>> {
    return await call('subjects_list', {
      filter: filter.value,
      sort: order?.key ?? 'name',
      descending: order?.descending ?? false,
      window: { offset, limit },
    });
  }

  function clear(): void {
    query.value = '';
    kind.value = '';
    region.value = '';
  }

  async function add(fields: Record<string, string>): Promise<RecordId> {
    return (await call('subject_add', { fields })).record;
  }

  /** A subject that has this very name or credit code. */
  async function findSame(field: 'name' | 'credit_code', value: string): Promise<SubjectRow | null> {
    const { rows } = await call('subjects_list', {
      filter: { query: value, kind: null, region: null, org: null },
      sort: 'name',
      descending: false,
      window: { offset: 0, limit: LOOK_UP },
    });
    return rows.find((row) => row[field] === value) ?? null;
  }

  async function exportRows(format: 'xlsx' | 'csv'): Promise<FileOut> {
    return await call('subjects_export', { filter: filter.value, format });
  }

  return { query, kind, region, sort, total, chosen, filter, isFiltered, fetch, clear, add, findSame, exportRows };
});
