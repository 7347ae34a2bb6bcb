/**
 * What went wrong, as a value and as words.
 *
 * Errors cross from the core as `{ code, params }`. One table says for each code how grave it is and what a
 * person can do; the sentences are in the language files, in three parts: what happened, what is safe, what to
 * do. A code that this version does not know gets a general sentence that names it.
 */
import type { ErrorCode } from './bindings/ErrorCode';
import { hasText, t, type TextParams } from './i18n';

export type Severity = 'info' | 'warning' | 'error';

/** What the notice offers. The screen that shows it decides what "retry" repeats. */
export type ErrorAction = 'retry' | 'open-sync' | 'open-conflicts' | 'open-settings' | 'reload' | 'none';

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly code: string,
    readonly params: TextParams = {},
    options?: ErrorOptions,
  ) {
    super(code, options);
  }

  /** Whatever was thrown, as an `ApiError`. */
  static from(thrown: unknown): ApiError {
    if (thrown instanceof ApiError) return thrown;
    if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string') {
      const params = 'params' in thrown ? thrown.params : undefined;
      return new ApiError(thrown.code, readParams(params), { cause: thrown });
    }
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return new ApiError('unexpected', { reason }, { cause: thrown });
  }
}

function readParams(params: unknown): TextParams {
  if (typeof params !== 'object' || params === null) return {};
  return Object.fromEntries(
    Object.entries(params).map(([key, value]) => [key, typeof value === 'number' ? value : String(value)]),
  );
}

interface ErrorRule {
  severity: Severity;
  action: ErrorAction;
}

/** Codes that the screens themselves raise. */
type OwnCode = 'unexpected' | 'host_unreachable' | 'evidence_unreadable';

export type KnownCode = ErrorCode | OwnCode;

/** The compiler asks for a line when the core gets a new code. */
const RULES: Record<KnownCode, ErrorRule> = {
  bad_request: { severity: 'error', action: 'reload' },
  not_ready: { severity: 'warning', action: 'reload' },
  not_found: { severity: 'warning', action: 'none' },
  not_allowed: { severity: 'warning', action: 'none' },
  frozen: { severity: 'info', action: 'none' },
  stale: { severity: 'warning', action: 'retry' },
  incomplete: { severity: 'info', action: 'none' },
  bad_value: { severity: 'warning', action: 'none' },
  wrong_passphrase: { severity: 'warning', action: 'none' },
  weak_passphrase: { severity: 'warning', action: 'none' },
  no_keychain: { severity: 'warning', action: 'none' },
  wrong_key: { severity: 'error', action: 'none' },
  newer_database: { severity: 'error', action: 'none' },
  database_in_use: { severity: 'error', action: 'retry' },
  disk_full: { severity: 'error', action: 'retry' },
  storage: { severity: 'error', action: 'retry' },
  no_address: { severity: 'info', action: 'none' },
  unreachable: { severity: 'info', action: 'retry' },
  not_a_server: { severity: 'warning', action: 'none' },
  unknown_server: { severity: 'error', action: 'open-settings' },
  contradiction: { severity: 'warning', action: 'none' },
  bad_unlock_code: { severity: 'warning', action: 'none' },
  bad_code: { severity: 'warning', action: 'none' },
  revoked: { severity: 'error', action: 'open-settings' },
  version_mismatch: { severity: 'error', action: 'none' },
  server_refused: { severity: 'warning', action: 'open-sync' },
  server_untrustworthy: { severity: 'error', action: 'open-sync' },
  empty_file: { severity: 'warning', action: 'none' },
  file_too_large: { severity: 'warning', action: 'none' },
  bad_file: { severity: 'warning', action: 'none' },
  protected_file: { severity: 'warning', action: 'none' },
  not_a_package: { severity: 'warning', action: 'none' },
  newer_package: { severity: 'warning', action: 'none' },
  damaged_package: { severity: 'error', action: 'none' },
  package_not_genuine: { severity: 'error', action: 'none' },
  package_for_another: { severity: 'warning', action: 'none' },
  package_from_unknown: { severity: 'warning', action: 'none' },
  package_refused: { severity: 'warning', action: 'none' },
  not_a_card: { severity: 'warning', action: 'none' },
  not_the_answer: { severity: 'warning', action: 'none' },
  update_refused: { severity: 'warning', action: 'none' },
  unknown_recipient: { severity: 'warning', action: 'none' },
  stopped: { severity: 'info', action: 'none' },
  system: { severity: 'warning', action: 'retry' },
  no_font: { severity: 'warning', action: 'none' },
  internal: { severity: 'error', action: 'retry' },
  unexpected: { severity: 'error', action: 'retry' },
  host_unreachable: { severity: 'error', action: 'retry' },
  evidence_unreadable: { severity: 'warning', action: 'retry' },
};

export const KNOWN_CODES = Object.keys(RULES) as KnownCode[];

function isKnown(code: string): code is KnownCode {
  return Object.hasOwn(RULES, code);
}

export interface ErrorDescription {
  code: string;
  severity: Severity;
  action: ErrorAction;
  /** For the administrator: in the software's words, not translated. */
  detail: string;
  /** What happened. */
  happened: string;
  /** What is not affected. */
  safe: string;
  /** What to do. */
  advice: string;
}

function text(code: string, part: 'happened' | 'safe' | 'advice', params: TextParams): string {
  const key = `errors.${code}.${part}`;
  return t(hasText(key) ? key : `errors.unknown_code.${part}`, params);
}

/** Puts an error into words. Follows the language when used in a template or a computed value. */
export function describeError(thrown: unknown): ErrorDescription {
  const { code, params } = ApiError.from(thrown);
  const rule: ErrorRule = isKnown(code) ? RULES[code] : { severity: 'error', action: 'retry' };
  const shown = isKnown(code) ? code : 'unknown_code';
  const named = { ...params, code };
  return {
    code,
    ...rule,
    detail: typeof params.detail === 'string' ? params.detail : '',
    happened: text(shown, 'happened', named),
    safe: text(shown, 'safe', named),
    advice: text(shown, 'advice', named),
  };
}
