/** A package file that was opened from outside the window, by a double click: it is looked at on its page. */
import { watch } from 'vue';
import { useRouter } from 'vue-router';
import { notifyError } from '@/components/notify';
import { call } from '@/core/call';
import { useEvent } from '@/core/events';
import { useApp } from '@/stores/app';
import { usePackages } from './store';

/** For the root: works for as long as the window is there. */
export function useOpenedPackages(): void {
  const router = useRouter();
  const app = useApp();
  const store = usePackages();

  async function show(): Promise<void> {
    // Before that nothing can be looked at; the core keeps it until then.
    if (!app.isReady) return;
    try {
      const { files } = await call('packages_opened');
      const newest = files.at(-1);
      if (!newest) return;
      await router.push({ name: 'packages' });
      await store.look({ kind: 'path', ...newest });
    } catch (cause) {
      notifyError(cause);
    }
  }

  watch(
    () => app.isReady,
    () => void show(),
  );
  useEvent('opened', () => void show());
}
