/** The audit log, page by page from the newest row on, as far as it was read. */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { AdminAuditFilter } from '@/bindings/AdminAuditFilter';
import type { AdminAuditRow } from '@/bindings/AdminAuditRow';
import type { Known } from '@/bindings/Known';
import { call } from '@/core/call';
import type { FileOut } from '@/bindings/FileOut';

const DAY_MS = 86_400_000;

/** The first moment of a day in China's time zone. */
function dayStart(day: string): number {
  return Date.parse(`${day}T00:00:00+08:00`);
}

export const useAudit = defineStore('admin-audit', () => {
  const query = ref('');
  const act = ref('');
  const from = ref('');
  const to = ref('');
  const rows = shallowRef<AdminAuditRow[]>([]);
  const known = shallowRef<Known | null>(null);
  const more = ref(false);
  const busy = ref(false);
  const error = shallowRef<unknown>(null);
  let asked = 0;

  const filter = computed<AdminAuditFilter>(() => ({
    text: query.value || null,
    act: act.value || null,
    since_ms: from.value ? dayStart(from.value) : null,
    until_ms: to.value ? dayStart(to.value) + DAY_MS : null,
  }));

  async function read(before: number | null): Promise<void> {
    const mine = (asked += 1);
    busy.value = true;
    try {
      const page = await call('admin_audit', { filter: filter.value, before });
      if (mine !== asked) return;
      rows.value = before === null ? page.rows : [...rows.value, ...page.rows];
      known.value = page.known;
      more.value = page.more;
      error.value = null;
    } catch (cause) {
      if (mine === asked) error.value = cause;
    } finally {
      if (mine === asked) busy.value = false;
    }
  }

  const load = (): Promise<void> => read(null);
  const loadMore = (): Promise<void> => read(rows.value.at(-1)?.n ?? null);

  function makeFile(format: 'xlsx' | 'csv'): Promise<FileOut> {
    return call('admin_audit_export', { filter: filter.value, format });
  }

  return { query, act, from, to, filter, rows, known, more, busy, error, load, loadMore, makeFile };
});
