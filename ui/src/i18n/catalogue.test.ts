import { describe, expect, it } from 'vitest';
import { KNOWN_CODES } from '@/errors';
import { i18n, messages, setLocale, t, type TextKey } from '.';

type Tree = { [key: string]: string | Tree };

function leaves(tree: Tree, prefix = ''): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[prefix + key, value] as [string, string]] : leaves(value, `${prefix}${key}.`),
  );
}

const chinese = new Map(leaves(messages['zh-CN'] as Tree));
const english = new Map(leaves(messages.en as Tree));

function places(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ''))].sort();
}

describe('the two languages', () => {
  it('have the same keys', () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
  });

  it('fill the same places in every text', () => {
    const different = [...chinese].filter(([key, text]) => places(text).join() !== places(english.get(key) ?? '').join());
    expect(different.map(([key]) => key)).toEqual([]);
  });

  it('leave no text empty, apart from the measure words that English does not have', () => {
    const isUnit = (key: string): boolean => /\.unit[A-Z]\w*$/.test(key);
    const missing = [...english].filter(([key, text]) => text.trim() === '' && !isUnit(key));
    const empty = [...[...chinese].filter(([, text]) => text.trim() === ''), ...missing].map(([key]) => key);
    expect(empty).toEqual([]);
  });

  it('are understood by the interpreter of texts, every one of them', () => {
    for (const locale of ['zh-CN', 'en'] as const) {
      setLocale(locale);
      for (const [key, text] of locale === 'en' ? english : chinese) {
        const values = Object.fromEntries(places(text).map((name) => [name, name === 'n' ? 2 : `<${name}>`]));
        const shown = t(key as TextKey, values);
        expect(shown, `${locale} ${key}`).not.toBe(key);
        expect(shown, `${locale} ${key}: a place was not filled`).not.toMatch(/\{|\}/);
      }
    }
  });

  it('show no Chinese to who chose English, apart from names of the language and the sample mark', () => {
    const allowed = new Set(['common.chinese', 'common.sampleLong']);
    const chineseText = /[\u4e00-\u9fff]{4,}/;
    const mixed = [...english].filter(([key, text]) => !allowed.has(key) && chineseText.test(text)).map(([key]) => key);
    expect(mixed).toEqual([]);
  });

  it('say of every error what happened, what is safe and what to do', () => {
    const missing = KNOWN_CODES.flatMap((code) =>
      ['happened', 'safe', 'advice'].map((part) => `errors.${code}.${part}`).filter((key) => !i18n.global.te(key, 'zh-CN') || !i18n.global.te(key, 'en')),
    );
    expect(missing).toEqual([]);
  });
});

describe('a text with a number', () => {
  it('chooses the plural in English and groups thousands', () => {
    setLocale('en');
    expect(t('common.count', { n: 1 })).toBe('1 entry');
    expect(t('common.count', { n: 12_345 })).toBe('12,345 entries');
  });

  it('has one form in Chinese', () => {
    expect(t('common.count', { n: 12_345 })).toBe('共 12,345 条');
  });
});

describe('the chosen language', () => {
  it('is remembered and told to the browser', () => {
    setLocale('en');
    expect(localStorage.getItem('shicha.locale')).toBe('en');
    expect(document.documentElement.lang).toBe('en');
  });
});
