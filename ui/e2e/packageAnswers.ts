/** What a made-up core answers about packages, and about enrolling by files. */
import type { PackageParty } from '@/bindings/PackageParty';
import type { PackageRow } from '@/bindings/PackageRow';
import type { PlaceWaiting } from '@/bindings/PlaceWaiting';
import { appStatus, me } from '../src/testing/samples';
import type { Answers, Refusal, Scene } from './answers';

/** When everything happens, and two hours later. */
export const AT = Date.UTC(2022, 3, 12, 2);
export const LATER = AT + 2 * 3_600_000;

export const CENTRE: PackageParty = { is_endpoint: true, name: '连云港市应急管理局中心端', detail: '' };
const MINE: PackageParty = { is_endpoint: false, name: '张三', detail: '联想 E14' };
const COLLEAGUE: PackageParty = { is_endpoint: false, name: '李芳', detail: '执法二科 1 号笔记本' };
const NEWCOMER: PackageParty = { is_endpoint: false, name: '', detail: '9f3a00c1' };

function packageRow(more: Partial<PackageRow> = {}): PackageRow {
  return {
    id: '0180162e-0000-7000-8000-000000000000', is_out: true, made_at_ms: Date.UTC(2022, 3, 11, 8), at_ms: Date.UTC(2022, 3, 11, 9),
    file: '实查数据包-张三-至-中心端-2022-04-11.shicha', from: MINE, to: CENTRE, entries: 128, numbered: 0, records: 2, evidence: 6,
    evidence_bytes: 1_800_000, receipts: 0, refused: 0, update: null, from_ms: Date.UTC(2022, 3, 4), until_ms: Date.UTC(2022, 3, 11), is_answered: false, ...more,
  };
}

export const CARD = { name: '连云港市应急管理局中心端', fingerprint: '9F3A 00C1 7B2D E4F5 8890 1A2B 3C4D 5E6F', url: '', is_sample: false };
export const ASKED: PlaceWaiting = { card: CARD, label: '连云港平安安全技术培训有限公司教务处电脑', at_ms: AT };

export const madeFile = { token: 'made', name: '实查数据包.shicha', mime: 'application/vnd.shicha.package', size: 1_900_000 };

/** The answers to calls of packages and of enrolling by files; what is looked at is refused where a refusal is given. */
export function packageAnswers(language: Scene['language'], refusal: Refusal | null): Answers {
  return {
    packages_opened: () => ({ files: [] }),
    packages_list: () => ({
      rows: [
        packageRow(),
        packageRow({ id: '0180162e-0000-7000-8000-000000000001', is_out: false, from: CENTRE, to: MINE, entries: 0, numbered: 96, receipts: 3, is_answered: null }),
        packageRow({ id: '0180162e-0000-7000-8000-000000000002', to: COLLEAGUE, is_answered: null }),
        packageRow({ id: '0180162e-0000-7000-8000-000000000003', is_answered: true, at_ms: Date.UTC(2022, 3, 2, 9) }),
      ],
    }),
    package_recipients: () => ({
      endpoint: CENTRE.name,
      devices: [{ device: '018f0000-0000-7000-8000-00000000d001', label: COLLEAGUE.detail, person: COLLEAGUE.name, org: '东海县应急管理局' }],
    }),
    package_plan: ({ to }) => ({ name: madeFile.name, entries: 128, carried: 12, evidence: 6, update: to === null ? null : '0.2.0', bytes: 1_900_000 }),
    package_make: () => ({ package: packageRow(), bytes: 1_900_000, file: madeFile }),
    package_look: () => {
      if (refusal) throw refusal;
      return { token: 't1', package: packageRow({ is_out: false, from: CENTRE, to: MINE, numbered: 96, receipts: 3, refused: 1, update: '0.2.0', is_answered: null }), bytes: 2_100_000, taken_at_ms: LATER, update: { version: '0.2.0', size: 62_000_000, notes: '', verdict: 'altered' } };
    },
    package_take: () => ({
      entries: 96, delivered: 120, refused: 1, evidence: 4, sent: 6, numbers: 1, directory: true, has_parted: true, forked: null, not_taken: ['unknown_device', 'parted'], channels: 1, update: { version: '0.2.0', size: 62_000_000, notes: '', verdict: 'altered' },
    }),
    package_outside: () => ({ token: 'o1', file: '实查登记申请-教务处电脑.shicha', bytes: 2_300, from: NEWCOMER, is_newcomer: true, made_at_ms: AT }),
    package_hand_in: () => {
      if (refusal) throw refusal;
      return { token: 'a1', name: '实查答复-给申请登记的电脑-2022-04-12.shicha', to: NEWCOMER, is_newcomer: true, bytes: 310_000 };
    },
    package_answer_save: () => ({ file: madeFile }),
    upload_begin: () => ({ upload: 'u1' }),
    upload_write: () => ({}),
    place_card: () => {
      if (refusal) throw refusal;
      return CARD;
    },
    place_ask: () => ({ status: appStatus({ stage: 'needs_enrolment', language, me: null, asked: ASKED }), file: madeFile }),
    place_take: () => {
      if (refusal) throw refusal;
      return { status: appStatus({ language, me: me({ role: 'institution', server_url: '' }) }), fault: null };
    },
  };
}
