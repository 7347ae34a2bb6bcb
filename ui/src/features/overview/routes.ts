import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  {
    path: '/overview',
    name: 'overview',
    meta: { title: 'nav.overview', roles: ['supervisor', 'administrator', 'inspector'] },
    component: () => import('./OverviewPage.vue'),
  },
];

export default routes;
