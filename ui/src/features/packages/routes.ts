import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  { path: '/packages', name: 'packages', meta: { title: 'nav.packages' }, component: () => import('./PackagesPage.vue') },
];

export default routes;
