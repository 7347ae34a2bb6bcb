/**
 * Keyboard shortcuts: one registry, so that the help dialog always lists what really works.
 *
 * A key without Ctrl, Alt or a function key never fires while a person types, and nothing fires while an input
 * method is composing.
 */
import { computed, onScopeDispose, shallowReactive, type ComputedRef } from 'vue';

export type ShortcutGroup = 'global' | 'navigation' | 'page';

export interface Shortcut {
  /** Lower case, modifiers first: `ctrl+k`, `alt+1`, `f1`, `?`, `j`. */
  keys: string;
  group: ShortcutGroup;
  /** Already translated, and asked for each time it is shown. */
  text: () => string;
  run: (event: KeyboardEvent) => void;
  /** Also while typing in a field. Default: only for Ctrl, Alt and function keys. */
  whileTyping?: boolean;
}

const registered = shallowReactive<Shortcut[]>([]);

export const shortcuts: ComputedRef<readonly Shortcut[]> = computed(() => registered);

/** Adds a shortcut and returns what removes it. The newest wins over an older one with the same keys. */
export function addShortcut(shortcut: Shortcut): () => void {
  registered.push(shortcut);
  return () => {
    const at = registered.indexOf(shortcut);
    if (at >= 0) registered.splice(at, 1);
  };
}

/** Adds a shortcut for as long as the component or scope lives. */
export function useShortcut(shortcut: Shortcut): void {
  onScopeDispose(addShortcut(shortcut));
}

/** The name of what was pressed, in the form of `Shortcut.keys`. */
export function keysOf(event: KeyboardEvent): string {
  const names: string[] = [];
  if (event.ctrlKey || event.metaKey) names.push('ctrl');
  if (event.altKey) names.push('alt');
  // For Alt and digits the layout may put another character there; the key's place is what is meant.
  const digit = /^Digit(\d)$/.exec(event.code)?.[1];
  const key = event.altKey && digit ? digit : event.key.toLowerCase();
  if (event.shiftKey && key.length > 1) names.push('shift');
  names.push(key === ' ' ? 'space' : key);
  return names.join('+');
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

function mayFireWhileTyping({ keys, whileTyping }: Shortcut): boolean {
  return whileTyping ?? (/^(ctrl|alt)\+/.test(keys) || /^f\d+$/.test(keys));
}

/** Runs the shortcut that a key press means, if any. */
export function dispatchShortcut(event: KeyboardEvent): void {
  if (event.isComposing || event.defaultPrevented) return;
  const keys = keysOf(event);
  const typing = isTyping(event.target);
  for (let index = registered.length - 1; index >= 0; index -= 1) {
    const shortcut = registered[index];
    if (!shortcut || shortcut.keys !== keys) continue;
    if (typing && !mayFireWhileTyping(shortcut)) continue;
    event.preventDefault();
    shortcut.run(event);
    return;
  }
}

/** The caps to print for `ctrl+k`: `Ctrl`, `K`. */
export function keyCaps(keys: string): string[] {
  return keys.split('+').map((key) => (key.length === 1 ? key.toUpperCase() : key.charAt(0).toUpperCase() + key.slice(1)));
}
