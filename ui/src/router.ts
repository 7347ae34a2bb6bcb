/**
 * Routes. Each feature folder brings its own `routes.ts` (a default export of `RouteRecordRaw[]`), so that adding a
 * feature changes no shared file.
 */
import { createRouter, createWebHashHistory, type RouteRecordRaw } from 'vue-router';
import type { Role } from './bindings/Role';
import type { TextKey } from './i18n';

declare module 'vue-router' {
  interface RouteMeta {
    /** Name of the page in the window title and the palette. */
    title?: TextKey;
    /** Shown without the frame: enrolment, unlocking. */
    bare?: boolean;
    /** Works before the ledger is open. */
    beforeReady?: boolean;
    /** Only for these roles. */
    roles?: readonly Role[];
    /** The navigation entry to mark, when it is not the route's own name. */
    nav?: string;
  }
}

interface RoutesModule {
  default: RouteRecordRaw[];
}

const features = import.meta.glob<RoutesModule>(['./features/*/routes.ts', '!./features/gallery/routes.ts'], { eager: true });
const routes = Object.values(features).flatMap((module) => module.default);

if (import.meta.env.DEV) {
  routes.push(...(await import('./features/gallery/routes')).default);
}

const home = routes.find(({ name }) => name === 'workbench') ?? routes[0];

export const router = createRouter({
  // The desktop shell serves files, not paths: the address of a page stands behind the #.
  history: createWebHashHistory(),
  routes: [
    ...routes,
    ...(home && !routes.some(({ path }) => path === '/') ? [{ path: '/', redirect: home.path }] : []),
    { path: '/:rest(.*)*', name: 'not-found', component: () => import('./layout/NotFound.vue') },
  ],
});
