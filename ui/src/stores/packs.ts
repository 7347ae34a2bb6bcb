/** The campaign packs at hand: phases and checklists, for filters and for naming what a record holds. */
import { defineStore } from 'pinia';
import { computed } from 'vue';
import { call } from '@/core/call';
import { makeQuery } from '@/core/query';
import { useSynced } from '@/core/synced';

export const usePacks = defineStore('packs', () => {
  const query = makeQuery(() => call('packs_list'));

  const packs = computed(() => query.data.value?.packs ?? []);
  /** The newest version of each pack, whose contents have arrived. */
  const newest = computed(() => {
    const seen = new Set<string>();
    return packs.value.filter(({ id, is_here: isHere }) => isHere && !seen.has(id) && seen.add(id));
  });
  const phases = computed(() => newest.value.flatMap((pack) => pack.phases));
  const checklists = computed(() => newest.value.flatMap((pack) => pack.checklists));
  const phaseTitles = computed(() => new Map(packs.value.flatMap((pack) => pack.phases.map(({ id, title }) => [id, title]))));
  const checklistTitles = computed(() => new Map(packs.value.flatMap((pack) => pack.checklists.map(({ id, title }) => [id, title]))));

  /** Asks the core unless the answer is at hand already. */
  async function ensure(): Promise<void> {
    if (query.data.value === null) await query.load();
  }

  function phaseTitle(id: string): string {
    return phaseTitles.value.get(id) ?? id;
  }

  function checklistTitle(id: string): string {
    return checklistTitles.value.get(id) ?? id;
  }

  // Only sync brings another one.
  useSynced(() => {
    if (query.data.value !== null) void query.load();
  });

  return { ...query, packs, newest, phases, checklists, ensure, phaseTitle, checklistTitle };
});
