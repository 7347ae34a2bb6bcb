/** Where a device stands, in one word. */
import type { AdminDeviceRow } from '@/bindings/AdminDeviceRow';
import type { TextKey } from '@/i18n';

export interface DeviceStanding {
  text: TextKey;
  tone: 'good' | 'warn' | 'bad' | '';
  /** For sorting: what waits for something first. */
  rank: number;
}

export function standingOf(row: AdminDeviceRow): DeviceStanding {
  const isDone = row.order_done_at_ms !== null;
  if (row.order === 'wipe') return isDone ? { text: 'admin.deviceWiped', tone: '', rank: 4 } : { text: 'admin.deviceWipeWaits', tone: 'bad', rank: 0 };
  if (row.order === 'lock') return isDone ? { text: 'admin.deviceLocked', tone: '', rank: 3 } : { text: 'admin.deviceLockWaits', tone: 'warn', rank: 1 };
  if (row.revoked_at_ms !== null) return { text: 'admin.deviceRevoked', tone: '', rank: 5 };
  if (row.is_ended) return { text: 'admin.deviceEnded', tone: '', rank: 4 };
  if (row.is_copied) return { text: 'admin.deviceCopied', tone: 'warn', rank: 1 };
  if (!row.is_person_active) return { text: 'admin.devicePersonRetired', tone: 'warn', rank: 6 };
  return { text: 'admin.deviceActive', tone: 'good', rank: 2 };
}

/** What may still be ordered: heavier than what was. */
export function choicesOf(row: AdminDeviceRow): ('revoke' | 'lock' | 'wipe')[] {
  if (row.is_this || row.order === 'wipe') return [];
  if (row.order === 'lock') return ['wipe'];
  return row.revoked_at_ms === null ? ['revoke', 'lock', 'wipe'] : ['lock', 'wipe'];
}
