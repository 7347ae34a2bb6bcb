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
