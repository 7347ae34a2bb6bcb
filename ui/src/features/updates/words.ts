/** What the core says about updates by its keys, in the words of the screen. */
import { ApiError } from '@/errors';
import { hasText, t, type TextKey, type TextParams } from '@/i18n';

function word(group: string, key: string, other: TextKey, params: TextParams): string {
  const full = `updates.${group}.${key}`;
  return hasText(full) ? t(full, params) : t(other, params);
}

/** Why an update was not taken. */
export function faultText(fault: string, version: string, detail = ''): string {
  return word('fault', fault, 'updates.faultOther', { fault, version, detail });
}

/** What a new version failed at. */
export function reasonText(reason: string): string {
  return word('reason', reason, 'updates.reasonOther', { reason });
}

/** Why an update cannot be installed here or now. */
export function obstacleText(obstacle: string): string {
  return word('obstacle', obstacle, 'updates.reasonOther', { reason: obstacle });
}

/** Why the core did not begin; nothing where the general sentence says it all. */
export function refusalText(error: unknown): string | null {
  if (error === null || error === undefined) return null;
  const { code, params } = ApiError.from(error);
  if (code !== 'update_refused') return null;
  const reason = String(params.reason);
  for (const group of ['refused', 'obstacle', 'fault']) {
    const key = `updates.${group}.${reason}`;
    if (hasText(key)) return t(key, { version: '', detail: '' });
  }
  return null;
}
