/** What is mine, what is due, what waits. */
import { defineStore } from 'pinia';
import { computed } from 'vue';
import { call } from '@/core/call';
import { makeQuery } from '@/core/query';

export const useWorkbench = defineStore('workbench', () => {
  const query = makeQuery(() => call('workbench_get'));

  /** The inspection that was touched last. */
  const last = computed(() => {
    const open = query.data.value?.open ?? [];
    return open.reduce<(typeof open)[number] | null>((newest, row) => (newest && newest.updated_ms >= row.updated_ms ? newest : row), null);
  });

  const overdue = computed(() => (query.data.value?.due ?? []).filter(({ days_left: days }) => days !== null && days < 0).length);

  /** Nothing was inspected yet. */
  const isFirstUse = computed(() => {
    const view = query.data.value;
    return view !== null && view.open_total === 0 && view.signed_total === 0;
  });

  return { ...query, last, overdue, isFirstUse };
});
