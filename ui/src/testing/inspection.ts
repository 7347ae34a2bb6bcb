/** A whole inspection and its parts for tests: each test changes only what it is about. */
import type { ChecklistView } from '@/bindings/ChecklistView';
import type { EvidenceView } from '@/bindings/EvidenceView';
import type { FieldView } from '@/bindings/FieldView';
import type { HistoryRow } from '@/bindings/HistoryRow';
import type { InspectionView } from '@/bindings/InspectionView';
import type { ItemView } from '@/bindings/ItemView';
import type { SignatureView } from '@/bindings/SignatureView';
import type { VersionView } from '@/bindings/VersionView';
import { delivery, inspectionRow, PACK_HASH } from './samples';

export const INSPECTION = inspectionRow().record;
export const HEAD = '44'.repeat(32);
export const DIGEST = 'd1'.repeat(32);

export function field(value: unknown, more: Partial<FieldView> = {}): FieldView {
  return { value, heads: [HEAD], author: '王建国', is_unjudged: false, at_ms: Date.UTC(2022, 3, 12, 2), is_conflict: false, ...more };
}

export function inspectionView(more: Partial<InspectionView> = {}, fields: Record<string, unknown> = {}): InspectionView {
  const values: Record<string, unknown> = {
    subject: '018f0000-0000-7000-8000-00000000b001',
    subject_name: '东海县安泰安全培训中心',
    subject_kind: 'training_institution',
    'subject/legal_representative': '赵敏',
    inspectors: [
      { person: '018f0000-0000-7000-8000-000000000001', name: '王建国', certificate: '32070000001' },
      { person: null, name: '李芳', certificate: '32070000002' },
    ],
    started_at: Date.UTC(2022, 3, 12, 1),
    ended_at: Date.UTC(2022, 3, 12, 3),
    place: '实操教室',
    identity_shown: true,
    'answers/TI-1.1/result': 'conforms',
    'answers/TI-1.1/facts': '许可证在有效期内',
    'answers/TI-1.4/result': 'nonconforming',
    'answers/TI-1.4/finding/description': '实操教室面积不足',
    'answers/TI-1.4/finding/measure': '增设实操教室',
    'answers/TI-1.4/finding/responsible': '赵敏',
    'answers/TI-1.4/finding/due': '2022-05-01',
    ...fields,
  };
  return {
    record: INSPECTION,
    org: '320700',
    org_name: '连云港市应急管理局',
    is_org_unknown: false,
    pack: 'lyg-2021-training',
    pack_version: '1.0.0',
    pack_hash: PACK_HASH,
    checklist: 'TI',
    stage: 'open',
    may_edit: true,
    may_sign: true,
    number: '（苏连）应急检记〔2022〕1号',
    is_provisional: false,
    fields: Object.fromEntries(Object.entries(values).map(([path, value]) => [path, field(value)])),
    drafts: {},
    evidence: [],
    signatures: [],
    versions: [],
    is_contested: false,
    settlement: null,
    may_settle: false,
    may_annul: true,
    digest: DIGEST,
    counts: { conforms: 1, nonconforming: 1, not_applicable: 0, not_checked: 0, to_verify: 0 },
    asked: ['TI-1.1', 'TI-1.4'],
    late: [],
    conflicts: [],
    needs_newer: 0,
    annulled: null,
    may_undo: false,
    is_sample: false,
    delivery: delivery(),
    ...more,
  };
}

export function signature(more: Partial<SignatureView> = {}): SignatureView {
  return {
    entry: `${more.name ?? '王建国'} ${more.role ?? 'inspector'} ${more.at_ms ?? ''}`,
    version: VERSION,
    standing: 'received',
    lacking: 0,
    received_ms: Date.UTC(2022, 3, 12, 5),
    author: '王建国',
    device: 'd1'.repeat(16),
    device_label: '王建国的笔记本',
    is_unjudged: false,
    is_recorded_by_other: false,
    role: 'inspector',
    name: '王建国',
    method: 'paper',
    mark: null,
    note: '',
    witness: '',
    at_ms: Date.UTC(2022, 3, 12, 4),
    fits: true,
    ...more,
  };
}

/** The name of the signed version that the made-up signatures stand under. */
export const VERSION = '5e'.repeat(32);

export function version(more: Partial<VersionView> = {}): VersionView {
  return {
    version: VERSION,
    signature: 'e5'.repeat(32),
    digest: DIGEST,
    author: '王建国',
    device: 'd1'.repeat(16),
    device_label: '王建国的笔记本',
    is_unjudged: false,
    names: ['王建国'],
    at_ms: Date.UTC(2022, 3, 12, 4),
    received_ms: Date.UTC(2022, 3, 12, 5),
    signature_received_ms: Date.UTC(2022, 3, 12, 5),
    counts: true,
    is_same_content: true,
    leaves_out: [],
    knew_of_first: false,
    has_conflict: false,
    ...more,
  };
}

export function evidence(more: Partial<EvidenceView> = {}): EvidenceView {
  return {
    attachment: 'a1'.repeat(32),
    place: 'answers/TI-1.4',
    blob: 'b1'.repeat(32),
    name: '实操教室.jpg',
    mime: 'image/jpeg',
    size: 2_400_000,
    source: 'camera',
    taken_at_ms: Date.UTC(2022, 3, 12, 1, 30),
    latitude: 34.54231,
    longitude: 118.77102,
    camera: null,
    derived_from: null,
    author: '王建国',
    is_unjudged: false,
    at_ms: Date.UTC(2022, 3, 12, 1, 31),
    removed: null,
    is_here: true,
    is_delivered: false,
    ...more,
  };
}

export function checklistItem(id: string, question: string, more: Partial<ItemView> = {}): ItemView {
  return {
    id,
    is_core: true,
    question,
    evidence_codes: [],
    evidence: '',
    bases: [],
    penalties: [],
    finding: '',
    measure: '',
    days: 15,
    basis: '',
    penalty: '',
    data_check: '',
    depends_on: [],
    note: '',
    penalty_note: '',
    certainty: 'F',
    ...more,
  };
}

export function checklistView(more: Partial<ChecklistView> = {}): ChecklistView {
  return {
    pack: 'lyg-2021-training',
    version: '1.0.0',
    pack_title: '安全生产培训“走过场”专项整治',
    id: 'TI',
    title: '安全培训机构检查表',
    sections: [
      {
        id: 'TI-1',
        title: '基本条件',
        applies_to: [],
        note: '',
        items: [checklistItem('TI-1.1', '是否具有法人资格？'), checklistItem('TI-1.4', '实操场地是否符合要求？')],
      },
    ],
    evidence_codes: {},
    ...more,
  };
}

export function historyRow(more: Partial<HistoryRow> = {}): HistoryRow {
  return {
    entry: 'e1'.repeat(32),
    device: '7d3f00112233445566778899aabbccdd7d3f00112233445566778899aabbccdd',
    device_label: '执法一科 3 号',
    seq: 12,
    author: '王建国',
    is_unjudged: false,
    at_ms: Date.UTC(2022, 3, 12, 2),
    bounds: { since_ms: Date.UTC(2022, 3, 12, 0), received_ms: Date.UTC(2022, 3, 12, 6), seen_ms: null },
    claim: 'within',
    what: 'set',
    field: 'answers/TI-1.4/result',
    value: 'nonconforming',
    before: '',
    delivery: 'delivered',
    refused: null,
    is_late: false,
    is_again: false,
    ...more,
  };
}
