import { mount } from '@vue/test-utils';
import { describe, expect, it } from 'vitest';
import type { SyncStatus } from '@/bindings/SyncStatus';
import SyncChip from './SyncChip.vue';

const CALM: SyncStatus = {
  phase: 'idle',
  waiting_entries: 0,
  waiting_blobs: 0,
  waiting_bytes: 0,
  wanted_blobs: 0,
  bytes_per_s: 0,
  last_success_ms: 1_641_450_000_000,
  last_receipt_ms: 1_641_450_000_000,
  last_error: null,
  next_try_ms: null,
};

function says(status: Partial<SyncStatus>, conflicts = 0): string {
  return mount(SyncChip, { props: { status: { ...CALM, ...status }, conflicts } }).get('[role=status]').text();
}

describe('the sync chip', () => {
  it('says delivered only when nothing waits and a receipt is there', () => {
    expect(says({})).toBe('已存本机，全部已送达');
    expect(says({ last_receipt_ms: null })).toBe('已存本机');
    expect(says({ waiting_entries: 1 })).not.toContain('送达');
    expect(says({ waiting_blobs: 1 })).not.toContain('送达');
  });

  it('counts a photo that waits like a record that waits', () => {
    expect(says({ waiting_entries: 2, waiting_blobs: 3 })).toBe('5 项待发送');
    expect(says({ phase: 'uploading', waiting_blobs: 3 })).toBe('正在发送，还剩 3 项');
  });

  it('offline is calm, and says that all is saved here', () => {
    expect(says({ phase: 'offline' })).toBe('离线，已存本机');
    expect(says({ phase: 'offline', waiting_entries: 4 })).toBe('离线，4 项待发送');
  });

  it('puts what only the person can settle before everything else', () => {
    expect(says({ phase: 'pushing', waiting_entries: 9 }, 2)).toBe('2 项需要您处理');
    expect(says({ phase: 'needs_attention' })).toBe('1 项需要您处理');
  });
});
