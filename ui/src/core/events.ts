/** What the core tells without being asked, handed to whoever listens for that kind. */
import { onScopeDispose } from 'vue';
import type { HostEvent } from '@/bindings/HostEvent';
import type { RecordId } from '@/bindings/RecordId';
import { platform, type Unsubscribe } from '@/platform';

type Kind = HostEvent['kind'];
type EventOf<K extends Kind> = Extract<HostEvent, { kind: K }>;
type Listener = (event: HostEvent) => void;

const listeners = new Map<Kind, Set<Listener>>();
let connected: Unsubscribe | null = null;

function connect(): void {
  connected ??= platform.onEvent((event) => {
    for (const listener of listeners.get(event.kind) ?? []) listener(event);
  });
}

/** Listens until the returned function is called. */
export function onEvent<K extends Kind>(kind: K, listener: (event: EventOf<K>) => void): Unsubscribe {
  connect();
  const known = listeners.get(kind) ?? new Set<Listener>();
  listeners.set(kind, known.add(listener as Listener));
  return () => known.delete(listener as Listener);
}

/** Listens for as long as the component or store lives. */
export function useEvent<K extends Kind>(kind: K, listener: (event: EventOf<K>) => void): void {
  onScopeDispose(onEvent(kind, listener));
}

/**
 * Runs `changed` when a record that `isMine` names has changed, at most once in `waitMs`: sync may announce
 * thousands of records in a second.
 */
export function useChanged(isMine: (record: RecordId) => boolean, changed: () => void, waitMs = 80): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  useEvent('changed', ({ records }) => {
    // No names means too many to name.
    if (records.length > 0 && !records.some(isMine)) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      changed();
    }, waitMs);
  });
  onScopeDispose(() => clearTimeout(timer));
}
