import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'home', component: () => import('./HomePage.vue') },
  { path: '/workbench', name: 'workbench', meta: { title: 'nav.workbench' }, component: () => import('./WorkbenchPage.vue') },
];

export default routes;
