/** Conflicts, and settling them. */
import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { ConflictView } from '@/bindings/ConflictView';
import { call } from '@/core/call';
import { makeQuery } from '@/core/query';

/** One field of one record. */
export function conflictKey({ record, field }: ConflictView): string {
  return `${record}/${field}`;
}

export const useConflicts = defineStore('conflicts', () => {
  const query = makeQuery(async () => (await call('conflicts_list')).conflicts);
  /** Being settled now. */
  const busy = ref<string | null>(null);

  /** All values that the screen shows are replaced; one that arrived meanwhile stands against the new one. */
  async function settle(conflict: ConflictView, value: unknown): Promise<void> {
    busy.value = conflictKey(conflict);
    try {
      await call('conflict_settle', {
        record: conflict.record,
        field: conflict.field,
        value: value ?? null,
        over: conflict.values.map(({ entry }) => entry),
      });
      await query.load();
    } finally {
      busy.value = null;
    }
  }

  return { ...query, busy, settle };
});
