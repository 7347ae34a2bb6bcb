/** What synchronisation did lately, and asking for it now. Its present state is in the shared store `sync`. */
import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { ContestedPlace } from '@/bindings/ContestedPlace';
import { notifyDone, notifyError } from '@/components/notify';
import { call } from '@/core/call';
import { makeQuery } from '@/core/query';
import { t } from '@/i18n';

export const useSyncPage = defineStore('sync-page', () => {
  const log = makeQuery(() => call('sync_log'));
  /** The wish is on its way to the core. What comes of it is told by events. */
  const isAsking = ref(false);

  async function syncNow(): Promise<void> {
    if (isAsking.value) return;
    isAsking.value = true;
    try {
      await call('sync_now');
      notifyDone(t('sync.asked'));
    } catch (cause) {
      notifyError(cause);
    } finally {
      isAsking.value = false;
    }
  }

  const isSettling = ref(false);

  /** The person goes with the central endpoint's past of a computer. */
  async function settle(place: ContestedPlace): Promise<void> {
    if (isSettling.value) return;
    isSettling.value = true;
    try {
      await call('contested_settle', place);
      notifyDone(t('sync.contestedDone'));
      await log.load();
    } catch (cause) {
      notifyError(cause);
    } finally {
      isSettling.value = false;
    }
  }

  return { log: log.data, logLoading: log.loading, logError: log.error, loadLog: log.load, isAsking, syncNow, isSettling, settle };
});
