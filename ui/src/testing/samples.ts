/** Whole answers of the core for tests: each test changes only what it is about. */
import type { AppStatus } from '@/bindings/AppStatus';
import type { Delivery } from '@/bindings/Delivery';
import type { DirectoryView } from '@/bindings/DirectoryView';
import type { FindingRow } from '@/bindings/FindingRow';
import type { InspectionRow } from '@/bindings/InspectionRow';
import type { Me } from '@/bindings/Me';
import type { Overview } from '@/bindings/Overview';
import type { PacksList } from '@/bindings/PacksList';
import type { SubjectRow } from '@/bindings/SubjectRow';
import type { SyncStatus } from '@/bindings/SyncStatus';
import type { Workbench } from '@/bindings/Workbench';

export function me(more: Partial<Me> = {}): Me {
  return {
    person: '018f0000-0000-7000-8000-000000000001',
    name: '王建国',
    certificate: '32070000001',
    org: '320700',
    org_name: '连云港市应急管理局',
    role: 'inspector',
    device: '7d3f',
    server_name: '连云港市应急管理局实查服务器',
    server_url: 'https://server.test',
    server_fingerprint: '9F3A 00C1 7B2D E4F5 8890 1A2B 3C4D 5E6F',
    ...more,
  };
}

export function appStatus(more: Partial<AppStatus> = {}): AppStatus {
  return {
    stage: 'ready',
    version: '0.1.0',
    me: me(),
    is_sample: false,
    has_keychain: true,
    salvage: null,
    order: null,
    asked: null,
    language: 'zh-CN',
    ...more,
  };
}

export function delivery(more: Partial<Delivery> = {}): Delivery {
  return { place: 'here', waiting_entries: 0, waiting_blobs: 0, waiting_bytes: 0, receipt_at_ms: null, refused: 0, ...more };
}

export function syncStatus(more: Partial<SyncStatus> = {}): SyncStatus {
  return {
    phase: 'idle',
    waiting_entries: 0,
    waiting_blobs: 0,
    waiting_bytes: 0,
    wanted_blobs: 0,
    bytes_per_s: 0,
    last_success_ms: null,
    last_receipt_ms: null,
    last_error: null,
    next_try_ms: null,
    ...more,
  };
}

export function inspectionRow(more: Partial<InspectionRow> = {}): InspectionRow {
  return {
    record: '018f0000-0000-7000-8000-00000000a001',
    number: '',
    subject: '018f0000-0000-7000-8000-00000000b001',
    subject_name: '东海县安泰安全培训中心',
    subject_kind: 'training_institution',
    region: '320722',
    org: '320700',
    org_name: '连云港市应急管理局',
    kind: 'enforcement',
    phase: 'enforcement',
    checklist: 'TI',
    started_ms: Date.UTC(2022, 3, 12, 1),
    stage: 'open',
    counts: { conforms: 3, nonconforming: 1, not_applicable: 0, not_checked: 0, to_verify: 0 },
    items: 34,
    inspectors: '王建国、李芳',
    conflicts: 0,
    late: 0,
    updated_ms: Date.UTC(2022, 3, 12, 2),
    is_sample: false,
    delivery: delivery(),
    ...more,
  };
}

export function findingRow(more: Partial<FindingRow> = {}): FindingRow {
  return {
    record: '018f0000-0000-7000-8000-00000000c001',
    inspection: '018f0000-0000-7000-8000-00000000a001',
    subject: '018f0000-0000-7000-8000-00000000b001',
    subject_name: '东海县安泰安全培训中心',
    item: 'TI-1.4',
    description: '实操教室面积不足',
    measure: '增设实操教室',
    responsible: '赵敏',
    due: '2022-05-01',
    days_left: 5,
    state: 'ordered',
    org: '320700',
    region: '320722',
    is_sample: false,
    ...more,
  };
}

export function subjectRow(more: Partial<SubjectRow> = {}): SubjectRow {
  return {
    record: '018f0000-0000-7000-8000-00000000b001',
    name: '东海县安泰安全培训中心',
    credit_code: '91320722MA1ABCDE0T',
    kind: 'training_institution',
    region: '320722',
    address: '牛山街道和平路 1 号',
    legal_representative: '赵敏',
    phone: '13900000000',
    org: '320722',
    last_inspected_ms: null,
    open_findings: 0,
    is_sample: false,
    ...more,
  };
}

export function workbench(more: Partial<Workbench> = {}): Workbench {
  return {
    open: [],
    open_total: 0,
    due: [],
    due_total: 0,
    obligations: [],
    waiting: delivery(),
    conflicts: 0,
    needs_newer: 0,
    numbers: [],
    signed_total: 0,
    subjects_total: 0,
    ...more,
  };
}

export function directory(more: Partial<DirectoryView> = {}): DirectoryView {
  return {
    orgs: [
      { code: '320700', name: '连云港市应急管理局', kind: 'city', region: '320700' },
      { code: '320722', name: '东海县应急管理局', kind: 'county', region: '320722' },
    ],
    people: [],
    regions: [
      { code: '320722', name: '东海县', certainty: 'F' },
      { code: '320706', name: '海州区', certainty: 'F' },
    ],
    ...more,
  };
}

/** The hash of the pack's bytes. */
export const PACK_HASH = 'bc'.repeat(32);

export function packsList(): PacksList {
  return {
    packs: [
      {
        id: 'lyg-2021-training',
        version: '1.0.0',
        hash: PACK_HASH,
        title: '安全生产培训“走过场”专项整治',
        org: '320700',
        org_name: '连云港市应急管理局',
        standing: 'counts',
        above: null,
        received_ms: Date.UTC(2022, 0, 4, 1),
        phases: [{ id: 'enforcement', title: '执法检查阶段', from: '2022-04-01', to: '2022-07-31', certainty: 'F', note: '' }],
        checklists: [{ id: 'TI', title: '安全培训机构检查表', subject_kind: 'training_institution', items: 34 }],
        is_here: true,
      },
    ],
  };
}

/** A county's pack of the same id, which a bureau above publishes too. */
export function packBelow(more: Partial<PacksList['packs'][number]> = {}): PacksList['packs'][number][] {
  return packsList().packs.map((pack) => ({
    ...pack,
    version: '9.0.0',
    hash: 'ee'.repeat(32),
    title: '县里改的模板',
    checklists: pack.checklists.map((list) => ({ ...list, title: '县里改的检查表' })),
    org: '320722',
    org_name: '东海县应急管理局',
    standing: 'below',
    above: '连云港市应急管理局',
    ...more,
  }));
}

export function overview(more: Partial<Overview> = {}): Overview {
  return {
    inspections: 42,
    signed: 40,
    subjects_inspected: 30,
    subjects: 200,
    findings: 65,
    conflicts: 1,
    late: 0,
    by_org: [
      { key: '320700', name: '连云港市应急管理局', inspections: 12, signed: 12, findings: 20 },
      { key: '320722', name: '东海县应急管理局', inspections: 30, signed: 28, findings: 45 },
    ],
    by_item: [
      { item: 'TI-1.4', question: '实操教室面积是否达到要求', answered: 40, nonconforming: 18 },
      { item: 'TI-2.1', question: '是否按大纲和学时培训', answered: 42, nonconforming: 7 },
      { item: 'TI-1.1', question: '是否取得资质', answered: 42, nonconforming: 0 },
    ],
    by_week: [
      { key: '2022-04-04', name: '2022-04-04', inspections: 20, signed: 20, findings: 30 },
      { key: '2022-04-18', name: '2022-04-18', inspections: 22, signed: 20, findings: 35 },
    ],
    by_kind: [
      { key: 'exam_institution', name: '考试机构', inspections: 2, signed: 2, findings: 5 },
      { key: 'training_institution', name: '安全培训机构', inspections: 40, signed: 38, findings: 60 },
    ],
    ...more,
  };
}
