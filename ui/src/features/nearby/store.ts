/** The laptops nearby, kept by events while the page is open. The core is on from `open` to `close`, and beyond it while kept on. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { NearbyAnswer } from '@/bindings/NearbyAnswer';
import type { NearbyConnect } from '@/bindings/NearbyConnect';
import type { NearbyView } from '@/bindings/NearbyView';
import { notifyError } from '@/components/notify';
import { call } from '@/core/call';
import { onEvent } from '@/core/events';
import { ApiError } from '@/errors';

export const useNearby = defineStore('nearby', () => {
  const view = shallowRef<NearbyView | null>(null);
  const error = ref<unknown>(null);
  /** What was typed is no address. */
  const isBadAddress = ref(false);
  /** The last wish, to be tried again. */
  const last = shallowRef<NearbyConnect | null>(null);
  const session = computed(() => view.value?.session ?? null);

  onEvent('nearby', (event) => {
    view.value = event.view;
  });

  async function open(): Promise<void> {
    try {
      view.value = await call('nearby_open');
      error.value = null;
    } catch (cause) {
      error.value = cause;
    }
  }

  async function attempt(what: () => Promise<unknown>): Promise<void> {
    try {
      await what();
    } catch (cause) {
      notifyError(cause);
    }
  }

  const close = (): Promise<void> => attempt(() => call('nearby_close'));

  async function keep(isKept: boolean): Promise<void> {
    await attempt(async () => {
      view.value = await call('nearby_keep', { is_kept: isKept });
    });
  }

  async function connect(to: NearbyConnect): Promise<void> {
    last.value = to;
    isBadAddress.value = false;
    try {
      await call('nearby_connect', to);
    } catch (cause) {
      if (to.by === 'address' && ApiError.from(cause).code === 'bad_value') isBadAddress.value = true;
      else notifyError(cause);
    }
  }

  const answer = (said: NearbyAnswer): Promise<void> => attempt(() => call('nearby_answer', said));
  const cancel = (): Promise<void> => attempt(() => call('nearby_cancel'));
  const putAway = (): Promise<void> => attempt(() => call('nearby_put_away'));

  async function again(): Promise<void> {
    const to = last.value;
    await putAway();
    if (to) await connect(to);
  }

  return { view, error, isBadAddress, session, open, close, keep, connect, answer, cancel, putAway, again };
});
