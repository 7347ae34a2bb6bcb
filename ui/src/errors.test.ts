import { describe, expect, it } from 'vitest';
import { ApiError, describeError, KNOWN_CODES } from './errors';
import { setLocale } from './i18n';

describe('an error', () => {
  it('from the core keeps its code and values', () => {
    const error = ApiError.from({ code: 'bad_request', params: { detail: 'no such call', at: 3, nested: { a: 1 } } });
    expect(error.code).toBe('bad_request');
    expect(error.params).toMatchObject({ detail: 'no such call', at: 3 });
  });

  it('that is already one stays the same', () => {
    const error = new ApiError('storage');
    expect(ApiError.from(error)).toBe(error);
  });

  it('of the screens themselves is not passed off as one of the core', () => {
    expect(ApiError.from(new TypeError('x is undefined'))).toMatchObject({ code: 'unexpected', params: { reason: 'x is undefined' } });
    expect(ApiError.from('text')).toMatchObject({ code: 'unexpected', params: { reason: 'text' } });
    expect(ApiError.from(undefined).code).toBe('unexpected');
  });

  it('with any known code has its own three sentences, in both languages', () => {
    for (const locale of ['zh-CN', 'en'] as const) {
      setLocale(locale);
      const general = describeError({ code: 'of_a_newer_version', params: {} });
      for (const code of KNOWN_CODES) {
        const { happened, safe, advice } = describeError({ code, params: {} });
        expect(happened, code).not.toBe(general.happened);
        expect(safe.length, code).toBeGreaterThan(3);
        expect(advice.length, code).toBeGreaterThan(3);
      }
    }
  });

  it('with a code of a newer version gets a general sentence that names it', () => {
    const { severity, happened, advice } = describeError({ code: 'of_a_newer_version', params: {} });
    expect(severity).toBe('error');
    expect(happened).toBe('这一步没有完成。');
    expect(advice).toContain('of_a_newer_version');
  });

  it('named like something every object has is unknown all the same', () => {
    expect(describeError({ code: 'constructor', params: {} }).advice).toContain('constructor');
  });
});
