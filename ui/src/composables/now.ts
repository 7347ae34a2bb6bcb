/** The time, for texts such as "3 minutes ago": moves on by itself while a component shows it. */
import { onScopeDispose, ref, type Ref } from 'vue';

export function useNow(everyMs = 1_000): Readonly<Ref<number>> {
  const now = ref(Date.now());
  const timer = setInterval(() => {
    now.value = Date.now();
  }, everyMs);
  onScopeDispose(() => clearInterval(timer));
  return now;
}
