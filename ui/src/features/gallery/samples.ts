/** Made-up content for looking at the components during development. */
import type { AppStatus } from '@/bindings/AppStatus';
import type { Delivery } from '@/bindings/Delivery';
import type { SyncStatus } from '@/bindings/SyncStatus';

export const sampleStatus: AppStatus = {
  stage: 'ready',
  version: '0.1.0',
  me: {
    person: '0190b2a0-0000-7000-8000-000000000001',
    name: '王建国',
    certificate: '苏G-0123',
    org: '320700',
    org_name: '连云港市应急管理局',
    role: 'inspector',
    device: '3f9a21',
    server_name: '连云港市应急管理局',
    server_url: 'https://example.invalid',
    server_fingerprint: 'ab12 cd34',
  },
  is_sample: true,
  has_keychain: true,
  salvage: null,
  order: null,
  asked: null,
  language: 'zh-CN',
};

export const sampleSync: SyncStatus = {
  phase: 'idle',
  waiting_entries: 2,
  waiting_blobs: 1,
  waiting_bytes: 3_400_000,
  wanted_blobs: 0,
  bytes_per_s: 0,
  last_success_ms: 1_641_450_000_000,
  last_receipt_ms: 1_641_450_000_000,
  last_error: null,
  next_try_ms: null,
};

export const deliveries: Record<string, Delivery> = {
  here: { place: 'here', waiting_entries: 12, waiting_blobs: 3, waiting_bytes: 9_800_000, receipt_at_ms: null, refused: 0 },
  delivered: { place: 'delivered', waiting_entries: 0, waiting_blobs: 0, waiting_bytes: 0, receipt_at_ms: 1_641_450_000_000, refused: 0 },
  seen: { place: 'seen', waiting_entries: 0, waiting_blobs: 0, waiting_bytes: 0, receipt_at_ms: 1_641_450_000_000, refused: 0 },
  refused: { place: 'here', waiting_entries: 1, waiting_blobs: 0, waiting_bytes: 0, receipt_at_ms: null, refused: 1 },
};

export interface SampleRow {
  id: string;
  name: string;
  kind: string;
  county: string;
  date: string;
  findings: number;
}

const COUNTIES = ['东海县', '灌云县', '灌南县', '赣榆区', '海州区', '连云区'];
const KINDS = ['安全培训机构', '考试机构', '生产经营单位'];
const NAMES = ['远大职业培训学校', '安泰安全技术培训中心', '港城特种作业考试点', '恒信化工有限公司'];

function pick<T>(from: readonly T[], at: number): T {
  return from[at % from.length] as T;
}

export function sampleRow(at: number): SampleRow {
  return {
    id: `s${at}`,
    name: `${pick(COUNTIES, at)}${pick(NAMES, at * 7)} ${at}`,
    kind: pick(KINDS, at),
    county: pick(COUNTIES, at),
    date: `2022-0${1 + (at % 6)}-1${at % 10}`,
    findings: at % 8,
  };
}

/** A drawn picture in place of a photo. */
function draw(seed: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = 1600;
  canvas.height = 1200;
  const context = canvas.getContext('2d');
  if (!context) return canvas;
  const hue = (seed * 67) % 360;
  const box = (colour: string, x: number, y: number, width: number, height: number): void => {
    context.fillStyle = colour;
    context.fillRect(x, y, width, height);
  };
  box(`hsl(${hue} 25% 70%)`, 0, 0, 1600, 1200);
  box(`hsl(${hue} 20% 45%)`, 0, 800, 1600, 400);
  box('#c22', 600, 300, 240, 620);
  box('#fff', 670, 380, 100, 100);
  return canvas;
}

const drawn = new Map<number, string>();

export function photo(seed: number): string {
  const url = drawn.get(seed) ?? draw(seed).toDataURL('image/jpeg');
  drawn.set(seed, url);
  return url;
}

export function photoContent(seed: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    draw(seed).toBlob((content) => (content ? resolve(content) : reject(new Error('toBlob'))), 'image/jpeg');
  });
}
