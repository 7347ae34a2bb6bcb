/** The campaign packs at hand: phases and checklists, for filters and for naming what a record holds. */
import { defineStore } from 'pinia';
import { computed } from 'vue';
import { call } from '@/core/call';
import { makeQuery } from '@/core/query';
import { useSynced } from '@/core/synced';

export const usePacks = defineStore('packs', () => {
  const query = makeQuery(() => call('packs_list'));

  const packs = computed(() => query.data.value?.packs ?? []);
  /** The packs that new inspections are begun with: of each the highest version at hand of the highest bureau. */
  const counting = computed(() => packs.value.filter(({ standing }) => standing === 'counts'));
  const phases = computed(() => counting.value.flatMap((pack) => pack.phases));
  const checklists = computed(() => counting.value.flatMap((pack) => pack.checklists));
  // The core lists what counts first, and of two equal keys a map keeps the last.
  const fromLast = computed(() => [...packs.value].reverse());
  const phaseTitles = computed(() => new Map(fromLast.value.flatMap((pack) => pack.phases.map(({ id, title }) => [id, title]))));
  const checklistTitles = computed(() => new Map(fromLast.value.flatMap((pack) => pack.checklists.map(({ id, title }) => [id, title]))));

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

  return { ...query, packs, counting, phases, checklists, ensure, phaseTitle, checklistTitle };
});
