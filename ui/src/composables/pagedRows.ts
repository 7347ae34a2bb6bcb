/**
 * Rows of a long list, fetched page by page as they come into view.
 *
 * Answers that nobody waits for any more are dropped: those to an older query, and those for pages that were
 * scrolled past. Rows that are shown stay until their replacement is here, so that a refresh does not flicker.
 */
import { computed, onScopeDispose, ref, shallowRef, triggerRef, type ComputedRef, type Ref, type ShallowRef } from 'vue';

export interface TableSort {
  key: string;
  descending: boolean;
}

export interface RowsRequest {
  offset: number;
  limit: number;
  sort: TableSort | null;
  signal: AbortSignal;
}

export interface RowsPage<T> {
  total: number;
  rows: T[];
}

export type FetchRows<T> = (request: RowsRequest) => Promise<RowsPage<T>>;

/** Pages kept at most; those farthest from view go first. */
const KEPT_PAGES = 40;
/** While the list is scrolled fast, pages that merely fly past are not asked for. */
const SETTLE_MS = 45;

export interface PagedRows<T> {
  /** How many rows there are; `null` before the first answer. */
  total: Ref<number | null>;
  error: Ref<unknown>;
  /** Waiting for the first answer to a new query. */
  isReplacing: Ref<boolean>;
  isLoading: ComputedRef<boolean>;
  rowAt: (index: number) => T | undefined;
  /** Says which rows are in view. */
  show: (first: number, last: number) => void;
  /** Starts over with a new query or order; calls back when the new rows are there. */
  replace: (then?: () => void) => void;
  /** Fetches what is in view again, in place. */
  refresh: () => void;
}

export function usePagedRows<T>(fetch: FetchRows<T>, sort: () => TableSort | null, pageSize: number): PagedRows<T> {
  const total = ref<number | null>(null);
  const error = ref<unknown>(null);
  const isReplacing = ref(true);
  const pages: ShallowRef<Map<number, T[]>> = shallowRef(new Map());
  const stale = new Set<number>();
  const running = shallowRef(new Map<number, AbortController>());
  let generation = 0;
  let wanted: [number, number] = [0, 0];
  let settle: ReturnType<typeof setTimeout> | undefined;
  let afterReplace: (() => void) | undefined;

  const isLoading = computed(() => running.value.size > 0);

  function abortAll(): void {
    for (const controller of running.value.values()) controller.abort();
    running.value.clear();
    triggerRef(running);
  }

  async function load(page: number): Promise<void> {
    const controller = new AbortController();
    const mine = generation;
    running.value.set(page, controller);
    triggerRef(running);
    try {
      const request = { offset: page * pageSize, limit: pageSize, sort: sort(), signal: controller.signal };
      const answer = await fetch(request);
      if (controller.signal.aborted || mine !== generation) return;
      accept(page, answer);
    } catch (cause) {
      if (!controller.signal.aborted && mine === generation) {
        error.value = cause;
        isReplacing.value = false;
      }
    } finally {
      if (running.value.get(page) === controller) {
        running.value.delete(page);
        triggerRef(running);
      }
    }
  }

  function accept(page: number, answer: RowsPage<T>): void {
    if (isReplacing.value) {
      pages.value = new Map();
      stale.clear();
      isReplacing.value = false;
      afterReplace?.();
      afterReplace = undefined;
      // Without a move to the top, rows far down may be in view.
      settle = setTimeout(fetchWanted, 0);
    }
    error.value = null;
    total.value = answer.total;
    pages.value.set(page, answer.rows);
    stale.delete(page);
    forget();
    triggerRef(pages);
  }

  function forget(): void {
    if (pages.value.size <= KEPT_PAGES) return;
    const middle = (wanted[0] + wanted[1]) / 2;
    const byDistance = [...pages.value.keys()].sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
    for (const page of byDistance.slice(0, pages.value.size - KEPT_PAGES)) pages.value.delete(page);
  }

  function fetchWanted(): void {
    clearTimeout(settle);
    settle = undefined;
    const [first, last] = wanted;
    for (const [page, controller] of running.value) {
      if ((page < first || page > last) && !isReplacing.value) controller.abort();
    }
    for (let page = first; page <= last; page += 1) {
      const isHere = pages.value.has(page) && !stale.has(page);
      const asked = running.value.get(page);
      if (!isHere && (!asked || asked.signal.aborted)) void load(page);
    }
  }

  function show(first: number, last: number): void {
    const end = total.value === null ? last : Math.min(last, total.value - 1);
    const before = wanted;
    wanted = [Math.floor(Math.max(0, first) / pageSize), Math.floor(Math.max(0, end) / pageSize)];
    if (isReplacing.value) return;
    const jumped = wanted[0] > before[1] || wanted[1] < before[0];
    if (jumped) {
      // Each further jump puts the question off until the list rests.
      clearTimeout(settle);
      settle = setTimeout(fetchWanted, SETTLE_MS);
    } else if (running.value.size === 0 && settle === undefined) {
      fetchWanted();
    } else {
      settle ??= setTimeout(fetchWanted, SETTLE_MS);
    }
  }

  function replace(then?: () => void): void {
    generation += 1;
    abortAll();
    clearTimeout(settle);
    settle = undefined;
    isReplacing.value = true;
    afterReplace = then;
    void load(0);
  }

  function refresh(): void {
    if (isReplacing.value) return;
    for (const page of pages.value.keys()) stale.add(page);
    generation += 1;
    abortAll();
    fetchWanted();
  }

  function rowAt(index: number): T | undefined {
    return pages.value.get(Math.floor(index / pageSize))?.[index % pageSize];
  }

  onScopeDispose(() => {
    clearTimeout(settle);
    abortAll();
  });

  return { total, error, isReplacing, isLoading, rowAt, show, replace, refresh };
}
