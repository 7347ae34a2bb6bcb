import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  {
    path: '/setup',
    name: 'setup',
    meta: { title: 'setup.title', bare: true, beforeReady: true },
    component: () => import('./SetupPage.vue'),
  },
];

export default routes;
