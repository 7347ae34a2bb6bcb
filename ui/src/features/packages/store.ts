/** Package files: what would go into one, making it, looking at one, taking it in, and what became of them. */
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import type { FileOut } from '@/bindings/FileOut';
import type { FileSource } from '@/bindings/FileSource';
import type { PackageAnswer } from '@/bindings/PackageAnswer';
import type { PackageLooked } from '@/bindings/PackageLooked';
import type { PackageMade } from '@/bindings/PackageMade';
import type { PackageOutside } from '@/bindings/PackageOutside';
import type { PackagePlan } from '@/bindings/PackagePlan';
import type { PackageTaken } from '@/bindings/PackageTaken';
import { call } from '@/core/call';
import { useEvent } from '@/core/events';
import { sourceOf } from '@/core/files';
import { makeQuery } from '@/core/query';
import type { ChosenFile } from '@/platform';

/** What is under way; only one of them at a time. */
export type Task = 'plan' | 'make' | 'look' | 'take' | 'outside' | 'hand_in';

export const usePackages = defineStore('packages', () => {
  const recipients = makeQuery(() => call('package_recipients'));
  const list = makeQuery(() => call('packages_list'));

  /** `null`: the central endpoint. */
  const to = ref<string | null>(null);
  /** `null`: everything that waits. */
  const records = ref<string[] | null>(null);
  /** Whether the update of the application goes along. */
  const withUpdate = ref(false);
  const plan = shallowRef<PackagePlan | null>(null);
  const made = shallowRef<PackageMade | null>(null);
  const makeError = shallowRef<unknown>(null);

  const looked = shallowRef<PackageLooked | null>(null);
  const taken = shallowRef<PackageTaken | null>(null);
  const takeError = shallowRef<unknown>(null);

  /** Somebody else's package, and what the central endpoint answered to it. */
  const outside = shallowRef<PackageOutside | null>(null);
  const answer = shallowRef<PackageAnswer | null>(null);
  /** Where the answer was saved last. */
  const savedAs = ref<string | null>(null);
  const handError = shallowRef<unknown>(null);

  const task = ref<Task | null>(null);
  const progress = ref<{ done: number; total: number } | null>(null);

  async function attempt(now: Task, failed: (cause: unknown) => void, act: () => Promise<void>): Promise<void> {
    if (task.value) return;
    task.value = now;
    progress.value = null;
    failed(null);
    try {
      await act();
    } catch (cause) {
      failed(cause);
    } finally {
      task.value = null;
      progress.value = null;
    }
  }

  const ofMaking = (cause: unknown): void => {
    makeError.value = cause;
  };
  const ofTaking = (cause: unknown): void => {
    takeError.value = cause;
  };

  const ofHanding = (cause: unknown): void => {
    handError.value = cause;
  };

  function ask(path: string | null) {
    return { to: to.value, records: records.value, update: withUpdate.value && to.value !== null, path };
  }

  function prepare(): Promise<void> {
    return attempt('plan', ofMaking, async () => {
      plan.value = await call('package_plan', ask(null));
    });
  }

  async function chooseRecipient(device: string | null): Promise<void> {
    to.value = device;
    made.value = null;
    await prepare();
  }

  async function takeUpdateAlong(along: boolean): Promise<void> {
    withUpdate.value = along;
    made.value = null;
    await prepare();
  }

  /** `path` is `null` where the host keeps files its own way. */
  function make(path: string | null): Promise<void> {
    return attempt('make', ofMaking, async () => {
      made.value = await call('package_make', ask(path));
      await list.load();
    });
  }

  function look(chosen: ChosenFile): Promise<void> {
    looked.value = null;
    taken.value = null;
    return attempt('look', ofTaking, async () => {
      const source: FileSource = await sourceOf(chosen);
      looked.value = await call('package_look', { source });
    });
  }

  function take(): Promise<void> {
    return attempt('take', ofTaking, async () => {
      if (!looked.value) return;
      taken.value = await call('package_take', { token: looked.value.token });
      await list.load();
    });
  }

  function putBack(): void {
    looked.value = null;
    taken.value = null;
    takeError.value = null;
  }

  /** Everything that waits goes in again. */
  async function chooseAll(): Promise<void> {
    records.value = null;
    made.value = null;
    await prepare();
  }

  function lookOutside(chosen: ChosenFile): Promise<void> {
    outside.value = null;
    answer.value = null;
    savedAs.value = null;
    return attempt('outside', ofHanding, async () => {
      outside.value = await call('package_outside', { source: await sourceOf(chosen) });
    });
  }

  function handIn(): Promise<void> {
    return attempt('hand_in', ofHanding, async () => {
      if (outside.value) answer.value = await call('package_hand_in', { token: outside.value.token });
    });
  }

  /** `path` is `null` where the host keeps files its own way; then the file comes back. */
  async function saveAnswer(path: string | null): Promise<FileOut | null> {
    if (!answer.value) return null;
    const { file } = await call('package_answer_save', { token: answer.value.token, path });
    savedAs.value = path ?? file?.name ?? null;
    return file;
  }

  function endHanding(): void {
    outside.value = null;
    answer.value = null;
    savedAs.value = null;
    handError.value = null;
  }

  async function stop(): Promise<void> {
    await call('package_stop');
  }

  useEvent('progress', ({ task: name, done, total }) => {
    if (task.value && name === `package_${task.value}`) progress.value = { done, total };
  });

  return {
    recipients: recipients.data,
    recipientsError: recipients.error,
    loadRecipients: recipients.load,
    list: list.data,
    listError: list.error,
    loadList: list.load,
    to,
    records,
    withUpdate,
    plan,
    made,
    makeError,
    looked,
    taken,
    takeError,
    outside,
    answer,
    savedAs,
    handError,
    task,
    progress,
    prepare,
    chooseAll,
    chooseRecipient,
    takeUpdateAlong,
    make,
    look,
    take,
    putBack,
    lookOutside,
    handIn,
    saveAnswer,
    endHanding,
    stop,
  };
});
