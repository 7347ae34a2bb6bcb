/** The state of synchronisation, kept by events. It backs the chip that every screen shows. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { SyncStatus } from '@/bindings/SyncStatus';
import { call } from '@/core/call';
import { onEvent, useChanged } from '@/core/events';

export const useSync = defineStore('sync', () => {
  const status = shallowRef<SyncStatus | null>(null);
  /** Those that this person may settle: others ask nothing of them. */
  const conflicts = ref(0);
  const error = ref<unknown>(null);

  const waiting = computed(() => (status.value ? status.value.waiting_entries + status.value.waiting_blobs : 0));

  async function load(): Promise<void> {
    try {
      status.value = await call('sync_status');
      await countConflicts();
      error.value = null;
    } catch (cause) {
      error.value = cause;
    }
  }

  async function countConflicts(): Promise<void> {
    const found = (await call('conflicts_list')).conflicts;
    conflicts.value = found.filter(({ may_settle: isMine }) => isMine).length;
  }

  onEvent('sync', ({ state }) => {
    status.value = state;
  });

  useChanged(
    () => true,
    () => {
      countConflicts().catch((cause: unknown) => {
        error.value = cause;
      });
    },
    1_000,
  );

  return { status, conflicts, waiting, error, load };
});
