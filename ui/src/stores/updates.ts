/** Updates of the application on this computer, kept by events. It backs the line above the page and the card in the settings. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { UpdateView } from '@/bindings/UpdateView';
import { commitAllTexts } from '@/composables/durableWriter';
import { call } from '@/core/call';
import { onEvent } from '@/core/events';

export const useUpdates = defineStore('updates', () => {
  const view = shallowRef<UpdateView | null>(null);
  const error = shallowRef<unknown>(null);
  /** The version that the person does not want to be reminded of for now. */
  const putOff = ref<string | null>(null);
  /** The version that is being installed: the window is about to close. */
  const installing = ref<string | null>(null);

  const isReady = computed(() => view.value?.stage === 'ready');
  /** Whether the line above the page has something to say. */
  const speaks = computed(() => {
    const now = view.value;
    return now !== null && (now.last !== null || (now.stage === 'ready' && now.version !== putOff.value));
  });

  async function attempt(act: () => Promise<void>): Promise<boolean> {
    error.value = null;
    try {
      await act();
      return true;
    } catch (cause) {
      error.value = cause;
      return false;
    }
  }

  function load(): Promise<boolean> {
    return attempt(async () => {
      view.value = await call('update_get');
    });
  }

  const check = (): Promise<boolean> => attempt(async () => void (await call('update_check')));
  const again = (): Promise<boolean> => attempt(async () => void (await call('update_again')));
  const fetchForOthers = (): Promise<boolean> => attempt(async () => void (await call('update_fetch')));

  function seen(): Promise<boolean> {
    return attempt(async () => {
      view.value = await call('update_seen');
    });
  }

  function later(): void {
    putOff.value = view.value?.version ?? null;
  }

  /** `false`: something that is typed could not be saved, so nothing was begun. What fails otherwise stands in `error`. */
  async function install(): Promise<boolean> {
    const version = view.value?.version ?? '';
    if (!(await commitAllTexts())) return false;
    installing.value = version;
    // Where it succeeds the window closes; the veil stays until then.
    if (!(await attempt(async () => void (await call('update_install', { version }))))) installing.value = null;
    return true;
  }

  onEvent('update', (event) => {
    view.value = event.view;
  });

  return { view, error, installing, isReady, speaks, load, check, again, fetchForOthers, seen, later, install };
});
