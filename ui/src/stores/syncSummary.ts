/** Where the work of this laptop stands, in one line: the chip in the top bar. */
import { defineStore } from 'pinia';
import { ref } from 'vue';

export interface SyncSummary {
  /** Can the server be reached, as far as is known? */
  online: boolean;
  sending: boolean;
  /** Entries and evidence saved here and not yet delivered. */
  waiting: number;
  /** Conflicts and refused entries: only a person can settle them. */
  needs_you: number;
}

export const useSyncSummary = defineStore('sync-summary', () => {
  const summary = ref<SyncSummary | null>(null);
  return { summary };
});
