/** What is to be said about an update of the application in a package. */
import type { PackageUpdate } from '@/bindings/PackageUpdate';
import { faultText } from '@/features/updates/words';
import { t } from '@/i18n';

export function carriedText({ version, verdict }: PackageUpdate): string {
  if (verdict === 'new') return t('packages.updateNew', { version });
  if (verdict === 'known') return t('packages.updateKnown', { version });
  return t('packages.updateRefused', { version, reason: faultText(verdict, version) });
}
