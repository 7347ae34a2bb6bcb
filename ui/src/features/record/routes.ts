import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  {
    path: '/record/:record',
    name: 'record',
    meta: { title: 'record.title', nav: 'inspections' },
    component: () => import('./RecordPage.vue'),
  },
];

export default routes;
