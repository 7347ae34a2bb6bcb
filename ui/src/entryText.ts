/** What an entry says, and why it was refused, in words. Values come from the core as text. */
import { fieldTitle, valueText } from './fieldNames';
import { formatDateTime, hasText, t } from './i18n';

/** The name of a field or of a place where evidence lies: `answers/TI-1.4` is the item itself. Empty for the whole record. */
export function placeTitle(path: string): string {
  if (path === '') return '';
  const [, item] = /^answers\/([^/]+)$/.exec(path) ?? [];
  return item ?? fieldTitle(path);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Text that a person wrote and that only looks like a list.
    return text;
  }
}

/** A value that came as text, as a person reads it. Empty text stays empty. */
export function storedText(path: string, text: string, regionName?: (code: string) => string): string {
  if (text === '') return '';
  if (/_at$/.test(path) && /^\d{11,14}$/.test(text)) return formatDateTime(Number(text));
  if (text === 'true' || text === 'false') return valueText(path, text === 'true');
  return valueText(path, path === 'inspectors' ? parsed(text) : text, regionName);
}

/** What was done, as a verb. */
export function whatText({ what, value }: { what: string; value: string }): string {
  const key = what === 'set' && value === '' ? 'record.what.cleared' : `record.what.${what}`;
  return hasText(key) ? t(key) : what;
}

/** Why the central endpoint refused an entry. */
export function refusedText(code: string): string {
  const key = `sync.refusedCode.${code}`;
  return hasText(key) ? t(key) : t('sync.refusedOther', { code });
}
