/**
 * The first start: from no ledger to a computer that is ready to work.
 *
 * The core's answer that everything is ready is held back until the person has read what became of it (whom the
 * computer is enrolled for, what was salvaged): handing it to the application closes these pages.
 */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { AppStatus } from '@/bindings/AppStatus';
import type { ServerFound } from '@/bindings/ServerFound';
import { call } from '@/core/call';
import { useApp } from '@/stores/app';

export type SetupScreen = 'key' | 'unlock' | 'barred' | 'enrol' | 'done' | 'salvage';
export type EnrolStep = 'server' | 'compare' | 'code';

export const useSetup = defineStore('setup', () => {
  const app = useApp();
  const held = shallowRef<AppStatus | null>(null);
  const found = shallowRef<ServerFound | null>(null);
  const step = ref<EnrolStep>('server');
  const busy = ref(false);
  const error = shallowRef<unknown>(null);
  const salvageSeen = ref(false);

  const status = computed(() => held.value ?? app.status);

  const screen = computed<SetupScreen>(() => {
    const current = status.value;
    if (current === null || current.stage === 'needs_key') return 'key';
    if (current.stage === 'locked') return 'unlock';
    if (current.stage === 'barred') return 'barred';
    if (current.salvage !== null && !salvageSeen.value) return 'salvage';
    return current.stage === 'ready' ? 'done' : 'enrol';
  });

  async function attempt(act: () => Promise<void>): Promise<void> {
    busy.value = true;
    error.value = null;
    try {
      await act();
    } catch (cause) {
      error.value = cause;
    } finally {
      busy.value = false;
    }
  }

  /** Without a passphrase the system's credential store keeps the key. */
  function createKey(passphrase: string | null): Promise<void> {
    return attempt(async () => {
      app.take(await call('key_create', { passphrase }));
    });
  }

  function unlock(passphrase: string | null): Promise<void> {
    return attempt(async () => {
      const next = await call('key_unlock', { passphrase });
      if (next.salvage === null) app.take(next);
      else held.value = next;
    });
  }

  /** Opens a computer that the administrator locked. */
  function lift(code: string, passphrase: string): Promise<void> {
    return attempt(async () => {
      app.take(await call('order_unlock', { code, passphrase }));
    });
  }

  function probe(url: string): Promise<void> {
    return attempt(async () => {
      found.value = await call('server_probe', { url: url.trim() });
      step.value = 'compare';
    });
  }

  function enrol(code: string, label: string): Promise<void> {
    return attempt(async () => {
      const server = found.value;
      if (server === null) return;
      held.value = await call('enrol', { url: server.url, fingerprint: server.fingerprint, code, label: label.trim() });
      salvageSeen.value = true;
    });
  }

  function goTo(next: EnrolStep): void {
    error.value = null;
    step.value = next;
  }

  /** The salvage report was read. */
  function passSalvage(): void {
    salvageSeen.value = true;
    if (status.value?.stage === 'ready') finish();
  }

  /** Hands over to the application, which leaves these pages. */
  function finish(): void {
    const next = held.value;
    held.value = null;
    if (next !== null) app.take(next);
  }

  return { status, screen, step, found, busy, error, salvageSeen, createKey, unlock, lift, probe, enrol, goTo, passSalvage, finish };
});
