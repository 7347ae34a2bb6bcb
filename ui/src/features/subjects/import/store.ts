/** Importing a roster: the file, which column holds what, what an import would do, and what it did. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { FileOut } from '@/bindings/FileOut';
import type { RosterMapping } from '@/bindings/RosterMapping';
import type { RosterPreview } from '@/bindings/RosterPreview';
import type { RosterReport } from '@/bindings/RosterReport';
import type { RosterView } from '@/bindings/RosterView';
import { call } from '@/core/call';
import { useEvent } from '@/core/events';
import { sourceOf } from '@/core/files';
import type { ChosenFile } from '@/platform';
import type { RosterField } from './roster';

export type ImportStep = 'file' | 'match' | 'preview' | 'report';

export const useRoster = defineStore('roster', () => {
  const step = ref<ImportStep>('file');
  const fileName = ref('');
  const roster = shallowRef<RosterView | null>(null);
  const sheetName = ref('');
  const mapping = ref<Record<string, number>>({});
  const defaultKind = ref('');
  const defaultRegion = ref('');
  const preview = shallowRef<RosterPreview | null>(null);
  const report = shallowRef<RosterReport | null>(null);
  const busy = ref(false);
  const error = shallowRef<unknown>(null);
  const progress = ref<{ done: number; total: number } | null>(null);

  const sheet = computed(() => roster.value?.sheets.find(({ name }) => name === sheetName.value) ?? null);

  async function attempt(act: () => Promise<void>): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    error.value = null;
    progress.value = null;
    try {
      await act();
    } catch (cause) {
      error.value = cause;
    } finally {
      busy.value = false;
      progress.value = null;
    }
  }

  function chooseSheet(name: string): void {
    sheetName.value = name;
    mapping.value = { ...sheet.value?.mapping };
  }

  function read(chosen: ChosenFile): Promise<void> {
    return attempt(async () => {
      fileName.value = chosen.name;
      roster.value = await call('roster_open', { source: await sourceOf(chosen) });
      chooseSheet(roster.value.sheets[0]?.name ?? '');
      step.value = 'match';
    });
  }

  /** `null`: the field is not imported. */
  function assign(field: RosterField, column: number | null): void {
    const others = Object.entries(mapping.value).filter(([name]) => name !== field);
    mapping.value = Object.fromEntries(column === null ? others : [...others, [field, column]]);
  }

  function asked(): RosterMapping {
    return {
      roster: roster.value?.roster ?? '',
      sheet: sheetName.value,
      mapping: mapping.value,
      default_kind: defaultKind.value || null,
      default_region: defaultRegion.value || null,
    };
  }

  function check(): Promise<void> {
    return attempt(async () => {
      preview.value = await call('roster_preview', asked());
      step.value = 'preview';
    });
  }

  function take(): Promise<void> {
    return attempt(async () => {
      report.value = await call('roster_take', asked());
      step.value = 'report';
    });
  }

  async function exportLeft(): Promise<FileOut> {
    return await call('roster_left_export', asked());
  }

  function goTo(next: ImportStep): void {
    error.value = null;
    step.value = next;
  }

  function reset(): void {
    step.value = 'file';
    fileName.value = '';
    roster.value = null;
    mapping.value = {};
    sheetName.value = '';
    preview.value = null;
    report.value = null;
    error.value = null;
  }

  useEvent('progress', ({ task, done, total }) => {
    if (busy.value && task.startsWith('roster')) progress.value = { done, total };
  });

  return {
    step,
    fileName,
    roster,
    sheet,
    sheetName,
    mapping,
    defaultKind,
    defaultRegion,
    preview,
    report,
    busy,
    error,
    progress,
    read,
    chooseSheet,
    assign,
    check,
    take,
    exportLeft,
    goTo,
    reset,
  };
});
