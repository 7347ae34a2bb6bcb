import { mount } from '@vue/test-utils';
import { describe, expect, it } from 'vitest';
import type { Delivery } from '@/bindings/Delivery';
import DeliveryBadge from './DeliveryBadge.vue';

const HERE: Delivery = { place: 'here', waiting_entries: 2, waiting_blobs: 1, waiting_bytes: 9, receipt_at_ms: null, refused: 0 };
const DONE = { waiting_entries: 0, waiting_blobs: 0, waiting_bytes: 0, receipt_at_ms: Date.UTC(2022, 0, 6, 6, 20) };

function says(delivery: Partial<Delivery>): string {
  return mount(DeliveryBadge, { props: { delivery: { ...HERE, ...delivery } } }).text();
}

describe('where a record is', () => {
  it('is here until all of it is delivered, with how much waits', () => {
    expect(says({})).toBe('已存本机· 3');
  });

  it('is here even with an older receipt, while something newer waits', () => {
    expect(says({ receipt_at_ms: DONE.receipt_at_ms })).not.toContain('已送达');
  });

  it('is delivered with the time of the receipt', () => {
    expect(says({ ...DONE, place: 'delivered' })).toBe('已送达 2022-01-06 14:20');
  });

  it('is seen once somebody else has fetched it', () => {
    expect(says({ ...DONE, place: 'seen' })).toBe('已查看 2022-01-06 14:20');
  });

  it('shows a refusal before anything else', () => {
    expect(says({ refused: 1 })).toBe('1 条被退回');
  });
});
