/** One inspection on its way to being a document: what is missing, its number, its paper, its signatures, its scan. */
import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { EntryId } from '@/bindings/EntryId';
import type { EvidenceResult } from '@/bindings/EvidenceResult';
import type { FileOut } from '@/bindings/FileOut';
import type { RecordId } from '@/bindings/RecordId';
import type { SignatureAdd } from '@/bindings/SignatureAdd';
import { commitAllTexts } from '@/composables/durableWriter';
import { call } from '@/core/call';
import { drawnFile, sourceOf } from '@/core/files';
import { makeQuery } from '@/core/query';
import type { ChosenFile } from '@/platform';
import { SCAN_PLACE } from './signing';

/** What the dialog hands over: the mark is a drawing that is still to be sent. */
export type SignAsk = Omit<SignatureAdd, 'record' | 'mark'> & { mark: Blob | null };

export const useFinish = defineStore('finish', () => {
  const record = ref<RecordId>('');
  const inspection = makeQuery(() => call('inspection_get', { record: record.value }));
  const missing = makeQuery(() => call('inspection_missing', { record: record.value }));

  async function load(): Promise<void> {
    await Promise.all([inspection.load(), missing.load()]);
  }

  async function open(next: RecordId): Promise<void> {
    if (next !== record.value) {
      inspection.reset();
      missing.reset();
      record.value = next;
    }
    await load();
  }

  /** Gives a field that is chosen, not typed, its value. */
  async function choose(field: string, value: unknown, over: EntryId[] | undefined): Promise<void> {
    await call('field_set', { record: record.value, field, value, over: over ?? null });
    await load();
  }

  /** False when there was no other number to take. */
  async function takeNumber(): Promise<boolean> {
    const { entry } = await call('number_take', { record: record.value });
    await load();
    return entry !== null;
  }

  async function voidNumber(reason: string): Promise<void> {
    await call('number_void', { record: record.value, reason });
    await load();
  }

  async function annul(reason: string): Promise<void> {
    await call('inspection_annul', { record: record.value, reason });
    await load();
  }

  /** Brings what is typed into the ledger and reads it again: what a person signs is what the screen shows. */
  async function settle(): Promise<boolean> {
    const settled = await commitAllTexts();
    await load();
    return settled;
  }

  /** Makes the document of what stands in the ledger; what is being typed goes in first. */
  async function paper(): Promise<FileOut> {
    await settle();
    return await call('inspection_paper', { record: record.value });
  }

  async function sign({ mark, ...ask }: SignAsk): Promise<void> {
    try {
      const source = mark === null ? null : await sourceOf(drawnFile('signature.png', mark));
      await call('signature_add', { ...ask, record: record.value, mark: source });
    } finally {
      // Also after a refusal: the usual reason is that the content is not the one shown.
      await load();
    }
  }

  async function addScans(files: ChosenFile[], origin: string): Promise<EvidenceResult[]> {
    const sources = [];
    for (const file of files) sources.push(await sourceOf(file));
    const { results } = await call('evidence_add', {
      record: record.value,
      place: SCAN_PLACE,
      files: sources.map((source) => ({ source, origin, derived_from: null })),
    });
    await load();
    return results;
  }

  async function removeScan(attachment: EntryId, reason: string): Promise<void> {
    await call('evidence_remove', { record: record.value, attachment, reason });
    await load();
  }

  return { record, inspection, missing, load, open, choose, takeNumber, voidNumber, annul, paper, settle, sign, addScans, removeScan };
});
