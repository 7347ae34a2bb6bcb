/** How a text field of a record is written: what `DurableText` asks for. */
import type { EntryId } from '@/bindings/EntryId';
import type { RecordId } from '@/bindings/RecordId';
import type { DurableWrite } from '@/composables/durableWriter';
import { call } from './call';

/** The entries whose value the person saw. */
export type Heads = EntryId[] | undefined;

export interface FieldWrites {
  draft: DurableWrite<Heads>;
  commit: DurableWrite<Heads>;
}

/** `draft` and `commit` for one field. Emptied text empties the field. */
export function fieldWrites(record: RecordId, field: string): FieldWrites {
  return {
    async draft(text) {
      await call('draft_put', { record, field, text });
    },
    async commit(text, heads) {
      const { entry } = await call('field_set', { record, field, value: text === '' ? null : text, over: heads ?? null });
      // What was written just now is what the next change replaces.
      return entry === null ? heads : [entry];
    },
  };
}
