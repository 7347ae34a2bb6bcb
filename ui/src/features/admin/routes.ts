import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  {
    path: '/admin/:tab(orgs|people|devices|codes|refused|packs|updates|audit)?',
    name: 'admin',
    meta: { title: 'nav.admin', roles: ['administrator'] },
    component: () => import('./AdminPage.vue'),
  },
];

export default routes;
