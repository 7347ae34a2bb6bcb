/** One subject with its inspections and findings. */
import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { EntryId } from '@/bindings/EntryId';
import type { RecordId } from '@/bindings/RecordId';
import { call } from '@/core/call';
import { makeQuery } from '@/core/query';

export const useSubject = defineStore('subject', () => {
  const record = ref<RecordId>('');
  const query = makeQuery(() => call('subject_get', { record: record.value }));

  async function open(next: RecordId): Promise<void> {
    if (next !== record.value) {
      query.reset();
      record.value = next;
    }
    await query.load();
  }

  /** Gives a field that is chosen, not typed, its value. */
  async function choose(field: string, value: string, over: EntryId[] | undefined): Promise<void> {
    await call('field_set', { record: record.value, field, value: value === '' ? null : value, over: over ?? null });
    await query.load();
  }

  return { ...query, record, open, choose };
});
