import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  {
    path: '/inspections/:record',
    name: 'inspection',
    meta: { title: 'nav.inspections', nav: 'inspections' },
    component: () => import('./InspectionPage.vue'),
  },
];

export default routes;
