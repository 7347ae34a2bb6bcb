/** What synchronisation did, in words. */
import type { SyncLogRow } from '@/bindings/SyncLogRow';
import { describeError } from '@/errors';
import { formatBytes, formatCount, hasText, t, type TextParams } from '@/i18n';

const BYTES = new Set(['bytes', 'size']);

function wordsOf(params: Record<string, unknown>): TextParams {
  const words: TextParams = {};
  for (const [name, value] of Object.entries(params)) {
    if (typeof value === 'number') words[name] = BYTES.has(name) ? formatBytes(value) : formatCount(value);
    else if (value !== null && value !== undefined) words[name] = String(value);
  }
  words.size ??= words.bytes ?? '';
  // A failure carries its code, and what it says to a person is one text for the whole product.
  if (typeof params.code === 'string') words.reason = describeError({ code: params.code, params }).happened;
  return words;
}

/** One line of the log. A code of a newer version is shown as it is. */
export function logText({ code, params }: SyncLogRow): string {
  const key = `sync.log.${code}`;
  return hasText(key) ? t(key, wordsOf(params)) : code;
}
