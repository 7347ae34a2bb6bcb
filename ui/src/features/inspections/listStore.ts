/** The list of inspections: what it was last ordered by, and the questions to the core behind it. */
import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { FileOut } from '@/bindings/FileOut';
import type { InspectionFilter } from '@/bindings/InspectionFilter';
import type { InspectionOpen } from '@/bindings/InspectionOpen';
import type { InspectionRow } from '@/bindings/InspectionRow';
import type { RecordId } from '@/bindings/RecordId';
import type { SubjectRow } from '@/bindings/SubjectRow';
import type { RowsPage, RowsRequest, TableSort } from '@/composables/pagedRows';
import { call } from '@/core/call';

/** Subjects that are offered while one types. */
const OFFERED = 30;

export const useInspectionList = defineStore('inspection-list', () => {
  const sort = ref<TableSort | null>({ key: 'started', descending: true });
  const total = ref<number | null>(null);
  const chosen = ref<ReadonlySet<RecordId>>(new Set());

  async function fetch(filter: InspectionFilter, { offset, limit, sort: order }: RowsRequest): Promise<RowsPage<InspectionRow>> {
    return await call('inspections_list', {
      filter,
      sort: order?.key ?? 'started',
      descending: order?.descending ?? true,
      window: { offset, limit },
    });
  }

  async function exportRows(filter: InspectionFilter): Promise<FileOut> {
    return await call('inspections_export', { filter, format: 'xlsx' });
  }

  async function findSubjects(query: string): Promise<SubjectRow[]> {
    const { rows } = await call('subjects_list', {
      filter: { query: query || null, kind: null, region: null, org: null },
      sort: 'name',
      descending: false,
      window: { offset: 0, limit: OFFERED },
    });
    return rows;
  }

  async function subject(record: RecordId): Promise<SubjectRow> {
    const { fields, org } = await call('subject_get', { record });
    const text = (field: string) => String(fields[field]?.value ?? '');
    return {
      record,
      name: text('name'),
      credit_code: text('credit_code'),
      kind: text('subject_kind'),
      region: text('region'),
      address: text('address'),
      legal_representative: text('legal_representative'),
      phone: text('phone'),
      org,
      last_inspected_ms: null,
      open_findings: 0,
      is_sample: false,
    };
  }

  async function open(request: InspectionOpen): Promise<RecordId> {
    return (await call('inspection_open', request)).record;
  }

  return { sort, total, chosen, fetch, exportRows, findSubjects, subject, open };
});
