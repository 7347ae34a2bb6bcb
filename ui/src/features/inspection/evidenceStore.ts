/** Evidence on its way into the ledger: several files at once, each with its own progress and its own failure. */
import { defineStore } from 'pinia';
import { reactive } from 'vue';
import type { EntryId } from '@/bindings/EntryId';
import type { RecordId } from '@/bindings/RecordId';
import { call } from '@/core/call';
import { useEvent } from '@/core/events';
import { sourceOf } from '@/core/files';
import { ApiError, describeError } from '@/errors';
import type { ChosenFile } from '@/platform';

export type Origin = 'camera' | 'file' | 'paste' | 'drop' | 'drawn';

export interface Taking {
  id: string;
  record: RecordId;
  place: string;
  name: string;
  share: number | null;
  failure?: string;
  chosen: ChosenFile;
  origin: Origin;
  derivedFrom: EntryId | null;
}

let last = 0;

export const useEvidence = defineStore('evidence', () => {
  const taking = reactive<Taking[]>([]);
  let running: Promise<void> | null = null;

  // A file that the core reads from the disk itself says how far it is.
  useEvent('taking', ({ place, name, done, total }) => {
    const one = taking.find((other) => other.place === place && other.name === name && other.failure === undefined);
    if (one && total > 0) one.share = done / total;
  });

  function of(record: RecordId, place: string): Taking[] {
    return taking.filter((one) => one.record === record && one.place === place);
  }

  function dismiss(id: string): void {
    const at = taking.findIndex((one) => one.id === id);
    if (at >= 0) taking.splice(at, 1);
  }

  async function take(one: Taking): Promise<void> {
    one.share = 0;
    try {
      const source = await sourceOf(one.chosen, {
        onProgress: (done, total) => {
          one.share = total > 0 ? done / total : null;
        },
      });
      const { results } = await call('evidence_add', {
        record: one.record,
        place: one.place,
        files: [{ source, origin: one.origin, derived_from: one.derivedFrom }],
      });
      const error = results[0]?.error;
      if (error) throw ApiError.from(error);
      dismiss(one.id);
    } catch (cause) {
      one.failure = describeError(cause).happened;
      one.share = null;
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      const next = taking.find((one) => one.share === null && one.failure === undefined);
      if (!next) break;
      await take(next);
    }
    running = null;
  }

  /** Takes files in, one after the other; none keeps the others out. */
  function add(record: RecordId, place: string, files: ChosenFile[], origin: Origin, derivedFrom: EntryId | null = null): Promise<void> {
    for (const chosen of files) {
      last += 1;
      taking.push({ id: `taking-${last}`, record, place, name: chosen.name, share: null, chosen, origin, derivedFrom });
    }
    running ??= run();
    return running;
  }

  function retry(id: string): void {
    const one = taking.find((other) => other.id === id);
    if (!one) return;
    delete one.failure;
    one.share = null;
    running ??= run();
  }

  async function remove(record: RecordId, attachment: EntryId, reason: string): Promise<void> {
    await call('evidence_remove', { record, attachment, reason });
  }

  async function restore(record: RecordId, attachment: EntryId): Promise<void> {
    await call('evidence_restore', { record, attachment, reason: '' });
  }

  return { taking, of, add, retry, dismiss, remove, restore };
});
