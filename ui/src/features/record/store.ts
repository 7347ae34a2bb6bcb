/** One record to look at: an inspection with its checklist, or a finding; and what was done to it. */
import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { ChecklistView } from '@/bindings/ChecklistView';
import type { FileOut } from '@/bindings/FileOut';
import type { FindingRow } from '@/bindings/FindingRow';
import type { InspectionView } from '@/bindings/InspectionView';
import type { RecordId } from '@/bindings/RecordId';
import { call } from '@/core/call';
import { makeQuery } from '@/core/query';
import { dayOf, today } from '@/days';
import { ApiError } from '@/errors';

/** Of one subject; more findings than that nobody lists. */
const MOST_FINDINGS = 500;

async function askInspection(record: RecordId): Promise<{ inspection: InspectionView | null }> {
  try {
    return { inspection: await call('inspection_get', { record }) };
  } catch (cause) {
    // It may be a record of another kind: the history knows every one.
    if (ApiError.from(cause).code === 'not_found') return { inspection: null };
    throw cause;
  }
}

async function askChecklist(view: InspectionView): Promise<{ checklist: ChecklistView | null }> {
  const started = view.fields.started_at?.value;
  const day = typeof started === 'number' ? dayOf(started) : today();
  try {
    const { pack, pack_version: version, pack_hash: hash } = view;
    return { checklist: await call('checklist_get', { pack, version, hash, checklist: view.checklist, day }) };
  } catch (cause) {
    // The pack has not arrived here yet: the answers can be shown without its questions.
    if (ApiError.from(cause).code === 'not_found') return { checklist: null };
    throw cause;
  }
}

/** The row of a finding, looked for among those of its subject, whose name its first entry tells. */
async function askFinding(record: RecordId, subject: string): Promise<FindingRow | null> {
  const { rows } = await call('findings_list', {
    filter: { query: subject || null, org: null, region: null, item: null, state: null, due_before: null, subject: null },
    sort: 'due',
    descending: false,
    window: { offset: 0, limit: MOST_FINDINGS },
  });
  return rows.find((row) => row.record === record) ?? null;
}

export const useRecord = defineStore('record', () => {
  const record = ref<RecordId>('');
  const inspection = makeQuery(() => askInspection(record.value));
  const history = makeQuery(() => call('record_history', { record: record.value }));
  const checklist = makeQuery(async () => {
    const view = inspection.data.value?.inspection;
    return view ? await askChecklist(view) : { checklist: null };
  });
  const finding = makeQuery(async () => {
    const opened = history.data.value?.rows.find(({ what }) => what === 'opened');
    return { row: await askFinding(record.value, opened?.value ?? '') };
  });

  async function load(): Promise<void> {
    await inspection.load();
    const answer = inspection.data.value;
    if (!answer) return;
    if (answer.inspection) {
      await checklist.load();
      return;
    }
    await history.load();
    if (history.data.value) await finding.load();
  }

  async function open(next: RecordId): Promise<void> {
    if (next !== record.value) {
      for (const query of [inspection, history, checklist, finding]) query.reset();
      record.value = next;
    }
    await load();
  }

  /** Only what is on the screen is asked again. */
  async function changed(): Promise<void> {
    await load();
    if (history.data.value && inspection.data.value?.inspection) await history.load();
  }

  /** The paper of the version that counts, or of another one that was chosen to be looked at. */
  async function paper(version: string | null): Promise<FileOut> {
    if (version !== null) return await call('version_paper', { record: record.value, version });
    return await call('inspection_paper', { record: record.value });
  }

  async function settle(version: string, reason: string): Promise<void> {
    await call('version_settle', { record: record.value, version, reason });
    await load();
  }

  async function annul(reason: string): Promise<void> {
    await call('inspection_annul', { record: record.value, reason });
    await load();
  }

  return { record, inspection, history, checklist, finding, open, load, changed, paper, settle, annul };
});
