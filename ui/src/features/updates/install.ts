/** Installing on a person's word: the question says what happens, that records stay, and how long it takes. */
import { confirm } from '@/components/confirm';
import { notifyInfo } from '@/components/notify';
import { t } from '@/i18n';
import { useUpdates } from '@/stores/updates';

export async function askAndInstall(): Promise<void> {
  const updates = useUpdates();
  const { version = '', running = '' } = updates.view ?? {};
  const agreed = await confirm({
    title: t('updates.askTitle', { version }),
    text: t('updates.askText', { running }),
    confirmText: t('updates.askConfirm'),
  });
  if (agreed && !(await updates.install())) notifyInfo(t('updates.unsaved'));
}
