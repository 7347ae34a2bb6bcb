/** Verifying the ledger: how far it is, and what came of it. It goes on when the page is left. */
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import type { VerifyView } from '@/bindings/VerifyView';
import { call } from '@/core/call';
import { useEvent } from '@/core/events';

export const useVerification = defineStore('verification', () => {
  const result = shallowRef<VerifyView | null>(null);
  const finishedMs = ref<number | null>(null);
  const running = ref(false);
  const done = ref(0);
  const total = ref(0);
  const error = shallowRef<unknown>(null);

  async function start(): Promise<void> {
    if (running.value) return;
    running.value = true;
    result.value = null;
    error.value = null;
    done.value = 0;
    total.value = 0;
    try {
      result.value = await call('verify');
      finishedMs.value = Date.now();
    } catch (cause) {
      error.value = cause;
    } finally {
      running.value = false;
    }
  }

  useEvent('progress', (event) => {
    if (event.task !== 'verify' || !running.value) return;
    done.value = event.done;
    total.value = event.total;
  });

  return { result, finishedMs, running, done, total, error, start };
});
