/** Mounts a page with a router that knows every page by name, and finds its parts by `data-test`. */
import { config, flushPromises, mount, type DOMWrapper, type VueWrapper } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { afterEach } from 'vitest';
import type { Component } from 'vue';
import { createMemoryHistory, createRouter, type RouteLocationRaw, type Router } from 'vue-router';

const NAMES = [
  'home',
  'setup',
  'workbench',
  'subjects',
  'subjects-import',
  'inspections',
  'findings',
  'documents',
  'overview',
  'sync',
  'packages',
  'nearby',
  'packages',
  'conflicts',
  'settings',
  'admin',
];
const OF_RECORDS = ['subject', 'inspection', 'finish', 'record'];

const nothing = { render: () => null };

function makeRouter(): Router {
  return createRouter({
    history: createMemoryHistory(),
    routes: [
      ...NAMES.map((name) => ({ path: name === 'home' ? '/' : `/${name}`, name, component: nothing })),
      ...OF_RECORDS.map((name) => ({ path: `/${name}/:record`, name, component: nothing })),
    ],
  });
}

export interface MountedPage {
  page: VueWrapper;
  router: Router;
  /** The first part with this `data-test`. */
  at: (test: string) => DOMWrapper<Element>;
  all: (test: string) => DOMWrapper<Element>[];
  /** Types into the field that the part is or holds. */
  type: (test: string, text: string) => Promise<void>;
  tick: (test: string) => Promise<void>;
  click: (test: string) => Promise<void>;
  /** Submits the first form, as Enter does. */
  submit: () => Promise<void>;
}

let mounted: VueWrapper[] = [];

// While the core of the test still answers: a page that closes writes what was typed.
afterEach(() => {
  for (const page of mounted) page.unmount();
  mounted = [];
});

/** Before a test: stores of its own. */
export function freshStores(): void {
  setActivePinia(createPinia());
}

export async function mountPage(
  component: Component,
  { at: location = '/', props }: { at?: RouteLocationRaw; props?: Record<string, unknown> } = {},
): Promise<MountedPage> {
  const router = makeRouter();
  await router.push(location);
  config.global.plugins = [router];
  const page = mount(component, { props, attachTo: document.body }) as VueWrapper;
  mounted.push(page);
  await flushPromises();
  const at = (test: string) => page.find(`[data-test="${test}"]`);
  const field = (test: string) => {
    const part = at(test);
    return part.element.matches('input, textarea') ? part : part.find('input, textarea');
  };
  return {
    page,
    router,
    at,
    all: (test) => page.findAll(`[data-test="${test}"]`),
    type: async (test, text) => {
      await field(test).setValue(text);
      await flushPromises();
    },
    tick: async (test) => {
      await field(test).setValue(true);
      await flushPromises();
    },
    click: async (test) => {
      await at(test).trigger('click');
      await flushPromises();
    },
    submit: async () => {
      await page.find('form').trigger('submit');
      await flushPromises();
    },
  };
}
