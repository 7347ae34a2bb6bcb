import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  { path: '/nearby', name: 'nearby', meta: { title: 'nav.nearby' }, component: () => import('./NearbyPage.vue') },
];

export default routes;
