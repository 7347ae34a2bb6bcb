/** Runs `arrived` when synchronisation brought something, at most once in `waitMs`. */
import { onScopeDispose } from 'vue';
import { useEvent } from './events';

export function useSynced(arrived: () => void, waitMs = 2_000): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  useEvent('changed', ({ source }) => {
    if (source !== 'sync') return;
    timer ??= setTimeout(() => {
      timer = undefined;
      arrived();
    }, waitMs);
  });
  onScopeDispose(() => clearTimeout(timer));
}
