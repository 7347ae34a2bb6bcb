/**
 * A question to the core whose answer a screen shows: the answer, whether it is being asked, and what went wrong.
 *
 * The newest answer wins. Asking again while an answer is under way asks once more afterwards, however often it
 * was asked for meanwhile: sync may announce changes faster than a list can be read.
 */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue';

export interface Query<T> {
  /** The last answer; kept on the screen while a new one is under way and when a later one failed. */
  data: ShallowRef<T | null>;
  loading: Ref<boolean>;
  /** What went wrong last; `null` once an answer came. */
  error: ShallowRef<unknown>;
  /** Resolves when an answer that was asked for after this call has come or failed. Never rejects. */
  load: () => Promise<void>;
  /** Forgets the answer: what is asked from now on is about something else. */
  reset: () => void;
}

export function makeQuery<T>(ask: () => Promise<T>): Query<T> {
  const data = shallowRef<T | null>(null);
  const loading = ref(false);
  const error = shallowRef<unknown>(null);
  let running: Promise<void> | null = null;
  let wanted = false;
  let epoch = 0;

  async function askOnce(): Promise<void> {
    const asked = epoch;
    try {
      const answer = await ask();
      if (asked !== epoch) return;
      data.value = answer;
      error.value = null;
    } catch (cause) {
      if (asked === epoch) error.value = cause;
    }
  }

  async function run(): Promise<void> {
    loading.value = true;
    while (wanted) {
      wanted = false;
      await askOnce();
    }
    // In the same step as the last look at `wanted`: a later wish starts a run of its own.
    running = null;
    loading.value = false;
  }

  function load(): Promise<void> {
    wanted = true;
    running ??= run();
    return running;
  }

  function reset(): void {
    epoch += 1;
    data.value = null;
    error.value = null;
  }

  return { data, loading, error, load, reset };
}
