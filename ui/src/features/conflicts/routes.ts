import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  { path: '/conflicts', name: 'conflicts', meta: { title: 'nav.conflicts' }, component: () => import('./ConflictsPage.vue') },
];

export default routes;
