/** Tells in the window that what was recorded without a network has arrived. Outside the window the shell tells it. */
import { notifyDone } from '@/components/notify';
import { useEvent } from '@/core/events';
import { useI18n } from '@/i18n';

export function useDelivered(): void {
  const { t } = useI18n();
  useEvent('delivered', ({ entries, blobs }) => {
    if (document.hasFocus()) notifyDone(t('sync.deliveredAll', { entries, blobs }));
  });
}
