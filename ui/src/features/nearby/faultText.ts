/** Why an exchange ended early, in words: what happened and what to do. */
import type { NearbyFaultView } from '@/bindings/NearbyFaultView';
import { hasText, t } from '@/i18n';

export function faultText(fault: NearbyFaultView | null): string {
  if (fault === null) return t('nearby.fault.broken');
  const key = `nearby.fault.${fault.reason}`;
  const there = `${key}_there`;
  if (fault.is_there && hasText(there)) return t(there);
  return hasText(key) ? t(key) : t('nearby.fault.broken');
}
