/** Who is who: organisations, people and regions, kept for as long as nothing about them changes. */
import { defineStore } from 'pinia';
import { computed } from 'vue';
import { call } from '@/core/call';
import { makeQuery } from '@/core/query';
import { useSynced } from '@/core/synced';
import { useApp } from './app';

export const useDirectory = defineStore('directory', () => {
  const app = useApp();
  const query = makeQuery(() => call('directory_get'));

  const regions = computed(() => query.data.value?.regions ?? []);
  const orgs = computed(() => query.data.value?.orgs ?? []);
  const people = computed(() => query.data.value?.people ?? []);
  const regionNames = computed(() => new Map(regions.value.map(({ code, name }) => [code, name])));
  const orgNames = computed(() => new Map(orgs.value.map(({ code, name }) => [code, name])));

  /** The region of the organisation that works here; empty for one that has none. */
  const homeRegion = computed(() => orgs.value.find(({ code }) => code === app.me?.org)?.region ?? '');

  /** Asks the core unless the answer is at hand already. */
  async function ensure(): Promise<void> {
    if (query.data.value === null) await query.load();
  }

  /** The name of a region; its code where the name is not known. */
  function regionName(code: string): string {
    return regionNames.value.get(code) ?? code;
  }

  /** The name of an organisation; its code where the name is not known. */
  function orgName(code: string): string {
    return orgNames.value.get(code) ?? code;
  }

  // Only sync brings another one.
  useSynced(() => {
    if (query.data.value !== null) void query.load();
  });

  return { ...query, regions, orgs, people, homeRegion, ensure, regionName, orgName };
});
