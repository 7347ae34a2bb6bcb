import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  { path: '/inspections', name: 'inspections', meta: { title: 'nav.inspections' }, component: () => import('./InspectionsPage.vue') },
];

export default routes;
