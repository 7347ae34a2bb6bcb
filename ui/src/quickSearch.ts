/**
 * What Ctrl+K searches. A feature that has something to find registers a provider; the dialog asks all of them
 * at once and shows each answer as it comes.
 */
import { shallowReactive } from 'vue';
import type { RouteLocationRaw } from 'vue-router';

export interface QuickResult {
  id: string;
  title: string;
  /** A second, quieter line: number, county, date. */
  detail?: string;
  to: RouteLocationRaw;
}

export interface QuickProvider {
  id: string;
  /** Heading of its results, already translated. */
  group: () => string;
  /** At most about eight results; `signal` ends a search that nobody waits for any more. */
  search: (text: string, signal: AbortSignal) => Promise<QuickResult[]>;
}

const registered = shallowReactive<QuickProvider[]>([]);

export const quickProviders: readonly QuickProvider[] = registered;

/** Adds a provider; one with the same id is replaced. */
export function addQuickProvider(provider: QuickProvider): void {
  const at = registered.findIndex(({ id }) => id === provider.id);
  if (at >= 0) registered.splice(at, 1, provider);
  else registered.push(provider);
}
