import { describe, expect, it } from 'vitest';
import { adminDevice } from '@/testing/admin';
import { choicesOf, standingOf } from './deviceState';

describe('where a device stands', () => {
  it('tells an earlier number from one in use, and copies from both', () => {
    expect(standingOf(adminDevice()).text).toBe('admin.deviceActive');
    expect(standingOf(adminDevice({ is_ended: true })).text).toBe('admin.deviceEnded');
    const copied = standingOf(adminDevice({ is_copied: true }));
    expect(copied.text).toBe('admin.deviceCopied');
    expect(copied.rank, 'what waits for somebody stands above what does not').toBeLessThan(standingOf(adminDevice()).rank);
  });

  it('lets an earlier number be shut out too, because that shuts out its whole line', () => {
    expect(choicesOf(adminDevice({ is_ended: true, is_copied: true }))).toEqual(['revoke', 'lock', 'wipe']);
    expect(standingOf(adminDevice({ is_ended: true, revoked_at_ms: 1 })).text).toBe('admin.deviceRevoked');
  });
});
