/**
 * What a made-up core answers: the campaign's own checklist with a visit half done, lists that are long enough to
 * scroll, and one of everything that can stand on a screen (a conflict, a refused entry, an overdue finding).
 */
import type { Calls } from '@/bindings/calls';
import type { SignatureView } from '@/bindings/SignatureView';
import type { VersionView } from '@/bindings/VersionView';
import type { EvidenceView } from '@/bindings/EvidenceView';
import type { FieldView } from '@/bindings/FieldView';
import type { InspectionRow } from '@/bindings/InspectionRow';
import type { InspectionView } from '@/bindings/InspectionView';
import type { Stage } from '@/bindings/Stage';
import {
  appStatus,
  delivery,
  findingRow,
  inspectionRow,
  me,
  overview,
  subjectRow,
  syncStatus,
  workbench,
} from '../src/testing/samples';
import { adminAudit, adminCodes, adminDevices, adminOrgs, adminPacks, adminPeople, adminRefused, adminUpdates, live, offline } from '../src/testing/admin';
import { updateView } from '../src/testing/updates';
import { nearbySession, nearbyView } from '../src/testing/nearby';
import { checklist, items, pack, regions } from './campaign';
import { AT, CARD, CENTRE, LATER, madeFile, packageAnswers } from './packageAnswers';
import type { AdminPackChecked } from '@/bindings/AdminPackChecked';
import type { NearbySession } from '@/bindings/NearbySession';
import type { OrderView } from '@/bindings/OrderView';
import type { UpdateView } from '@/bindings/UpdateView';
import type { PlaceWaiting } from '@/bindings/PlaceWaiting';

export const RECORD = '018f0000-0000-7000-8000-00000000a001';
export const SUBJECT = '018f0000-0000-7000-8000-00000000b001';
const ENTRY = 'e'.repeat(64);
const OTHER_ENTRY = 'd'.repeat(64);
const HASH = 'a'.repeat(64);
const LIST = 2_000;

const counties = regions.filter(({ code }) => code !== '320700');

function pick<T>(from: readonly T[], at: number): T {
  return from[at % from.length] as T;
}

function field(value: unknown, isConflict = false): FieldView {
  return { value, heads: isConflict ? [ENTRY, OTHER_ENTRY] : [ENTRY], author: '王建国', is_unjudged: false, at_ms: AT, is_conflict: isConflict };
}

const RESULTS = ['conforms', 'conforms', 'nonconforming', 'conforms', 'to_verify', 'not_applicable', 'not_checked'];
const answered = items.slice(0, 14);
const answers = Object.fromEntries(
  answered.flatMap((item, at) => {
    const result = pick(RESULTS, at);
    const base = `answers/${item.id}`;
    const found: [string, FieldView][] = [
      [`${base}/result`, field(result, at === 4)],
      [`${base}/facts`, field('查阅制度汇编和 2021 年度档案，访谈两名管理人员。')],
    ];
    if (result === 'nonconforming') {
      found.push(
        [`${base}/finding/description`, field(item.finding)],
        [`${base}/finding/measure`, field(item.measure)],
        [`${base}/finding/due`, field('2022-04-27')],
      );
    }
    if (result === 'not_checked') found.push([`${base}/reason`, field('当日无培训班，无法查看实操现场。')]);
    return found;
  }),
);

function photo(more: Partial<EvidenceView> = {}): EvidenceView {
  return {
    attachment: ENTRY,
    place: `answers/${answered[2]?.id ?? ''}`,
    blob: HASH,
    name: '实操教室.jpg',
    mime: 'image/jpeg',
    size: 3_400_000,
    source: 'file',
    taken_at_ms: AT,
    latitude: 34.54,
    longitude: 118.77,
    camera: 'HUAWEI P40',
    derived_from: null,
    author: '王建国',
    is_unjudged: false,
    at_ms: AT,
    removed: null,
    is_here: true,
    is_delivered: false,
    ...more,
  };
}

const inspection: InspectionView = {
  record: RECORD,
  org: '320722',
  org_name: '东海县应急管理局',
  is_org_unknown: false,
  pack: pack.id,
  pack_version: pack.version,
  pack_hash: 'bc'.repeat(32),
  checklist: checklist.id,
  stage: 'open',
  may_edit: true,
  may_sign: true,
  number: '（苏东）应急检记〔2022〕12号',
  is_provisional: false,
  fields: {
    subject: field(SUBJECT),
    subject_name: field('东海县安泰安全培训中心'),
    subject_kind: field('training_institution'),
    'subject/credit_code': field('91320722MA1ABCDE0T'),
    'subject/address': field('东海县牛山街道和平路 1 号'),
    'subject/legal_representative': field('赵敏'),
    'subject/position': field('主任'),
    'subject/phone': field('13900000000'),
    region: field('320722'),
    inspection_kind: field('enforcement'),
    checklist: field(checklist.id),
    phase: field('enforcement'),
    pack: field(pack.id),
    pack_version: field(pack.version),
    number: field('（苏东）应急检记〔2022〕12号'),
    inspectors: field([
      { person: me().person, name: '王建国', certificate: '32070000001' },
      { person: null, name: '李芳', certificate: '32070000002' },
    ]),
    started_at: field(AT),
    place: field('东海县牛山街道和平路 1 号办公楼、实操教室'),
    identity_shown: field(true),
    escort: field('赵敏（主任）'),
    ...answers,
  },
  drafts: {},
  evidence: [photo(), photo({ attachment: OTHER_ENTRY, name: '学员签到表.jpg', is_delivered: true })],
  signatures: [],
  versions: [],
  is_contested: false,
  settlement: null,
  may_settle: false,
  may_annul: true,
  digest: 'b'.repeat(64),
  counts: { conforms: 6, nonconforming: 2, not_applicable: 2, not_checked: 2, to_verify: 2 },
  asked: items.map(({ id }) => id),
  late: [],
  conflicts: [`answers/${answered[4]?.id ?? ''}/result`],
  needs_newer: 0,
  annulled: null,
  may_undo: true,
  is_sample: true,
  delivery: delivery({ waiting_entries: 12, waiting_blobs: 1, waiting_bytes: 3_400_000 }),
};

const VERSION = '5e'.repeat(32);

function signature(more: Partial<SignatureView>): SignatureView {
  return {
    entry: OTHER_ENTRY,
    version: VERSION,
    standing: 'received',
    lacking: 0,
    received_ms: LATER,
    author: '王建国',
    device: '7d3f'.repeat(8),
    device_label: '王建国的笔记本',
    is_unjudged: false,
    is_recorded_by_other: false,
    role: 'inspector',
    name: '王建国',
    method: 'screen',
    mark: HASH,
    note: '',
    witness: '',
    at_ms: LATER,
    fits: true,
    ...more,
  };
}

const signedVersion: VersionView = {
  version: VERSION,
  signature: 'c1'.repeat(32),
  digest: 'b'.repeat(64),
  author: '王建国',
  device: '7d3f'.repeat(8),
  device_label: '王建国的笔记本',
  is_unjudged: false,
  names: ['王建国', '李芳', '赵敏'],
  at_ms: LATER,
  received_ms: LATER,
  signature_received_ms: LATER,
  counts: true,
  is_same_content: true,
  leaves_out: [],
  knew_of_first: false,
  has_conflict: false,
};

const signed: InspectionView = {
  ...inspection,
  stage: 'signed',
  may_edit: false,
  may_sign: false,
  fields: { ...inspection.fields, ended_at: field(LATER), summary: field('检查三十四项，发现问题两项，已责令限期改正。') },
  may_annul: false,
  versions: [signedVersion],
  signatures: [
    signature({ entry: 'c1'.repeat(32), name: '王建国' }),
    signature({ entry: 'c2'.repeat(32), name: '李芳', is_recorded_by_other: true }),
    signature({ entry: 'c3'.repeat(32), role: 'subject', name: '赵敏', method: 'refused', mark: null, note: '对第 3 项有异议，拒绝签名。', witness: '园区安监办 陈某' }),
  ],
  late: [
    { entry: OTHER_ENTRY, author: '李芳', is_unjudged: true, at_ms: LATER + 60_000, field: `answers/${answered[0]?.id ?? ''}/facts`, value: '补记', device: '7d3f'.repeat(16) },
  ],
  conflicts: [],
  delivery: delivery({ place: 'seen', receipt_at_ms: LATER }),
};

const NAMES = ['安泰安全培训中心', '远大职业培训学校', '港城特种作业考试点', '恒信化工有限公司', '新海安全技术培训有限公司东海分公司实训基地'];
const KINDS = ['training_institution', 'training_institution', 'exam_institution', 'enterprise'];

function id(prefix: string, at: number): string {
  return `018f0000-0000-7000-8000-${prefix}${at.toString(16).padStart(11, '0')}`;
}

function inspectionAt(at: number): InspectionRow {
  const county = pick(counties, at);
  return inspectionRow({
    record: at === 0 ? RECORD : id('a', at + 16),
    number: at % 5 === 0 ? '' : `（苏连）应急检记〔2022〕${at}号`,
    subject_name: `${county.name}${pick(NAMES, at)}`,
    subject_kind: pick(KINDS, at),
    region: county.code,
    org: county.code,
    org_name: `${county.name}应急管理局`,
    stage: pick(['open', 'signed', 'signed', 'signing', 'annulled'], at),
    kind: pick(['enforcement', 'enforcement', 'cross', 'reinspection'], at),
    conflicts: at % 9 === 0 ? 1 : 0,
    late: at % 14 === 3 ? 1 : 0,
    is_sample: true,
    delivery: delivery({ place: pick(['here', 'delivered', 'seen'] as const, at), receipt_at_ms: at % 3 ? AT : null, waiting_entries: at % 3 ? 0 : 4 }),
  });
}

const FINDING_STATES = ['overdue', 'ordered', 'open', 'rectified', 'escalated', 'verified'];

function findingAt(at: number) {
  const item = pick(items, at * 5);
  const county = pick(counties, at);
  const left = Math.floor(at / 3) - 12;
  return findingRow({
    record: id('c', at),
    subject_name: `${county.name}${pick(NAMES, at)}`,
    item: item.id,
    description: item.finding,
    measure: item.measure,
    due: at % 17 === 16 ? '' : new Date(AT + left * 86_400_000).toISOString().slice(0, 10),
    days_left: at % 17 === 16 ? null : left,
    state: pick(FINDING_STATES, at),
    org: county.code,
    region: county.code,
    is_sample: true,
  });
}

function subjectAt(at: number) {
  const county = pick(counties, at);
  return subjectRow({
    record: at === 0 ? SUBJECT : id('b', at + 16),
    name: `${county.name}${pick(NAMES, at)}`,
    kind: pick(KINDS, at),
    region: county.code,
    last_inspected_ms: at % 3 === 0 ? null : AT,
    open_findings: at % 4,
    is_sample: true,
  });
}

function stretch<T>({ offset, limit }: { offset: number; limit: number }, total: number, at: (index: number) => T): { total: number; rows: T[] } {
  return { total, rows: Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, row) => at(offset + row)) };
}

const figures = overview({
  inspections: 412,
  signed: 388,
  subjects_inspected: 187,
  findings: 655,
  conflicts: 2,
  late: 3,
  by_org: regions.map(({ code, name }, at) => {
    const inspections = 20 + ((at * 29) % 40);
    return { key: code, name: `${name}应急管理局`, inspections, signed: inspections - (at % 4), findings: 30 + ((at * 47) % 60) };
  }),
  by_item: items.map(({ id: item, question }, at) => ({ item, question, answered: 180 - at, nonconforming: Math.max(0, 64 - at * 3) })),
  by_week: Array.from({ length: 18 }, (_, at) => {
    const monday = new Date(Date.UTC(2022, 3, 4 + 7 * at)).toISOString().slice(0, 10);
    const inspections = at === 6 ? 0 : 12 + ((at * 17) % 22);
    return { key: monday, name: monday, inspections, signed: Math.max(0, inspections - (at > 14 ? 6 : 0)), findings: Math.round(inspections * 1.6) };
  }).filter(({ inspections }) => inspections > 0),
  by_kind: [
    { key: 'enterprise', name: '', inspections: 120, signed: 115, findings: 140 },
    { key: 'exam_institution', name: '', inspections: 22, signed: 20, findings: 31 },
    { key: 'training_institution', name: '', inspections: 270, signed: 253, findings: 484 },
  ],
});

const packGood: AdminPackChecked = {
  name: 'lyg-2021-training.json',
  token: 'p1',
  faults: [],
  about: {
    id: pack.id, version: '1.2.0', title: pack.title.zh, valid_from: '2021-12-01', valid_to: '2022-12-31', checklists: 3, items: 96, newest: '1.1.0', above: null, rises: true,
    changes: [
      { part: 'item', kind: 'added', id: 'TI-9.1', title: '是否按规定保存人脸识别签到记录' },
      { part: 'item', kind: 'changed', id: 'TI-1.4', title: answered[3]?.question ?? '' },
      { part: 'obligation', kind: 'removed', id: 'D05', title: '报送执法检查月报' },
    ],
  },
};

const packBad: AdminPackChecked = {
  name: '改过的模板包.json',
  token: null,
  about: null,
  faults: [
    { line: 214, column: 17, path: 'checklists[0].sections[2].items[4].bases[0].law', reason_zh: '没有名为 AQSC-2022 的法律依据', reason_en: 'no law is called AQSC-2022' },
    { line: 1_902, column: 9, path: 'phases[3].to', reason_zh: '结束日期早于开始日期', reason_en: 'it ends before it begins' },
  ],
};

export type Answers = { [N in keyof Calls]?: (request: Calls[N]['request']) => Calls[N]['response'] };

export interface Refusal {
  code: string;
  params: Record<string, unknown>;
}

export interface Scene {
  language: 'zh-CN' | 'en';
  stage?: Stage;
  role?: 'inspector' | 'supervisor' | 'administrator';
  /** The inspection is signed, delivered and read-only. */
  signed?: boolean;
  /** The server does not answer. */
  away?: boolean;
  /** What the administrator did to this computer. */
  order?: OrderView | null;
  /** The computer was enrolled by files and knows no address. */
  byFiles?: boolean;
  /** The place that was asked for by a file. */
  asked?: PlaceWaiting | null;
  /** What goes on with a laptop nearby. */
  nearby?: Partial<NearbySession> | null;
  /** What is said against the file that was chosen. */
  refusal?: Refusal | null;
  /** What is said of updates of the application. */
  update?: Partial<UpdateView>;
}

/** The answers to every call that shows something. */
export function answersOf({ language, stage = 'ready', role = 'inspector', signed: isSigned = false, away: isAway = false, order = null, byFiles = false, asked = null, nearby: going = null, refusal = null, update = {} }: Scene): Answers {
  const nearby = going === null ? null : nearbySession(going);
  const saved = { entry: ENTRY, at_ms: AT };
  const orgs = regions.map(({ code, name }) => ({ code, name: `${name}应急管理局`, kind: code === '320700' ? ('city' as const) : ('county' as const), region: code }));
  return {
    app_status: () => appStatus({ stage, language, order, asked, is_sample: true, me: stage === 'ready' ? me({ role, ...(byFiles ? { server_url: '' } : {}) }) : null }),
    admin_orgs: () => adminOrgs(),
    admin_people: () => adminPeople(isAway ? offline : live),
    admin_devices: () => adminDevices(),
    admin_codes: () => adminCodes(),
    admin_refused: () => adminRefused(),
    admin_packs: () => adminPacks(),
    admin_updates: () => adminUpdates(),
    admin_audit: () => adminAudit(),
    update_get: () => updateView(update),
    update_seen: () => updateView({ ...update, last: null }),
    update_check: () => ({}),
    desktop_get: () => ({ starts_at_logon: false, stays: true, notices: true }),
    setting_set: () => appStatus({ language, is_sample: true, me: me({ role }) }),
    sync_status: () => syncStatus({ waiting_entries: 12, waiting_blobs: 3, waiting_bytes: 9_800_000, last_success_ms: Date.now() - 7_200_000, last_receipt_ms: LATER, phase: 'offline', next_try_ms: Date.now() + 40_000, last_error: { code: 'unreachable', params: {} } }),
    ...packageAnswers(language, refusal),
    nearby_open: () => nearbyView({
      session: nearby,
      found: [
        { instance: 'a1b2c3d4', name: '李芳 · 执法二科 1 号笔记本', address: '192.168.43.9:47820', is_same_version: true },
        { instance: 'ffff0000', name: '周强 · 执法三组', address: '192.168.43.12:47820', is_same_version: false },
      ],
    }),
    nearby_close: () => ({}),
    admin_card: () => madeFile,
    admin_code_make: () => ({
      id: '00112233445566aa', code: 'K7QM-2XRD-9ABF-4T2W', person_name: '张三', org_name: '连云区应急管理局', expires_at_ms: AT + 7 * 86_400_000,
      server_name: CENTRE.name, server_url: 'https://shicha.example.gov.cn', fingerprint: CARD.fingerprint,
    }),
    admin_device_unlock: () => ({ code: '0123-4567-89AB-CDEF-GHJK-MNPQ-RS' }),
    admin_device_revoke: () => {
      throw { code: 'contradiction', params: { reason: 'own', detail: 'x' } };
    },
    admin_pack_check: () => (refusal ? packBad : packGood),
    sync_log: () => ({
      rows: [
        { at_ms: LATER, code: 'pushed', params: { entries: 48 } },
        { at_ms: LATER, code: 'uploaded', params: { blobs: 3, bytes: 9_800_000 } },
        { at_ms: AT, code: 'offline', params: {} },
      ],
      refused: [
        { record: RECORD, title: '东海县安泰安全培训中心 （苏东）应急检记〔2022〕12号', seq: 41, code: 'sealed', what: 'set', field: 'answers/TI-1.4/result', value: 'nonconforming', at_ms: LATER },
      ],
      contested: [
        { place: { device: RECORD, seq: 118, entry: 'ab'.repeat(32) }, device_label: '外勤二号', person_name: '程敬之', entries: 6, first_ms: AT, last_ms: LATER },
      ],
      is_copied: true,
      turned: [{ record: RECORD, title: '东海县安泰安全培训中心 （苏东）应急检记〔2022〕12号' }],
    }),
    conflicts_list: () => ({
      conflicts: [
        {
          record: RECORD,
          record_kind: 'inspection',
          title: '东海县安泰安全培训中心 （苏东）应急检记〔2022〕12号',
          field: `answers/${answered[4]?.id ?? ''}/facts`,
          item: answered[4]?.id ?? null,
          question: answered[4]?.question ?? null,
          values: [
            { entry: ENTRY, value: '抽查 3 个班，其中 1 个班缺学员签到表。', author: '王建国', device_label: '执法一科 3 号笔记本', is_unjudged: false, at_ms: AT, claim: 'within' as const },
            { entry: OTHER_ENTRY, value: '抽查 3 个班，签到表齐全，缺 1 份考试成绩单。', author: '李芳', device_label: '执法二科 1 号笔记本', is_unjudged: true, at_ms: LATER, claim: 'ahead_of_time' as const },
          ],
          may_settle: true,
        },
      ],
    }),
    directory_get: () => ({ orgs, people: [], regions }),
    packs_list: () => ({
      packs: [
        {
          id: pack.id,
          version: pack.version,
          hash: 'bc'.repeat(32),
          title: pack.title.zh,
          org: '320700',
          org_name: '连云港市应急管理局',
          standing: 'counts',
          above: null,
          received_ms: Date.UTC(2022, 0, 4, 1),
          phases: pack.phases.map(({ title, id: phase, from, to, certainty, note }) => ({ id: phase, title: title.zh, from, to, certainty, note: note ?? '' })),
          checklists: pack.checklists.map(({ id: key, title, subject_kind: kind, sections }) => ({
            id: key,
            title: title.zh,
            subject_kind: kind,
            items: sections.reduce((sum, section) => sum + section.items.length, 0),
          })),
          is_here: true,
        },
      ],
    }),
    workbench_get: () =>
      workbench({
        open: [0, 5, 10].map(inspectionAt),
        open_total: 3,
        due: [0, 12, 36, 39, 48].map(findingAt),
        due_total: 19,
        obligations: [
          { code: 'D03', title: '报送自查自改情况', due: '2022-03-31', reporter: '县区应急管理局', receiver: '市应急管理局', note: '', days_left: -12 },
          { code: 'D05', title: '报送执法检查月报', due: '2022-04-25', reporter: '县区应急管理局', receiver: '市应急管理局', note: '', days_left: 13 },
        ],
        waiting: delivery({ waiting_entries: 12, waiting_blobs: 3, waiting_bytes: 9_800_000 }),
        conflicts: 1,
        numbers: [{ word: '苏东', year: 2022, left: 3 }],
        signed_total: 14,
        subjects_total: 200,
      }),
    subjects_list: ({ window }) => stretch(window, LIST, subjectAt),
    subject_get: () => ({
      record: SUBJECT,
      fields: {
        name: field('东海县安泰安全培训中心'),
        credit_code: field('91320722MA1ABCDE0T'),
        subject_kind: field('training_institution'),
        region: field('320722'),
        address: field('东海县牛山街道和平路 1 号'),
        legal_representative: field('赵敏'),
        phone: field('13900000000'),
      },
      drafts: {},
      org: '320722',
      inspections: [0, 1, 2].map(inspectionAt),
      findings: [1, 2, 5].map(findingAt),
      delivery: delivery({ place: 'delivered', receipt_at_ms: LATER }),
      may_edit: true,
      conflicts: 0,
    }),
    inspections_list: ({ window }) => stretch(window, LIST, inspectionAt),
    findings_list: ({ window }) => stretch(window, LIST, findingAt),
    inspection_get: () => (isSigned ? signed : inspection),
    inspection_previous: () => ({
      record: id('a', 999),
      number: '（苏东）应急检记〔2021〕7号',
      started_ms: Date.UTC(2021, 8, 3, 2),
      answers: Object.fromEntries(answered.map((item, at) => [item.id, { result: pick(RESULTS, at + 1), text: '上次检查时制度汇编未以正式文件发布。', evidence: 2 }])),
    }),
    inspection_missing: () => ({
      missing: isSigned
        ? []
        : [
            { lack: 'result', field: `answers/${items[20]?.id ?? ''}/result`, item: items[20]?.id ?? null },
            { lack: 'evidence', field: `answers/${answered[9]?.id ?? ''}`, item: answered[9]?.id ?? null },
            { lack: 'end', field: 'ended_at', item: null },
          ],
    }),
    inspection_paper: () => ({ token: 'paper', name: '现场检查记录.pdf', mime: 'application/pdf', size: 600 }),
    checklist_get: () => checklist,
    record_history: () => ({
      rows: [0, 1, 2, 3].map((at) => ({
        entry: `${at}`.repeat(64),
        device: '7d3f'.repeat(16),
        device_label: '执法一科 3 号笔记本',
        seq: 40 + at,
        author: pick(['王建国', '李芳'], at),
        is_unjudged: at === 3,
        at_ms: AT + at * 600_000,
        bounds: at === 3 ? null : { since_ms: AT - 3_600_000, received_ms: LATER, seen_ms: null },
        claim: at === 2 ? ('back_dated' as const) : at === 3 ? ('not_received' as const) : ('within' as const),
        what: 'set',
        field: `answers/${answered[at]?.id ?? ''}/result`,
        value: pick(RESULTS, at),
        before: '',
        delivery: at === 3 ? 'waiting' : 'delivered',
        refused: null,
        is_late: false,
        is_again: false,
      })),
    }),
    overview_get: () => figures,
    field_set: () => saved,
    draft_put: () => saved,
    verify: () => ({ entries: 1_204, records: 96, signatures: 41, first_bad: null, marks: [], marks_left_out: 0, unproved: 0 }),
  };
}
