import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  { path: '/settings', name: 'settings', meta: { title: 'nav.settings' }, component: () => import('./SettingsPage.vue') },
];

export default routes;
