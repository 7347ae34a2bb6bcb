/** Before every test file: the language is Chinese and nothing is remembered from another test. */
import { config } from '@vue/test-utils';
import { beforeEach } from 'vitest';
import { createMemoryHistory, createRouter } from 'vue-router';
import { setLocale } from './i18n';

beforeEach(() => {
  localStorage.clear();
  setLocale('zh-CN');
});

/** Components that lead somewhere find a router, and every address in it. */
config.global.plugins = [
  createRouter({ history: createMemoryHistory(), routes: [{ path: '/:rest(.*)*', component: { render: () => null } }] }),
];
