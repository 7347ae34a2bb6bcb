import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  {
    path: '/finish/:record',
    name: 'finish',
    meta: { title: 'finish.title', nav: 'inspections' },
    component: () => import('./FinishPage.vue'),
  },
];

export default routes;
