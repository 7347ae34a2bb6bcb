import type { RouteRecordRaw } from 'vue-router';

const routes: RouteRecordRaw[] = [
  { path: '/gallery', name: 'gallery', meta: { title: 'nav.gallery', beforeReady: true }, component: () => import('./GalleryPage.vue') },
];

export default routes;
