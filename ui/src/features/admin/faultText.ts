/** What the server says against what is asked of it, in the words of administration. */
import { ApiError } from '@/errors';
import { refusedText } from '@/entryText';
import { hasText, t } from '@/i18n';

/** Against a change; nothing where the general sentence says it all. */
export function contradictionText(error: unknown): string | null {
  if (error === null || error === undefined) return null;
  const { code, params } = ApiError.from(error);
  if (code !== 'contradiction') return null;
  const key = `admin.contradiction.${params.reason}`;
  return hasText(key) ? t(key, { bureau: String(params.bureau ?? '') }) : null;
}

/** Against an entry of somebody. */
export function theirRefusalText(code: string): string {
  const key = `admin.refusedCode.${code}`;
  return hasText(key) ? t(key) : refusedText(code);
}
