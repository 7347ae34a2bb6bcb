/**
 * Texts in the language of the person.
 *
 * `useI18n().t` accepts only keys that exist. The chosen language is remembered on this computer. Messages are
 * interpreted, not compiled to code, so the content security policy needs no `unsafe-eval`.
 */
import { computed, type ComputedRef } from 'vue';
import { createI18n } from 'vue-i18n';
import type { TextKey, TextParams } from './catalogue';
import en from './en';
import { formatCount, setFormatLocale } from './format';
import zhCN from './zh-CN';

export type { Catalogue, TextKey, TextParams } from './catalogue';
export * from './format';

export const LOCALES = ['zh-CN', 'en'] as const;
export type Locale = (typeof LOCALES)[number];

export const messages = { 'zh-CN': zhCN, en };

const STORED_AS = 'shicha.locale';

function remembered(): Locale {
  const stored = localStorage.getItem(STORED_AS);
  return LOCALES.find((locale) => locale === stored) ?? 'zh-CN';
}

export const i18n = createI18n({
  legacy: false,
  locale: remembered(),
  fallbackLocale: 'zh-CN',
  messages,
});

export type Translate = (key: TextKey, params?: TextParams) => string;

/** The text for `key`, outside a component as well as inside one. */
export const t: Translate = (key, params = {}) => {
  const { n } = params;
  if (typeof n !== 'number') return i18n.global.t(key, params);
  return i18n.global.t(key, { ...params, n: formatCount(n) }, n);
};

/** True when the catalogue has `key`: for keys built from data, such as error codes. */
export function hasText(key: string): key is TextKey {
  return i18n.global.te(key, 'zh-CN');
}

/** The language in use. */
export const locale: ComputedRef<Locale> = computed(() => i18n.global.locale.value as Locale);

function apply(next: Locale): void {
  i18n.global.locale.value = next;
  document.documentElement.lang = next;
  document.title = i18n.global.t('common.appName');
  setFormatLocale(next);
}

/** Switches the language and remembers it. */
export function setLocale(next: Locale): void {
  apply(next);
  localStorage.setItem(STORED_AS, next);
}

apply(remembered());

/** What a component needs to show text. */
export function useI18n(): { t: Translate; locale: ComputedRef<Locale> } {
  return { t, locale };
}
