/** The inspection that is being filled in: its record, its checklist and what the last one said. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { ChecklistView } from '@/bindings/ChecklistView';
import type { InspectionView } from '@/bindings/InspectionView';
import type { InspectorView } from '@/bindings/InspectorView';
import type { ItemView } from '@/bindings/ItemView';
import type { RecordId } from '@/bindings/RecordId';
import { call } from '@/core/call';
import { makeQuery } from '@/core/query';

/** The day that a moment lies in by Beijing time, as `YYYY-MM-DD`. */
export function dayOf(ms: number): string {
  return new Date(ms + 8 * 3_600_000).toISOString().slice(0, 10);
}

export interface PlacedItem {
  item: ItemView;
  section: string;
  sectionTitle: string;
}

export const useInspection = defineStore('inspection', () => {
  const record = ref<RecordId>('');
  const query = makeQuery(() => call('inspection_get', { record: record.value }));
  const previous = makeQuery(() => call('inspection_previous', { record: record.value }));
  const missing = makeQuery(() => call('inspection_missing', { record: record.value }));
  const checklist = shallowRef<ChecklistView | null>(null);
  const checklistError = shallowRef<unknown>(null);
  let shownChecklist = '';

  const view = computed<InspectionView | null>(() => query.data.value);
  const items = computed<PlacedItem[]>(() =>
    (checklist.value?.sections ?? []).flatMap((section) =>
      section.items.map((item) => ({ item, section: section.id, sectionTitle: section.title })),
    ),
  );

  async function loadChecklist(): Promise<void> {
    const now = view.value;
    if (!now) return;
    const started = now.fields.started_at?.value;
    const day = dayOf(typeof started === 'number' ? started : Date.now());
    const wanted = [now.pack, now.pack_version, now.pack_hash ?? '', now.checklist, day].join(' ');
    if (wanted === shownChecklist) return;
    try {
      const { pack, pack_version: version, pack_hash: hash } = now;
      checklist.value = await call('checklist_get', { pack, version, hash, checklist: now.checklist, day });
      checklistError.value = null;
      shownChecklist = wanted;
    } catch (cause) {
      checklistError.value = cause;
    }
  }

  async function load(): Promise<void> {
    await query.load();
    await Promise.all([loadChecklist(), missing.load()]);
  }

  async function open(next: RecordId): Promise<void> {
    if (next !== record.value) {
      for (const one of [query, previous, missing]) one.reset();
      record.value = next;
      checklist.value = null;
      shownChecklist = '';
    }
    await Promise.all([load(), previous.load()]);
  }

  /** Gives a field that is chosen, not typed, its value; durable when this resolves. */
  async function choose(field: string, value: unknown): Promise<void> {
    const over = view.value?.fields[field]?.heads ?? null;
    await call('field_set', { record: record.value, field, value, over });
    await load();
  }

  async function setInspectors(list: InspectorView[]): Promise<void> {
    await choose('inspectors', list);
  }

  /** Takes the last thing back; the field that changed, if any. */
  async function undo(): Promise<string | null> {
    const { field } = await call('undo', { record: record.value });
    if (field !== null) await load();
    return field;
  }

  return {
    ...query,
    record,
    view,
    items,
    checklist,
    checklistError,
    previous: previous.data,
    missing: missing.data,
    loadAll: load,
    open,
    choose,
    setInspectors,
    undo,
  };
});
