/** What the server says against a change, in the words of the screen; nothing where the general sentence says it all. */
import { ApiError } from '@/errors';
import { hasText, t } from '@/i18n';

export function contradictionText(error: unknown): string | null {
  if (error === null || error === undefined) return null;
  const { code, params } = ApiError.from(error);
  if (code !== 'contradiction') return null;
  const key = `admin.contradiction.${params.reason}`;
  return hasText(key) ? t(key, { bureau: String(params.bureau ?? '') }) : null;
}
