/** The figures of the overview, and of which inspections they are. Both stay as they were when the person comes back. */
import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import type { FileOut } from '@/bindings/FileOut';
import type { InspectionFilter } from '@/bindings/InspectionFilter';
import { call } from '@/core/call';
import { emptyInspectionFilter } from '@/core/inspectionFilter';
import { makeQuery } from '@/core/query';
import { beginOf, dayAfter } from '@/days';

export const useOverview = defineStore('overview', () => {
  const region = ref('');
  const kind = ref('');
  const phase = ref('');
  const checklist = ref('');
  /** First and last day, both counted. */
  const dates = ref<[string, string] | null>(null);

  const filter = computed<InspectionFilter>(() => ({
    ...emptyInspectionFilter(),
    region: region.value || null,
    subject_kind: kind.value || null,
    phase: phase.value || null,
    checklist: checklist.value || null,
    from_ms: dates.value ? beginOf(dates.value[0]) : null,
    to_ms: dates.value ? beginOf(dayAfter(dates.value[1], 1)) : null,
  }));
  const isFiltered = computed(() => dates.value !== null || [region, kind, phase, checklist].some(({ value }) => value !== ''));

  const query = makeQuery(() => call('overview_get', { filter: filter.value }));

  function clear(): void {
    region.value = '';
    kind.value = '';
    phase.value = '';
    checklist.value = '';
    dates.value = null;
  }

  async function exportFigures(): Promise<FileOut> {
    return await call('overview_export', { filter: filter.value });
  }

  watch(filter, () => void query.load());

  return { ...query, region, kind, phase, checklist, dates, filter, isFiltered, clear, exportFigures };
});
