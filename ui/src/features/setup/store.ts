/**
 * The first start: from no ledger to a computer that is ready to work.
 *
 * The core's answer that everything is ready is held back until the person has read what became of it (whom the
 * computer is enrolled for, what was salvaged): handing it to the application closes these pages.
 */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { AppStatus } from '@/bindings/AppStatus';
import type { CardFound } from '@/bindings/CardFound';
import type { FileOut } from '@/bindings/FileOut';
import type { ServerFound } from '@/bindings/ServerFound';
import { call } from '@/core/call';
import { useEvent } from '@/core/events';
import { sourceOf } from '@/core/files';
import type { ChosenFile } from '@/platform';
import { useApp } from '@/stores/app';

export type SetupScreen = 'key' | 'unlock' | 'barred' | 'enrol' | 'done' | 'salvage';
export type EnrolStep = 'server' | 'compare' | 'code';
export type FileStep = 'card' | 'compare' | 'code' | 'answer';

export const useSetup = defineStore('setup', () => {
  const app = useApp();
  const held = shallowRef<AppStatus | null>(null);
  const found = shallowRef<ServerFound | null>(null);
  const step = ref<EnrolStep>('server');
  /** Which way the person has chosen, and where on it they are; a request that waits says both where they have not. */
  const chosenWay = ref<'network' | 'file' | null>(null);
  const chosenStep = ref<FileStep | null>(null);
  const readCard = shallowRef<CardFound | null>(null);
  const progress = shallowRef<{ done: number; total: number } | null>(null);
  /** Why not all was taken of what came with this computer's place. */
  const fault = shallowRef<unknown>(null);
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

  const asked = computed(() => status.value?.asked ?? null);
  const way = computed(() => chosenWay.value ?? (asked.value ? 'file' : 'network'));
  const fileStep = computed<FileStep>(() => chosenStep.value ?? (asked.value ? 'answer' : 'card'));
  const card = computed(() => readCard.value ?? asked.value?.card ?? null);

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

  function goBy(next: 'network' | 'file'): void {
    error.value = null;
    chosenWay.value = next;
  }

  function goToFile(next: FileStep): void {
    error.value = null;
    chosenStep.value = next;
    // What was asked is asked again at the same endpoint, whatever card was looked at meanwhile.
    if (next === 'answer') readCard.value = null;
  }

  function takeCard(chosen: ChosenFile): Promise<void> {
    return attempt(async () => {
      readCard.value = await call('place_card', { source: await sourceOf(chosen) });
      chosenStep.value = 'compare';
    });
  }

  /** Writes the request; gives back the file where the host keeps files its own way. */
  async function askPlace(code: string, label: string, path: string | null): Promise<FileOut | null> {
    let file: FileOut | null = null;
    await attempt(async () => {
      const { value } = card;
      if (value === null) return;
      const done = await call('place_ask', { fingerprint: value.fingerprint, code, label: label.trim(), path });
      app.take(done.status);
      readCard.value = null;
      chosenStep.value = null;
      file = done.file;
    });
    return file;
  }

  function takePlace(chosen: ChosenFile): Promise<void> {
    progress.value = null;
    return attempt(async () => {
      const done = await call('place_take', { source: await sourceOf(chosen) });
      held.value = done.status;
      fault.value = done.fault;
      salvageSeen.value = true;
      chosenWay.value = 'file';
    });
  }

  async function stop(): Promise<void> {
    await call('package_stop');
  }

  useEvent('progress', ({ task, done, total }) => {
    if (task === 'place_take') progress.value = { done, total };
  });

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

  return {
    status,
    screen,
    step,
    found,
    busy,
    error,
    salvageSeen,
    way,
    fileStep,
    card,
    asked,
    progress,
    fault,
    createKey,
    unlock,
    lift,
    probe,
    enrol,
    goTo,
    goBy,
    goToFile,
    takeCard,
    askPlace,
    takePlace,
    stop,
    passSalvage,
    finish,
  };
});
