import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  { path: '/sync', name: 'sync', meta: { title: 'nav.sync' }, component: () => import('./SyncPage.vue') },
];

export default routes;
