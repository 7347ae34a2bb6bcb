import { flushPromises } from '@vue/test-utils';
import { beforeEach, expect, it } from 'vitest';
import { defineComponent } from 'vue';
import type { AppStatus } from '@/bindings/AppStatus';
import { useApp } from '@/stores/app';
import { installFakeCore, type FakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { useOpenedPackages } from './opened';

beforeEach(freshStores);

const Root = defineComponent({
  setup() {
    useOpenedPackages();
    return () => null;
  },
});

function core(paths: string[]): FakeCore {
  return installFakeCore({
    packages_opened: () => ({ files: paths.splice(0).map((path) => ({ path, name: path })) }),
    package_look: () => new Promise(() => undefined),
  });
}

function stage(stage: AppStatus['stage']): void {
  useApp().status = { stage } as AppStatus;
}

it('a package that was double-clicked is looked at as soon as the application is ready', async () => {
  const fake = core(['答复.shicha']);
  const { router } = await mountPage(Root);
  expect(fake.requests('packages_opened')).toEqual([]);
  stage('ready');
  await flushPromises();
  expect(router.currentRoute.value.name).toBe('packages');
  expect(fake.requests('package_look')).toEqual([{ source: { from: 'path', path: '答复.shicha' } }]);
});

it('and at once when the window is there already; without one the page stays', async () => {
  const paths: string[] = [];
  const fake = core(paths);
  const { router } = await mountPage(Root);
  stage('ready');
  await flushPromises();
  expect(router.currentRoute.value.name).toBe('home');
  paths.push('E:\\一周.shicha');
  fake.emit({ kind: 'opened' });
  await flushPromises();
  expect(router.currentRoute.value.name).toBe('packages');
  expect(fake.requests('package_look')).toHaveLength(1);
});
