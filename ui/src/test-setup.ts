/** Before every test file: the language is Chinese and nothing is remembered from another test. */
import { beforeEach } from 'vitest';
import { setLocale } from './i18n';

beforeEach(() => {
  localStorage.clear();
  setLocale('zh-CN');
});
