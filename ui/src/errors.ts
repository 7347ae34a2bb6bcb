/**
 * What went wrong, as a value and as words.
 *
 * Errors cross from the core as `{ code, params }`. One table says for each code how grave it is and what a
 * person can do; the sentences are in the language files, in three parts: what happened, what is safe, what to
 * do. A code that this version does not know gets a general sentence that names it.
 */
import { hasText, t, type TextKey, type TextParams } from './i18n';

export type Severity = 'info' | 'warning' | 'error';

/** What the notice offers. The screen that shows it decides what "retry" repeats. */
export type ErrorAction = 'retry' | 'open-sync' | 'open-conflicts' | 'open-settings' | 'enrol' | 'reload' | 'none';

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
const OWN_RULES = {
  unexpected: { severity: 'error', action: 'retry' },
  host_unreachable: { severity: 'error', action: 'retry' },
  evidence_unreadable: { severity: 'warning', action: 'retry' },
} satisfies Record<string, ErrorRule>;

export const ERROR_RULES: Record<string, ErrorRule> = { ...OWN_RULES };

export interface ErrorDescription {
  code: string;
  severity: Severity;
  action: ErrorAction;
  /** What happened. */
  happened: string;
  /** What is not affected. */
  safe: string;
  /** What to do. */
  advice: string;
}

function text(code: string, part: 'happened' | 'safe' | 'advice', params: TextParams): string {
  const key = `errors.${code}.${part}`;
  const chosen: TextKey = hasText(key) ? key : `errors.unknown_code.${part}`;
  return t(chosen, params);
}

/** Puts an error into words. Reactive to the language when used in a template or a computed value. */
export function describeError(thrown: unknown): ErrorDescription {
  const { code, params } = ApiError.from(thrown);
  const rule = ERROR_RULES[code] ?? { severity: 'error', action: 'retry' };
  const known = code in ERROR_RULES;
  const named = { ...params, code };
  return {
    code,
    ...rule,
    happened: text(known ? code : 'unknown_code', 'happened', named),
    safe: text(known ? code : 'unknown_code', 'safe', named),
    advice: text(known ? code : 'unknown_code', 'advice', named),
  };
}
