/** How far the application is set up, and who works here. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { AppStatus } from '@/bindings/AppStatus';
import { call } from '@/core/call';
import { LOCALES, setLocale, type Locale } from '@/i18n';

export const useApp = defineStore('app', () => {
  const status = shallowRef<AppStatus | null>(null);
  const error = ref<unknown>(null);

  const me = computed(() => status.value?.me ?? null);
  const role = computed(() => me.value?.role ?? null);
  const isReady = computed(() => status.value?.stage === 'ready');
  /** A computer that was enrolled by files may know no address: nothing goes over a network then. */
  const hasAddress = computed(() => me.value?.server_url !== '');
  const isSample = computed(() => status.value?.is_sample ?? false);

  /** Takes over what a call that changes the set-up has returned. */
  function take(next: AppStatus): void {
    status.value = next;
    error.value = null;
    const chosen = LOCALES.find((locale) => locale === next.language);
    if (next.stage === 'ready' && chosen) setLocale(chosen);
  }

  /** Asks the core. A failure stays in `error` until the next attempt succeeds. */
  async function load(): Promise<void> {
    try {
      take(await call('app_status'));
    } catch (cause) {
      error.value = cause;
    }
  }

  /** Switches the language on the screen and, once there is a ledger, in it. */
  async function chooseLocale(next: Locale): Promise<void> {
    setLocale(next);
    if (isReady.value) take(await call('setting_set', { key: 'language', value: next }));
  }

  return { status, error, me, role, isReady, hasAddress, isSample, take, load, chooseLocale };
});
